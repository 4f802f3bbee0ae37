/**
 * A text with numbered lines and marks: a plain text field, so that whatever reads or speaks text fields works with it.
 * @module
 */

import { h } from "../../chat/dom.js";

export class Editor {
  #lines = 0;
  /** @type {Map<number, string>} */
  #marks = new Map();

  /**
   * @param {string} label
   * @param {string} text
   * @param {boolean} writable
   * @param {() => void} changed
   */
  constructor(label, text, writable, changed) {
    this.numbers = h("div", { class: "numbers", "aria-hidden": "true" });
    this.field = h("textarea", {
      class: "text", "aria-label": label, spellcheck: "false", autocapitalize: "off", autocomplete: "off", wrap: "off", readonly: !writable, dir: "ltr",
    });
    this.field.value = text;
    this.element = h("div", { class: "editor" }, this.numbers, this.field);
    this.field.addEventListener("input", () => (this.#number(), changed()));
    this.field.addEventListener("scroll", () => (this.numbers.scrollTop = this.field.scrollTop));
    this.#number();
  }

  get text() {
    return this.field.value;
  }

  /** Show at which lines something is to be said. @param {{line: number, level: string}[]} marks */
  mark(marks) {
    const worst = ["error", "example", "remark"];
    this.#marks = new Map();
    for (const { line, level } of marks) {
      const known = this.#marks.get(line);
      if (!known || worst.indexOf(level) < worst.indexOf(known)) this.#marks.set(line, level);
    }
    this.field.setAttribute("aria-invalid", String(marks.some(({ level }) => level === "error")));
    this.#lines = 0;
    this.#number();
  }

  /** Put the cursor at a line and bring it into view. @param {number} line @param {number} [column] */
  jump(line, column = 1) {
    const lines = this.field.value.split("\n");
    const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
    this.field.focus();
    this.field.setSelectionRange(start + column - 1, start + (lines[line - 1]?.length ?? 0));
    const height = this.field.scrollHeight / Math.max(1, lines.length);
    this.field.scrollTop = Math.max(0, (line - 4) * height);
  }

  #number() {
    const count = this.field.value.split("\n").length;
    if (count === this.#lines) return;
    this.#lines = count;
    this.numbers.replaceChildren(...Array.from({ length: count }, (_, n) => h("span", { class: this.#marks.get(n + 1) ?? "" }, String(n + 1))));
    this.numbers.scrollTop = this.field.scrollTop;
  }
}
