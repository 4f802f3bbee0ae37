/**
 * Controls of which one choice is on: radio buttons, so that keys and screen readers work as everybody knows them.
 * @module
 */

import { h } from "../chat/dom.js";

export class Switch {
  /**
   * @param {string} name
   * @param {string[]} values
   * @param {(value: string) => void} chosen
   */
  constructor(name, values, chosen) {
    this.legend = h("legend");
    /** @type {Map<string, {input: HTMLInputElement, label: HTMLElement}>} */
    this.choices = new Map();
    for (const value of values) {
      const input = h("input", { type: "radio", name, value, onchange: () => chosen(value) });
      this.choices.set(value, { input, label: h("span") });
    }
    this.element = h(
      "fieldset",
      { class: `switch ${name}` },
      this.legend,
      h("div", { class: "choices" }, [...this.choices.values()].map(({ input, label }) => h("label", {}, input, label))),
    );
  }

  /** @param {string} title @param {(value: string) => string} labelOf */
  speak(title, labelOf) {
    this.legend.textContent = title;
    for (const [value, { label }] of this.choices) label.textContent = labelOf(value);
  }

  get value() {
    return [...this.choices].find(([, { input }]) => input.checked)?.[0] ?? "";
  }
  set value(value) {
    for (const [each, { input }] of this.choices) input.checked = each === value;
  }

  /** @param {boolean} possible */
  allow(possible) {
    this.element.disabled = !possible;
  }
}
