/**
 * Dialogs within the element: a card in the middle, a sheet from below on a phone. The rest of the chat waits behind them.
 * @module
 */

import { button, h, icon, iconButton, rove } from "./dom.js";
import { avatar } from "./log_view.js";

/** @typedef {import("./i18n").Voice} Voice */

const TOPICS = ["question", "delivery", "payment", "disagreement", "safety", "other"];
const REASONS = ["insult", "hate", "threat", "sexual", "scam", "off_platform", "spam", "other"];
const NOTE_CHARACTERS = 1_000;
export const EMOJI = ["👍", "❤️", "😂", "😮", "😢", "🙏"];

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
    (/** @type {HTMLElement | null} */ (card.querySelector("[autofocus]")) ?? card).focus({ preventScroll: true });
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
 * @param {Voice} voice
 * @param {string} title
 * @param {() => void} close
 * @param {(import("./dom").Child | import("./dom").Child[])[]} children
 */
function card(voice, title, close, ...children) {
  return h(
    "div",
    { class: "card", role: "dialog", "aria-modal": "true", "aria-labelledby": "dialog-title", tabindex: "-1" },
    h("div", { class: "title" }, h("h2", { id: "dialog-title" }, title), iconButton("close", voice.say("close"), { onclick: close })),
    ...children,
  );
}

/**
 * @param {string} name
 * @param {string} label
 * @param {{value: string, text: string}[]} options
 */
function choice(name, label, options) {
  return h(
    "fieldset",
    {},
    h("legend", {}, label),
    ...options.map(({ value, text }) => h("label", { class: "option" }, h("input", { type: "radio", name, value, required: true }), h("span", {}, text))),
  );
}

/** @param {Voice} voice @param {string} hint */
function noteField(voice, hint = "") {
  return h("label", { class: "note-field" }, h("span", {}, voice.say("note")), h("textarea", { name: "note", rows: "2", maxlength: String(NOTE_CHARACTERS), dir: "auto" }), hint ? h("small", {}, hint) : null);
}

/**
 * @param {Voice} voice
 * @param {string} label
 * @param {() => void} close
 */
function ends(voice, label, close, kind = "primary") {
  return h("div", { class: "ends" }, button(voice.say("cancel"), { onclick: close }), h("button", { type: "submit", class: kind }, label));
}

/**
 * @param {Voice} voice
 * @param {() => void} close
 * @param {(topic: string, note: string, share: boolean) => void} send
 */
export function inviteDialog(voice, close, send) {
  const submit = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const data = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    send(String(data.get("topic")), String(data.get("note")).trim(), data.has("share"));
  };
  return card(
    voice,
    voice.say("invite.title"),
    close,
    h(
      "form",
      { onsubmit: submit },
      h("p", {}, voice.say("invite.what")),
      choice("topic", voice.say("invite.topic"), TOPICS.map((value) => ({ value, text: voice.say(`topic.${value}`) }))),
      noteField(voice, voice.say("invite.note.hint")),
      h("p", { class: "sees" }, icon("eye"), h("span", {}, voice.say("invite.sees"))),
      h("label", { class: "check" }, h("input", { type: "checkbox", name: "share" }), h("span", {}, voice.say("invite.share"))),
      ends(voice, voice.say("invite.send"), close),
    ),
  );
}

/**
 * @param {Voice} voice
 * @param {() => void} close
 * @param {(reason: string, note: string) => void} send
 */
export function reportDialog(voice, close, send) {
  const submit = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const data = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    send(String(data.get("reason")), String(data.get("note")).trim());
  };
  return card(
    voice,
    voice.say("report.title"),
    close,
    h(
      "form",
      { onsubmit: submit },
      h("p", {}, voice.say("report.text")),
      choice("reason", voice.say("report.reason"), REASONS.map((value) => ({ value, text: voice.say(`reason.${value}`) }))),
      noteField(voice),
      ends(voice, voice.say("report.send"), close),
    ),
  );
}

