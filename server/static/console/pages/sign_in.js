/** Signing in. @module */

import { button, h } from "../../chat/dom.js";
import { Problem } from "../api.js";
import { field } from "../forms.js";

/** @param {HTMLElement} root @param {import("../main.js").Console} context */
export async function mount(root, context) {
  const { voice, api } = context;
  const tenant = new URLSearchParams(location.search).get("tenant");
  const name = field(voice.say("sign_in.name"), { autocomplete: "username", required: true, autocapitalize: "none", spellcheck: "false", maxlength: 254 });
  const password = field(voice.say("sign_in.password"), { type: "password", autocomplete: "current-password", required: true, maxlength: 1000 });
  const problem = h("p", { class: "bad", role: "alert" });
  const submit = h("button", { type: "submit", class: "primary" }, voice.say("sign_in"));
  const form = h("form", {}, name.element, password.element, problem, submit);
  const doors = h("div", { class: "doors" });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    problem.textContent = "";
    try {
      await context.enter(await api.post("/sign-in", { login: name.input.value, password: password.input.value, ...(tenant ? { tenant } : {}) }));
    } catch (caught) {
      submit.disabled = false;
      problem.textContent = caught instanceof Problem && caught.status === 401 ? voice.say("sign_in.wrong") : context.told(caught);
      password.input.value = "";
      password.input.focus();
    }
  });
  context.title(voice.say("sign_in"));
  root.replaceChildren(
    h(
      "div",
      { class: "door" },
      h("img", { src: "/static/demo/icon.svg", alt: "", width: "44", height: "44" }),
      h("h1", {}, voice.say("sign_in.title")),
      form,
      doors,
      h("p", { class: "muted" }, voice.say("sign_in.lost")),
    ),
  );
  name.input.focus();
  const failed = new URLSearchParams(location.search).get("failed");
  if (failed) problem.textContent = voice.say("sign_in.oidc.failed");
  const ways = await api.get("/sign-in").catch(() => ({ doors: [] }));
  doors.replaceChildren(...ways.doors.map((/** @type {{name: string, path: string}} */ door) => button(voice.say("sign_in.with", { name: door.name }), { onclick: () => location.assign(door.path) })));
}
