/**
 * A message with what was found in it: underlined, numbered, and each number explained below.
 * @module
 */

import { h } from "../../chat/dom.js";

/** @typedef {import("./review.js").Finding} Finding */

/**
 * The message's text, in pieces. Numbers are drawn by the style sheet, so that what is selected and copied is the text alone.
 * @param {string} text
 * @param {Finding[]} findings
 * @param {{start: number, end: number}[]} masks what others do not see
 * @returns {HTMLElement[]}
 */
export function evidence(text, findings, masks = []) {
  const characters = [...text];
  const edges = new Set([0, characters.length]);
  for (const { start, end } of [...findings, ...masks]) {
    edges.add(Math.min(start, characters.length));
    edges.add(Math.min(end, characters.length));
  }
  const sorted = [...edges].sort((a, b) => a - b);
  /** @type {HTMLElement[]} */
  const pieces = [];
  for (let n = 0; n + 1 < sorted.length; n++) {
    const [start, end] = [sorted[n], sorted[n + 1]];
    const numbers = findings.flatMap((each, at) => (each.start <= start && each.end >= end && each.end > each.start ? [at] : []));
    const begins = numbers.filter((at) => findings[at].start === start).map((at) => at + 1);
    const covered = masks.some((each) => each.start <= start && each.end >= end);
    const said = characters.slice(start, end).join("");
    if (!numbers.length) pieces.push(h("span", { class: covered ? "covered" : null }, said));
    else pieces.push(h("mark", { class: `${findings[numbers[0]].category}${covered ? " covered" : ""}`, "data-n": begins.join(" ") || null }, said));
  }
  return pieces;
}

/** The findings, by their numbers. @param {Finding[]} findings @param {string} text @param {import("../../chat/i18n.js").Voice} voice */
export function explained(findings, text, voice) {
  const characters = [...text];
  return h(
    "ol",
    { class: "evidence" },
    findings.map((each, at) =>
      h(
        "li",
        {},
        h("span", { class: "n", "aria-hidden": "true" }, String(at + 1)),
        h("span", { class: "what" }, h("strong", {}, categoryOf(each.category, voice)), each.end > each.start ? h("q", { dir: "auto" }, characters.slice(each.start, each.end).join("")) : h("span", { class: "muted" }, voice.say("evidence.whole"))),
        h("span", { class: "from" }, h("code", {}, each.source), each.step ? h("span", { class: "tag" }, voice.say("evidence.step", { step: voice.knows(`step.${each.step}`) ? voice.say(`step.${each.step}`) : each.step })) : ""),
        h("span", { class: "score number" }, voice.number.format(Math.round(each.score * 100) / 100)),
      ),
    ),
  );
}

/** @param {string} category @param {import("../../chat/i18n.js").Voice} voice */
export function categoryOf(category, voice) {
  return voice.knows(`category.${category}`) ? voice.say(`category.${category}`) : category;
}

/**
 * What somebody has selected of the message, in characters; null when it is nothing, or lies elsewhere.
 * @param {HTMLElement} element
 * @returns {[number, number] | null}
 */
export function selected(element) {
  const selection = getSelection();
  if (!selection?.rangeCount || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  if (!element.contains(range.startContainer) || !element.contains(range.endContainer)) return null;
  const before = range.cloneRange();
  before.selectNodeContents(element);
  before.setEnd(range.startContainer, range.startOffset);
  const start = [...before.toString()].length;
  const end = start + [...range.toString()].length;
  return end > start ? [start, end] : null;
}
