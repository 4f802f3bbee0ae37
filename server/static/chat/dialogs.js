/**
 * The dialogs: a card in the middle, a sheet from below on a phone. Loaded when the first one is opened.
 * @module
 */

import { button, h, icon, iconButton } from "./dom.js";
import { avatar } from "./log_view.js";

/** @typedef {import("./i18n").Voice} Voice */

const TOPICS = ["question", "delivery", "payment", "disagreement", "safety", "other"];
const REASONS = ["insult", "hate", "threat", "sexual", "scam", "off_platform", "spam", "other"];
const NOTE_CHARACTERS = 1_000;

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
    h("div", { class: "ends" }, button(voice.say("cancel"), { onclick: close, "data-first": "" }), button(voice.say(key), { class: "danger", onclick: go })),
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
