/** Choosing a password of one's own, before anything else can be done. @module */

import { button, h } from "../../chat/dom.js";
import { passwordForm } from "../password_form.js";

/** @param {HTMLElement} root @param {import("../main.js").Console} context */
export function mount(root, context) {
  const { voice } = context;
  const form = passwordForm(context, async () => context.enter(await context.api.get("/me")));
  context.title(voice.say("password"));
  root.replaceChildren(
    h(
      "div",
      { class: "door" },
      h("img", { src: "/static/demo/icon.svg", alt: "", width: "44", height: "44" }),
      h("h1", {}, voice.say("password")),
      h("p", { class: "muted" }, voice.say("password.first")),
      form,
      button(voice.say("sign_out"), { class: "link", onclick: () => context.signOut() }),
    ),
  );
  form.querySelector("input")?.focus();
}
