/**
 * On a narrow screen one seat is shown at a time; on a wide one all are, and there are no tabs.
 * @module
 */

import { h, rove } from "../chat/dom.js";

export const WIDE = matchMedia("(min-width: 1120px)");

/**
 * @typedef {object} Panel
 * @property {string} name
 * @property {HTMLElement} element
 */

export class Tabs {
  /**
   * @param {Panel[]} panels
   * @param {(name: string) => void} shown
   */
  constructor(panels, shown) {
    this.panels = panels;
    this.shown = shown;
    this.current = panels[0].name;
    /** @type {Map<string, {tab: HTMLElement, label: HTMLElement, badge: HTMLElement, count: number}>} */
    this.tabs = new Map();
    for (const { name, element } of panels) {
      element.id = `seat-${name}`;
      const label = h("span");
      const badge = h("span", { class: "badge", hidden: true });
      const tab = h("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": element.id, onclick: () => this.show(name) }, label, badge);
      this.tabs.set(name, { tab, label, badge, count: 0 });
    }
    this.list = h("div", { role: "tablist", onkeydown: (/** @type {KeyboardEvent} */ event) => this.#key(event) }, [...this.tabs.values()].map(({ tab }) => tab));
    this.element = h("nav", { class: "tabs" }, this.list);
    WIDE.addEventListener("change", () => this.#arrange());
    this.show(this.current);
    this.#arrange();
  }

  /** @param {string} title @param {(name: string) => string} labelOf */
  speak(title, labelOf) {
    for (const element of [this.element, this.list]) element.setAttribute("aria-label", title);
    for (const [name, { label }] of this.tabs) label.textContent = labelOf(name);
  }

  /** @param {string} name */
  show(name) {
    this.current = name;
    for (const panel of this.panels) panel.element.toggleAttribute("data-current", panel.name === name);
    for (const [each, { tab }] of this.tabs) {
      tab.setAttribute("aria-selected", String(each === name));
      tab.tabIndex = each === name ? 0 : -1;
    }
    this.tabs.get(name)?.tab.scrollIntoView({ block: "nearest", inline: "nearest" });
    this.shown(name);
  }

  /**
   * Something waits behind a tab.
   * @param {string} name
   * @param {number} count
   * @param {string} label what the number means, for those who do not see where it stands
   */
  badge(name, count, label) {
    const entry = this.tabs.get(name);
    if (!entry) return;
    entry.badge.hidden = !count;
    entry.badge.textContent = count > 9 ? "9+" : String(count);
    entry.badge.setAttribute("role", "img");
    entry.badge.setAttribute("aria-label", label);
  }

  #arrange() {
    for (const { name, element } of this.panels) {
      element.setAttribute("role", WIDE.matches ? "region" : "tabpanel");
      if (WIDE.matches) element.setAttribute("aria-labelledby", `name-${name}`);
      else element.setAttribute("aria-labelledby", `tab-${name}`);
    }
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const tabs = [...this.tabs];
    if (!rove(event, tabs.map(([, { tab }]) => tab))) return;
    const now = tabs.find(([, { tab }]) => tab === document.activeElement);
    if (now) this.show(now[0]);
  }
}
