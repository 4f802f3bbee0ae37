/** The form by which somebody changes their own password. @module */

import { h } from "../chat/dom.js";
import { Problem } from "./api.js";
import { field } from "./forms.js";

/** @param {import("./main.js").Console} context @param {() => void} done */
export function passwordForm(context, done) {
  const { voice, api } = context;
  const old = field(voice.say("password.old"), { type: "password", autocomplete: "current-password", required: true });
  const fresh = field(voice.say("password.new"), { type: "password", autocomplete: "new-password", required: true, minlength: 12, maxlength: 200 }, voice.say("password.hint"));
  const submit = h("button", { type: "submit", class: "primary" }, voice.say("password.change"));
  const form = h("form", { novalidate: true }, old.element, fresh.element, submit);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    old.problem("");
    fresh.problem("");
    submit.disabled = true;
    try {
      await api.post("/password", { old: old.input.value, new: fresh.input.value });
      form.reset();
      done();
    } catch (problem) {
      const at = problem instanceof Problem && problem.more.field === "new" ? fresh : old;
      at.problem(problem instanceof Problem && problem.code === "bad_request" ? voice.say(at === old ? "password.wrong" : "password.weak") : context.told(problem));
      at.input.focus();
    }
    submit.disabled = false;
  });
  return form;
}
