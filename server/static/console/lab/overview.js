/** What is in force for which conversations, and what is being written. @module */

import { button, h } from "../../chat/dom.js";
import { dialog } from "../dialogs.js";
import { choice, field, nothing } from "../forms.js";
import { sign } from "../icons.js";

/** @param {HTMLElement} root @param {import("../lab.js").Lab} lab */
export async function overview(root, lab) {
  const { voice, console } = lab;
  const seen = await console.api.get("/policies");
  const begin = () => ask(lab, seen.law);
  console.keys.page([
    ...(lab.writes ? [{ keys: ["n"], label: voice.say("draft.new"), group: voice.say("title"), run: begin }] : []),
  ]);
  root.replaceChildren(
    h("div", { class: "head" }, h("h1", {}, voice.say("title")), lab.writes && button(voice.say("draft.new"), { class: "primary", onclick: begin })),
    ...Object.values(seen.problems).map((problem) =>
      h("div", { class: "fault", role: "alert" }, h("strong", {}, voice.say("faults")), h("code", { dir: "ltr" }, String(problem)))),
    h("section", { class: "card" },
      h("h2", {}, voice.say("law")),
      h("p", { class: "muted" }, voice.say("law.text")),
      h("ul", { class: "rows" }, seen.law.map((/** @type {any} */ one) => law(lab, one)))),
    h("section", { class: "card" },
      h("h2", {}, voice.say("drafts")),
      seen.drafts.length
        ? h("ul", { class: "rows" }, seen.drafts.map((/** @type {any} */ one) => drafted(lab, one, seen.trials)))
        : nothing(sign("policies"), voice.say("drafts.none"))),
  );
}

/** @param {import("../lab.js").Lab} lab @param {any} one */
function law(lab, one) {
  const { voice } = lab;
  return h("li", {},
    h("div", {}, h("a", { href: `/console/policies/kinds/${one.kind}` }, lab.kind(one.kind))),
    h("div", { class: "muted" },
      h("code", {}, one.policy), h("span", { class: "tag" }, voice.say(one.own ? "own" : "operators")), h("span", {}, voice.say("law.clauses", { n: one.clauses }))));
}

/** @param {import("../lab.js").Lab} lab @param {any} one @param {any[]} trials */
function drafted(lab, one, trials) {
  const { voice } = lab;
  const running = trials.filter(({ draft, state }) => draft === one.id && state === "running");
  const name = /^\s*name\s*=\s*"([^"]*)"/m.exec(one.source)?.[1] ?? one.id;
  return h("li", {},
    h("div", {}, h("a", { href: `/console/policies/drafts/${one.id}` }, name), running.map(({ what }) => h("span", { class: "tag live" }, voice.say(`what.${what}`)))),
    h("div", { class: "muted" }, h("span", {}, lab.kind(one.kind)), h("span", {}, voice.say("draft.saved_by", { who: lab.name(one.by), when: voice.moment.format(one.changed_at) }))));
}

/** Ask what the draft is for, and begin it. @param {import("../lab.js").Lab} lab @param {any[]} laws */
function ask(lab, laws) {
  const { voice, console } = lab;
  const kind = field(voice.say("draft.kind"), { value: "default", list: "lab-kinds", pattern: "[a-z0-9][a-z0-9_\\-]*", maxlength: "64", required: true, autocomplete: "off" }, voice.say("draft.kind.hint"));
  const base = choice(voice.say("draft.base"), [["top", voice.say("draft.on_top")], ["copy", voice.say("draft.copy")]], "top");
  const create = async (/** @type {Event} */ event) => {
    event.preventDefault();
    try {
      const now = await console.api.get(`/policies/kinds/${encodeURIComponent(kind.input.value)}`);
      const source = base.input.value === "copy" ? now.source : onTop(now, kind.input.value);
      const made = await console.api.post("/policies/drafts", { source, kind: kind.input.value });
      asked.close();
      console.go(`policies/drafts/${made.id}`);
    } catch (problem) {
      kind.problem(console.told(problem));
    }
  };
  const asked = dialog(voice.say("draft.new"), console.voice, [
    h("form", { onsubmit: create },
      kind.element, h("datalist", { id: "lab-kinds" }, laws.map((/** @type {any} */ one) => h("option", { value: one.kind }))),
      base.element,
      h("div", { class: "deeds" }, h("button", { type: "submit", class: "primary" }, voice.say("draft.create")))),
  ]);
}

/**
 * The smallest policy on top of what is in force. A tenant's own policy is changed, not extended by itself.
 * @param {any} now @param {string} kind
 */
function onTop(now, kind) {
  if (now.own) return now.source;
  const name = now.policy.split("@")[0];
  const mine = kind === "default" ? `our-${name}` : kind;
  return `name = "${mine}"\nextends = "${name}"\n\n# off = ["a_clause"]\n\n# [[clause]]\n# id = "a_clause"\n# verdict = "flag"\n`;
}
