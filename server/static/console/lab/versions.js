/** What held for a kind of conversation, and how it came about; and the way back. @module */

import { button, h } from "../../chat/dom.js";
import { dialog } from "../dialogs.js";
import { nothing } from "../forms.js";
import { sign } from "../icons.js";
import { Editor } from "./editor.js";

/** @param {HTMLElement} root @param {import("../lab.js").Lab} lab @param {string} kind */
export async function versions(root, lab, kind) {
  const { voice, console } = lab;
  const at = `/policies/kinds/${encodeURIComponent(kind)}`;
  const [now, told] = await Promise.all([console.api.get(at), console.api.get(`${at}/publications`)]);

  /** In one click, with a way back. @param {string} to @param {string} note @param {string} instead_of */
  const put = async (to, note, instead_of) => {
    try {
      const published = await console.api.post(`${at}/roll-back`, { to, note, instead_of });
      const undo = () => put(instead_of, voice.say("roll_back.undo"), published.policy);
      const words = published.policy ? voice.say("rolled_back", { policy: published.policy }) : voice.say("rolled_back.operator");
      console.toasts.show(words, { label: console.voice.say("undo"), act: undo, ms: 30_000 });
      await versions(root, lab, kind);
    } catch (problem) {
      lab.tell(problem);
    }
  };
  const current = now.own ? now.policy : "";
  const before = told.find((/** @type {any} */ one) => one.policy !== current)?.policy ?? "";
  const back = () => put(before, voice.say("roll_back.note"), current);
  const canGoBack = lab.writes && told.length > 0 && before !== current;

  const view = async (/** @type {string} */ id) => {
    try {
      const version = await console.api.get(`/policies/versions/${encodeURIComponent(id)}`);
      dialog(id, console.voice, [new Editor(voice.say("editor"), version.source, false, () => {}).element], { className: "wide" });
    } catch (problem) {
      lab.tell(problem);
    }
  };

  const seen = new Set();
  const row = (/** @type {any} */ one, /** @type {number} */ n) => {
    const again = lab.writes && one.policy && one.policy !== current && !seen.has(one.policy);
    seen.add(one.policy);
    return h("tr", {},
      h("td", {}, one.policy ? h("code", {}, one.policy) : voice.say("operator.policy"), " ", n === 0 && h("span", { class: "tag live" }, voice.say("now"))),
      h("td", {}, voice.say(`act.${one.act}`)),
      h("td", {}, h("bdi", {}, lab.name(one.by))),
      h("td", {}, h("time", { datetime: new Date(one.at).toISOString() }, voice.moment.format(one.at))),
      h("td", { class: "note" }, h("bdi", {}, one.note)),
      h("td", { class: "acts" },
        one.policy && button(voice.say("view"), { "aria-label": `${voice.say("view")} ${one.policy}`, onclick: () => view(one.policy) }),
        again && button(voice.say("roll_back.to"), { "aria-label": `${voice.say("roll_back.to")}: ${one.policy}`, onclick: () => put(one.policy, voice.say("roll_back.note"), current) })));
  };

  console.keys.page(canGoBack ? [{ label: voice.say("roll_back"), group: voice.say("title"), run: back }] : []);
  root.classList.add("lab");
  root.replaceChildren(
    h("div", { class: "head" }, h("a", { href: "/console/policies" }, voice.say("back")), h("h1", {}, lab.kind(kind)), h("code", {}, now.policy),
      canGoBack && button(voice.say("roll_back"), { class: "danger", onclick: back })),
    h("section", { class: "card" }, h("h2", {}, voice.say("versions")),
      told.length
        ? h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": voice.say("versions") },
            h("table", { class: "table" },
              h("thead", {}, h("tr", {}, ["policy", "act", "who", "when", "why"].map((each) => h("th", { scope: "col" }, voice.say(each))), h("td", {}))),
              h("tbody", {}, told.map(row))))
        : nothing(sign("policies"), voice.say("versions.none"))),
    h("section", { class: "card" }, h("h2", {}, voice.say("law")), new Editor(voice.say("editor"), now.source, false, () => {}).element),
  );
}
