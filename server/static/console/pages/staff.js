/** Who may sign in, and as what. @module */

import { button, h } from "../../chat/dom.js";
import { Problem } from "../api.js";
import { confirm, dialog } from "../dialogs.js";
import { choice, field } from "../forms.js";
import { sign } from "../icons.js";
import { initials } from "../main.js";

const ROLES = ["reviewer", "lead", "admin", "auditor"];

/** @param {HTMLElement} root @param {import("../main.js").Console} context */
export async function mount(root, context) {
  const { voice, api } = context;
  const may = context.me.role === "admin";
  const body = h("tbody");
  /** @type {any[]} */
  let people = await api.get("/staff");

  const act = async (/** @type {string} */ path) => {
    try {
      const answer = await api.post(path);
      people = await api.get("/staff");
      draw();
      return answer;
    } catch (problem) {
      context.toasts.show(problem instanceof Problem && problem.code === "conflict" ? voice.say("staff.last") : context.told(problem), { tone: "bad" });
      return null;
    }
  };

  const draw = () =>
    body.replaceChildren(
      ...people.map((one) =>
        h(
          "tr",
          { class: one.disabled ? "off" : "" },
          h("th", { scope: "row" }, h("div", { class: "who" }, h("span", { class: "avatar", "aria-hidden": "true" }, initials(one.name)), h("div", {}, h("bdi", {}, one.name), h("span", { class: "muted" }, one.id.replace(/^staff:/, "") + (one.email ? ` · ${one.email}` : ""))))),
          h("td", {}, h("span", { class: `tag ${one.role}` }, voice.say(`role.${one.role}`))),
          h("td", {}, one.disabled ? voice.say("staff.disabled") : one.signed_in ? voice.say("staff.signed_in") : h("span", { class: "muted" }, voice.say("staff.away"))),
          h("td", {}, h("div", { class: "deeds" },
            may && button(voice.say("edit"), { "aria-label": `${voice.say("edit")}: ${one.name}`, onclick: () => edit(one) }),
            may && button(voice.say("staff.reset"), { "aria-label": `${voice.say("staff.reset")}: ${one.name}`, onclick: () => reset(one) }),
            may && button(voice.say(one.disabled ? "staff.enable" : "staff.disable"), { class: one.disabled ? "" : "danger", "aria-label": `${voice.say(one.disabled ? "staff.enable" : "staff.disable")}: ${one.name}`, onclick: () => turn(one) }))),
        ),
      ),
    );

  const turn = async (/** @type {any} */ one) => {
    if (one.disabled || (await confirm(voice, voice.say("staff.disable.title", { name: one.name }), voice.say("staff.disable.text"), voice.say("staff.disable"), true))) {
      await act(`/staff/${encodeURIComponent(one.id)}/${one.disabled ? "enable" : "disable"}`);
    }
  };

  const reset = async (/** @type {any} */ one) => {
    if (!(await confirm(voice, voice.say("staff.reset.title", { name: one.name }), voice.say("staff.reset.text"), voice.say("staff.reset")))) return;
    const made = await act(`/staff/${encodeURIComponent(one.id)}/reset`);
    if (made) hand(made.password, one.name);
  };

  const hand = (/** @type {string} */ password, /** @type {string} */ name) => {
    const shown = dialog(voice.say("staff.password", { name }), voice, [
      h("p", {}, voice.say("staff.password.text")),
      h("output", { class: "secret" }, password),
      h("div", { class: "deeds" }, button(voice.say("copy"), { class: "primary", onclick: () => navigator.clipboard?.writeText(password).then(() => shown.close()) })),
    ]);
  };

  const edit = (/** @type {any} */ one) => {
    const login = field(voice.say("staff.login"), { required: true, pattern: "[a-z0-9][a-z0-9._-]*", maxlength: 40, autocapitalize: "none", autocomplete: "off" }, voice.say("staff.login.hint"));
    const name = field(voice.say("staff.name"), { required: true, maxlength: 100, value: one?.name ?? "", autocomplete: "off" });
    const email = field(voice.say("staff.email"), { type: "email", maxlength: 254, value: one?.email ?? "", autocomplete: "off" }, voice.say("staff.email.hint"));
    const role = choice(voice.say("staff.role"), ROLES.map((each) => [each, voice.say(`role.${each}`)]), one?.role ?? "reviewer");
    const lang = choice(voice.say("language"), [["es", "Español"], ["en", "English"], ["pt", "Português"]], one?.lang ?? context.me.lang);
    const problem = h("p", { class: "bad", role: "alert" });
    const form = h("form", {}, !one && login.element, name.element, email.element, role.element, lang.element, problem, h("div", { class: "deeds" }, h("button", { type: "submit", class: "primary" }, voice.say(one ? "save" : "staff.add"))));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const said = { name: name.input.value, email: email.input.value, role: role.input.value, lang: lang.input.value };
      try {
        const made = one ? await api.call("PUT", `/staff/${encodeURIComponent(one.id)}`, said) : await api.post("/staff", { ...said, login: login.input.value });
        people = await api.get("/staff");
        draw();
        shown.close();
        if (!one) hand(made.password, said.name);
      } catch (caught) {
        problem.textContent = caught instanceof Problem && ["conflict", "bad_request"].includes(caught.code) ? caught.message : context.told(caught);
      }
    });
    const shown = dialog(one ? one.name : voice.say("staff.add"), voice, [form]);
    (one ? name : login).input.focus();
  };

  draw();
  if (may) context.keys.page([{ keys: ["n"], label: voice.say("staff.add"), group: voice.say("page.staff"), run: () => edit(null) }]);
  root.replaceChildren(
    h("div", { class: "head" }, h("h1", {}, voice.say("page.staff")), may && h("button", { type: "button", class: "primary", onclick: () => edit(null) }, sign("plus"), h("span", {}, voice.say("staff.add")))),
    h("p", { class: "muted" }, voice.say("staff.text")),
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": voice.say("page.staff") }, h("table", { class: "table" },
      h("thead", {}, h("tr", {}, ["staff.name", "staff.role", "staff.state"].map((key) => h("th", { scope: "col" }, voice.say(key))), h("th", { scope: "col" }, h("span", { class: "aside" }, voice.say("staff.deeds"))))),
      body)),
  );
}
