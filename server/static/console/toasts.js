/**
 * What has just happened, in a corner, with a way back while there is one.
 * @module
 */

import { button, h } from "../chat/dom.js";

const SHOWN_MS = 6_000;
const MOST = 3;

/**
 * @typedef {object} Options
 * @property {string} [label] of the way back
 * @property {() => void} [act]
 * @property {number} [ms] how long it stays; the bar under it shows how much is left
 * @property {"" | "bad"} [tone]
 */

export class Toasts {
  constructor() {
    this.element = h("div", { class: "toasts", role: "status", "aria-live": "polite" });
  }

  /**
   * @param {string} text
   * @param {Options} [options]
   * @returns {() => void} takes it away again
   */
  show(text, { label = "", act, ms = SHOWN_MS, tone = "" } = {}) {
    const toast = h("div", { class: `toast ${tone}` }, h("span", { dir: "auto" }, text));
    let gone = false;
    const close = () => {
      if (gone) return;
      gone = true;
      clearTimeout(timer);
      toast.remove();
    };
    if (act) {
      toast.append(button(label, { class: "link", onclick: () => (close(), act()) }));
      const bar = h("i", { class: "left", "aria-hidden": "true" });
      bar.style.animationDuration = `${ms}ms`;
      toast.append(bar);
    }
    const timer = setTimeout(close, ms);
    this.element.append(toast);
    while (this.element.childElementCount > MOST) this.element.firstElementChild?.remove();
    return close;
  }
}
