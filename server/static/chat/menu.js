/**
 * What lies in front of the chat: one dialog or one menu at a time, within the element. The chat waits behind it.
 * @module
 */

import { h, icon, rove } from "./dom.js";

/** @typedef {import("./i18n").Voice} Voice */

const EMOJI = ["👍", "❤️", "😂", "😮", "😢", "🙏"];

/** One thing in front of the chat at a time: a dialog or a menu. */
export class Overlay {
  /** @param {HTMLElement} behind what cannot be used meanwhile */
  constructor(behind) {
    this.behind = behind;
    this.element = h("div", { class: "overlay", hidden: true, onclick: (/** @type {Event} */ event) => event.target === this.element && this.close(), onkeydown: (/** @type {KeyboardEvent} */ event) => this.#key(event) });
    /** @type {HTMLElement | null} */
    this.from = null;
  }

  /**
   * @param {HTMLElement} card
   * @param {string} kind `dialog` or `menu`
   */
  open(card, kind) {
    this.from ??= /** @type {HTMLElement | null} */ (/** @type {ShadowRoot} */ (this.element.getRootNode()).activeElement);
    this.element.className = `overlay ${kind}`;
    this.element.replaceChildren(card);
    this.element.hidden = false;
    this.behind.inert = true;
    (/** @type {HTMLElement | null} */ (card.querySelector("[data-first]")) ?? card).focus({ preventScroll: true });
  }

  close() {
    if (this.element.hidden) return;
    this.element.hidden = true;
    this.element.replaceChildren();
    this.behind.inert = false;
    this.from?.focus({ preventScroll: true });
    this.from = null;
  }

  /**
   * Put a menu beside what it belongs to, within the element. On a narrow one it is a sheet from below, placed by its style.
   * @param {HTMLElement} card
   * @param {HTMLElement} anchor
   * @param {boolean} atEnd aligned with the anchor's right edge
   */
  place(card, anchor, atEnd) {
    const frame = this.element.getBoundingClientRect();
    const at = anchor.getBoundingClientRect();
    const below = at.bottom - frame.top + 4;
    const top = below + card.offsetHeight < frame.height - 8 ? below : Math.max(8, at.top - frame.top - card.offsetHeight - 4);
    const left = atEnd ? at.right - frame.left - card.offsetWidth : at.left - frame.left;
    card.style.setProperty("--top", `${Math.min(top, Math.max(8, frame.height - card.offsetHeight - 8))}px`);
    card.style.setProperty("--left", `${Math.max(8, Math.min(left, frame.width - card.offsetWidth - 8))}px`);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "Escape") {
      event.stopPropagation();
      return this.close();
    }
    const stops = /** @type {HTMLElement[]} */ ([...this.element.querySelectorAll("button, input, textarea, [href]")]).filter((stop) => !(/** @type {any} */ (stop).disabled) && stop.tabIndex >= 0);
    if (event.key !== "Tab" || !stops.length) return;
    const focus = /** @type {ShadowRoot} */ (this.element.getRootNode()).activeElement;
    const end = event.shiftKey ? stops[0] : stops.at(-1);
    if (focus !== end && stops.includes(/** @type {HTMLElement} */ (focus))) return;
    event.preventDefault();
    (event.shiftKey ? stops.at(-1) : stops[0])?.focus();
  }
}

/**
 * @typedef {{name: import("./dom").IconName, label: string, danger?: boolean, go: () => void}} Deed
 */

/**
 * Everything that can be done with a message, its time and who has read it.
 * @param {Voice} voice
 * @param {string} heading
 * @param {Deed[]} deeds
 * @param {string[]} mine emoji that the reader has put
 * @param {((emoji: string, on: boolean) => void) | null} react
 */
export function messageMenu(voice, heading, deeds, mine, react) {
  const items = deeds.map(({ name, label, danger, go }) => h("button", { type: "button", role: "menuitem", class: danger ? "danger" : "", tabindex: "-1", onclick: go }, icon(name), label));
  const emoji = react
    ? EMOJI.map((sign) => h("button", { type: "button", role: "menuitemcheckbox", "aria-checked": String(mine.includes(sign)), "aria-label": voice.say("react.with", { emoji: sign }), tabindex: "-1", onclick: () => react(sign, !mine.includes(sign)) }, sign))
    : [];
  const stops = [...emoji, ...items];
  if (stops[0]) {
    stops[0].tabIndex = 0;
    stops[0].dataset.first = "";
  }
  return h(
    "div",
    { class: "menu-card", role: "menu", tabindex: "-1", "aria-label": voice.say("menu"), onkeydown: (/** @type {KeyboardEvent} */ event) => rove(event, stops) },
    emoji.length ? h("div", { class: "emoji", role: "group", "aria-label": voice.say("react") }, emoji) : null,
    items,
    h("p", { class: "heading" }, heading),
  );
}
