/**
 * The brand's seat, at its smallest: who invites, taking an invitation, and the same chat as everybody's.
 * @module
 */

import { button, h, icon } from "../chat/dom.js";
import { Connection, Interrupted } from "../chat/connection.js";

/** @typedef {import("../chat/i18n.js").Voice} Voice */
/** @typedef {import("../chat/wire").InvitationView} InvitationView */
/** @typedef {{invitation: InvitationView, title: string, since: number}} Offer `since` by this machine's clock */

const SECOND_MS = 1_000;

export class Desk {
  /** @param {(offers: number) => void} waiting */
  constructor(waiting) {
    this.waiting = waiting;
    /** @type {Voice | null} */
    this.voice = null;
    /** @type {import("./memory.js").Started | null} */
    this.started = null;
    /** @type {Connection | null} */
    this.connection = null;
    /** @type {Map<string, Offer>} */
    this.offers = new Map();
    /** @type {HTMLElement | null} */
    this.chat = null;
    this.served = false;
    this.accepting = false; // here, and not on another page of the same agent
    this.problem = "";
    /** @type {Map<string, HTMLElement>} */
    this.clocks = new Map();
    this.title = h("span");
    this.who = h("span", { class: "pace" });
    this.speaker = h("div", { class: "aside", role: "status" });
    this.body = h("div", { class: "seat", tabindex: "-1" });
    this.element = h("section", { class: "panel desk" }, h("h2", { class: "head", id: "name-desk" }, icon("agent"), this.title, this.who), this.body, this.speaker);
    setInterval(() => this.#tick(), SECOND_MS);
  }

  /** @param {import("./memory.js").Started} started */
  sit(started) {
    this.started = started;
    this.offers.clear();
    this.served = false;
    this.#stand();
    this.connection?.close();
    this.connection = new Connection(location.origin, {
      token: () => started.agent.token,
      refresh: undefined,
      resume: () => [],
      event: (event) => this.#hear(event),
      state: () => undefined,
    });
    this.connection.open();
    this.#draw();
  }

  /** @param {Voice} voice */
  speak(voice) {
    this.voice = voice;
    this.title.textContent = voice.say("desk.title");
    this.chat?.setAttribute("lang", voice.lang);
    this.#draw();
  }

  /** @param {import("../chat/wire").Event} event */
  #hear(event) {
    if (event.type === "welcome") {
      this.offers.clear(); // those that still wait are told anew
      if (event.conversations.length) this.#join();
      else this.#stand();
    } else if (event.type === "conversation") {
      this.#join();
    } else if (event.type === "left" && event.participant === this.started?.agent.id) {
      this.served = true;
      const here = document.activeElement === this.chat;
      this.#stand();
      if (here) this.body.focus({ preventScroll: true });
    } else if (event.type === "invitation" && !event.seq) {
      this.#offered(event);
    } else {
      return;
    }
    this.#draw();
  }

  /** @param {import("../chat/wire").Invitation} event */
  #offered({ invitation, title = "", waiting_ms = 0 }) {
    if (invitation.state !== "requested") {
      this.offers.delete(invitation.id);
      return;
    }
    this.problem = "";
    this.offers.set(invitation.id, { invitation, title, since: Date.now() - waiting_ms });
    this.speaker.textContent = this.voice?.say("desk.invites", { name: this.#name(invitation.by) }) ?? "";
  }

  #join() {
    if (this.chat || !this.started) return;
    const chat = document.createElement("tertulia-chat");
    if (this.accepting) chat.addEventListener("tertulia:ready", () => chat.focus(), { once: true });
    this.accepting = false;
    this.chat = chat;
    this.chat.setAttribute("conversation", this.started.conversation);
    this.chat.setAttribute("lang", this.voice?.lang ?? this.started.lang);
    this.chat.setAttribute("token", this.started.agent.token);
  }

  #stand() {
    this.chat = null;
  }

  /** @param {Offer} offer @param {HTMLButtonElement} accept */
  async #accept(offer, accept) {
    const { connection } = this;
    if (!connection) return;
    accept.disabled = true;
    this.accepting = true;
    this.problem = "";
    try {
      const answer = await connection.ask({ type: "accept", invitation: offer.invitation.id });
      if (answer.type === "accepted") return;
      this.offers.delete(offer.invitation.id);
      this.problem = this.voice?.say("desk.taken") ?? "";
    } catch (problem) {
      if (!(problem instanceof Interrupted)) throw problem;
      this.problem = this.voice?.say("staff.offline") ?? "";
    }
    this.accepting = false;
    this.#draw();
  }

  #draw() {
    const { voice, started } = this;
    if (!voice) return;
    this.waiting(this.offers.size);
    this.who.replaceChildren(h("bdi", {}, started?.agent.name ?? ""));
    this.element.classList.toggle("busy", Boolean(this.chat));
    this.clocks.clear();
    const offers = [...this.offers.values()].sort((a, b) => a.since - b.since);
    const queue = offers.length ? [h("ul", { class: "offers", "aria-label": voice.say("desk.queue") }, offers.map((offer) => this.#card(offer, voice)))] : [];
    const quiet = this.chat || offers.length ? [] : [h("p", { class: "empty" }, voice.say(this.served ? "desk.after" : "desk.empty", { invite: voice.say("invite.short") }))];
    const problem = this.problem ? [h("p", { class: "problem", role: "alert" }, this.problem)] : [];
    const others = [...problem, ...queue, ...quiet];
    // The chat stays where it is in the page: moved, it would begin again.
    for (const child of [...this.body.children]) if (child !== this.chat) child.remove();
    this.body.prepend(...others);
    if (this.chat && !this.chat.isConnected) this.body.append(this.chat);
    this.#tick();
  }

  /** @param {Offer} offer @param {Voice} voice */
  #card(offer, voice) {
    const { invitation, title } = offer;
    const name = this.#name(invitation.by);
    const sharing = Object.entries(invitation.consents ?? {}).flatMap(([id, scopes]) => (scopes.includes("messages") ? [this.#name(id)] : []));
    const clock = h("span", { class: "clock" });
    this.clocks.set(invitation.id, clock);
    const topic = `topic.${invitation.topic}`;
    const accept = button(voice.say("desk.accept"), { class: "primary", onclick: () => this.#accept(offer, accept) });
    return h(
      "li",
      { class: "offer" },
      h("div", { class: "line" }, h("strong", { dir: "auto" }, voice.say("desk.invites", { name })), clock),
      h("p", { class: "topic", dir: "auto" }, voice.say(voice.knows(topic) ? topic : "topic.other"), h("span", { class: "on" }, " · ", h("bdi", {}, title))),
      invitation.note ? h("p", { class: "quote", dir: "auto" }, invitation.note) : null,
      h("p", { class: "shared" }, sharing.length ? voice.say("desk.shared", { names: voice.join(sharing) }) : voice.say("desk.unshared")),
      accept,
    );
  }

  #tick() {
    for (const [id, clock] of this.clocks) {
      const offer = this.offers.get(id);
      if (!offer) continue;
      const seconds = Math.max(0, Math.floor((Date.now() - offer.since) / SECOND_MS));
      const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
      clock.textContent = this.voice?.say("desk.waiting", { time }) ?? time;
    }
  }

  /** @param {string} id */
  #name(id) {
    return this.started?.people.find((person) => person.id === id)?.name ?? id;
  }
}