/**
 * @param {Voice} voice
 * @param {string} key the stem of `.title` and `.text`; the key itself names the button
 * @param {() => void} close
 * @param {() => void} go
 */
export function confirmDialog(voice, key, close, go) {
  return card(
    voice,
    voice.say(`${key}.title`),
    close,
    h("p", {}, voice.say(`${key}.text`)),
    h("div", { class: "ends" }, button(voice.say("cancel"), { onclick: close, autofocus: true }), button(voice.say(key), { class: "danger", onclick: go })),
  );
}

/**
 * Who is here, what the brand may read of the reader's words, and the reader's own settings.
 * @param {Voice} voice
 * @param {import("./fold").Log} log
 * @param {() => void} close
 * @param {{share: ((on: boolean) => void) | null, shared: boolean, suggestions: ((on: boolean) => void) | null, suggested: boolean}} settings
 */
export function peopleDialog(voice, log, close, settings) {
  const people = [...log.members].flatMap((id) => log.people.get(id) ?? []);
  /** @param {string} text @param {boolean} on @param {(on: boolean) => void} change */
  const toggle = (text, on, change) =>
    h("label", { class: "check" }, h("input", { type: "checkbox", role: "switch", checked: on, onchange: (/** @type {Event} */ event) => change(/** @type {HTMLInputElement} */ (event.target).checked) }), h("span", {}, text));
  return card(
    voice,
    voice.say("people"),
    close,
    h(
      "ul",
      { class: "people" },
      people.map((person) =>
        h(
          "li",
          {},
          avatar(person.name, person.role),
          h("div", {}, h("bdi", { class: "name" }, person.id === log.me ? `${person.name} (${voice.say("you").toLocaleLowerCase()})` : person.name), h("span", { class: `role ${person.role}` }, icon(person.role), voice.say(`role.${person.role}`))),
          person.online && person.id !== log.me ? h("span", { class: "online" }, voice.say("online")) : null,
        ),
      ),
    ),
    settings.share ? toggle(voice.say("invite.share"), settings.shared, settings.share) : null,
    settings.suggestions ? toggle(voice.say("suggestions.on"), settings.suggested, settings.suggestions) : null,
  );
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
    stops[0].setAttribute("autofocus", "");
  }
  return h(
    "div",
    { class: "menu-card", role: "menu", tabindex: "-1", "aria-label": voice.say("menu"), onkeydown: (/** @type {KeyboardEvent} */ event) => rove(event, stops) },
    emoji.length ? h("div", { class: "emoji", role: "group", "aria-label": voice.say("react") }, emoji) : null,
    items,
    h("p", { class: "heading" }, heading),
  );
}

/**
 * One to five stars, and a word if one likes.
 * @param {Voice} voice
 * @param {string} name
 * @param {number} score chosen already
 * @param {() => void} close
 * @param {(score: number, note: string) => void} send
 */
export function rateDialog(voice, name, score, close, send) {
  const submit = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const data = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    send(Number(data.get("score")), String(data.get("note")).trim());
  };
  const stars = [1, 2, 3, 4, 5].map((n) => h("label", { class: "star" }, h("input", { type: "radio", name: "score", value: String(n), required: true, checked: n === score, "aria-label": voice.say("rate.stars", { n }) }), icon("star")));
  return card(
    voice,
    voice.say("rate.title", { name }),
    close,
    h(
      "form",
      { onsubmit: submit },
      h("fieldset", { class: "stars" }, h("legend", { class: "aside" }, voice.say("rate.title", { name })), ...stars),
      h("div", { class: "scale", "aria-hidden": "true" }, h("span", {}, voice.say("rate.low")), h("span", {}, voice.say("rate.high"))),
      noteField(voice),
      h("div", { class: "ends" }, button(voice.say("later"), { onclick: close }), h("button", { type: "submit", class: "primary" }, voice.say("rate.send"))),
    ),
  );
}
