/**
 * What the same and the current policy make of the original evidence, side by side.
 * @module
 */

import { h } from "../../chat/dom.js";
import { categoryOf } from "./evidence.js";
import { called } from "./panes.js";

/**
 * @param {any} replay
 * @param {import("../../chat/i18n.js").Voice} voice
 */
export function sideBySide(replay, voice) {
  const columns = /** @type {const} */ (["decided", "same", "current", "anew"]);
  const first = replay.decided.verdict;
  return h(
    "section",
    { class: "replay", "aria-label": voice.say("replay") },
    h("h3", {}, voice.say("replay")),
    h(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": voice.say("replay") },
      h(
        "table",
        { class: "table" },
        h("thead", {}, h("tr", {}, h("td", {}), columns.map((name) => h("th", { scope: "col", title: voice.say(`replay.${name}.text`) }, voice.say(`replay.${name}`))))),
        h(
          "tbody",
          {},
          row(voice.say("replay.policy"), columns.map((name) => h("code", { title: replay[name].policy }, short(replay[name].policy)))),
          row(voice.say("replay.verdict"), columns.map((name) => (replay[name].missing ? h("span", { class: "muted" }, voice.say("replay.missing")) : h("strong", { class: replay[name].verdict === first ? "" : "other" }, voice.say(`verdict.${replay[name].verdict}`))))),
          row(voice.say("replay.clauses"), columns.map((name) => h("span", {}, replay[name].clauses.map((/** @type {any} */ clause) => called(clause.id)).join(", ") || "—"))),
          row(voice.say("replay.found"), columns.map((name) => h("span", {}, found(replay[name].findings, voice) || "—"))),
        ),
      ),
    ),
  );
}

/** @param {string} name @param {Node[]} cells */
function row(name, cells) {
  return h("tr", {}, h("th", { scope: "row" }, name), cells.map((cell) => h("td", {}, cell)));
}

/** Its version, which is what differs; the whole id is its tip. @param {string} policy */
function short(policy) {
  return (policy.split("@")[1] ?? policy).slice(0, 8);
}

/** @param {any[]} findings @param {import("../../chat/i18n.js").Voice} voice */
function found(findings, voice) {
  return [...new Set(findings.map(({ category }) => categoryOf(category, voice)))].join(", ");
}
