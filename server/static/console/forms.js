/**
 * Fields with their labels and what is wrong with them, and the states of a page that has nothing to show.
 * @module
 */

import { button, h } from "../chat/dom.js";

let ids = 0;

/**
 * @param {string} label
 * @param {Record<string, unknown>} [properties] of the input
 * @param {string} [hint]
 */
export function field(label, properties = {}, hint = "") {
  const id = `field-${++ids}`;
  const input = h("input", { id, class: "field", type: "text", ...properties, "aria-describedby": `${id}-hint` });
  return labelled(label, input, id, hint);
}

/**
 * @param {string} label
 * @param {[string, string][]} options value and words
 * @param {string} value
 * @param {Record<string, unknown>} [properties]
 */
export function choice(label, options, value, properties = {}) {
  const id = `field-${++ids}`;
  const input = h(
    "select",
    { id, class: "field", ...properties, "aria-describedby": `${id}-hint` },
    options.map(([each, words]) => h("option", { value: each, selected: each === value }, words)),
  );
  return labelled(label, input, id, "");
}

/**
 * @template {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} Input
 * @param {string} label
 * @param {Input} input
 * @param {string} id
 * @param {string} hint
 */
function labelled(label, input, id, hint) {
  const told = h("span", { class: "hint", id: `${id}-hint` }, hint);
  return {
    element: h("div", { class: "labelled" }, h("label", { for: id }, label), input, told),
    input,
    /** Tell what is wrong with it, or nothing. @param {string} text */
    problem(text) {
      told.textContent = text || hint;
      told.classList.toggle("bad", Boolean(text));
      input.setAttribute("aria-invalid", String(Boolean(text)));
    },
  };
}

/** @param {string} label @param {boolean} on @param {(on: boolean) => void} changed */
export function toggle(label, on, changed) {
  const input = h("input", { type: "checkbox", role: "switch", checked: on });
  input.addEventListener("change", () => changed(input.checked));
  return h("label", { class: "toggle" }, input, h("span", {}, label));
}

/** Room that is reserved for what is on its way; seen only if it takes long. @param {number} [lines] */
export function bones(lines = 6) {
  return h("div", { class: "bones", "aria-hidden": "true" }, Array.from({ length: lines }, () => h("div", { class: "bone" })));
}

/**
 * A page or a pane that has nothing to show, and why.
 * @param {SVGElement} drawing
 * @param {string} title
 * @param {string} [text]
 * @param {string} [deed]
 * @param {() => void} [act]
 */
export function nothing(drawing, title, text = "", deed = "", act) {
  return h("div", { class: "nothing" }, drawing, h("h2", {}, title), text && h("p", {}, text), act && button(deed, { onclick: act }));
}
