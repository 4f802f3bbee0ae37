/**
 * One person's phone: who holds it, and the chat as they see it.
 * @module
 */

import { h, icon } from "../chat/dom.js";
import { TertuliaChat } from "../tertulia-chat.js";

/** @typedef {import("./memory.js").Seat} Seat */

export class Phone {
  /**
   * @param {"buyer" | "seller" | "provider"} role
   * @param {() => void} taken somebody turned to this phone
   */
  constructor(role, taken) {
    this.role = role;
    this.name = h("bdi", { class: "name" });
    this.part = h("span", { class: "part" });
    this.chat = /** @type {TertuliaChat} */ (document.createElement("tertulia-chat"));
    this.waiting = h("div", { class: "bones", "aria-hidden": "true" }, Array.from({ length: 5 }, () => h("div", { class: "bone" })));
    this.body = h("div", { class: "screen" }, this.waiting);
    this.element = h(
      "section",
      { class: `panel phone ${role}`, onfocusin: taken, onpointerdown: taken },
      h("h2", { class: "owner", id: `name-${role}` }, h("span", { class: `avatar ${role}` }, icon(role)), this.name, this.part),
      this.body,
    );
  }

  /** @param {Seat} seat @param {string} conversation */
  take(seat, conversation) {
    this.seat = seat;
    this.name.textContent = seat.name;
    this.chat.setAttribute("conversation", conversation);
    this.chat.token = seat.token;
    if (!this.chat.isConnected) this.body.replaceChildren(this.chat);
  }

  /** @param {import("../chat/i18n.js").Voice} voice */
  speak(voice) {
    this.part.textContent = voice.say(`role.${this.role}`);
    this.chat.setAttribute("lang", voice.lang);
  }

  /**
   * Put words where their author would write them. Sending is up to the author.
   * @param {string} text
   */
  offer(text) {
    const { composer } = this.chat;
    composer.fill(text);
    // As if it had been typed, so that the chat gives its advice before anything is sent.
    composer.field.dispatchEvent(new Event("input", { bubbles: true }));
    composer.field.setSelectionRange(text.length, text.length);
    this.chat.focus();
  }
}
