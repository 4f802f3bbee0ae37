/**
 * The demo: three phones in one chat, what the staff see, and the brand's seat. See docs/demo.md.
 * @module
 */

import "../tertulia-chat.js";
import { button, h, icon } from "../chat/dom.js";
import { LANGS, nearest } from "../chat/i18n.js";
import { Desk } from "./desk.js";
import { chooseLang, chosenLang, keyOf, recall, recallDecisions, remember, rememberDecisions } from "./memory.js";
import { Phone } from "./phone.js";
import { start, turn } from "./server.js";
import { Strip } from "./strip.js";
import { Switch } from "./switches.js";
import { Tabs, WIDE } from "./tabs.js";
import { voiceOf } from "./words.js";

/** @typedef {import("../chat/i18n.js").Lang} Lang */
/** @typedef {import("./memory.js").Started} Started */

const LISTINGS = ["groceries", "lodging", "electronics", "home_services"];
const STAGES = ["enquiry", "negotiation", "ordered", "delivered", "dispute"];
const HINTS = ["clean", "swear", "phone", "aubergine", "insult", "scam"];
const OFFLINE_AFTER_MS = 1_200;
const TOLD_MS = 8_000;
const REFUSED = new Set([4401, 4403]); // the server does not know these tokens

class Demo {
  /** @type {Started | null} */
  #started = null;
  /** @type {import("../chat/i18n.js").Voice | null} */
  #voice = null;
  #lang = nearest(chosenLang(), ...navigator.languages);
  #offline = 0;
  #told = 0;
  #offers = 0;

  constructor() {
    this.phones = /** @type {const} */ (["buyer", "seller", "provider"]).map((role) => new Phone(role, () => this.#turnTo(role)));
    this.target = this.phones[0];
    this.strip = new Strip({
      state: (state, code) => this.#heard(state, code),
      keep: (decisions) => this.#started && rememberDecisions(this.#started, decisions),
      waiting: (count) => this.tabs?.badge("staff", count, String(count)),
    });
    this.desk = new Desk((count) => this.#offered(count));
    this.langs = new Switch("lang", [...LANGS], (lang) => this.#speak(/** @type {Lang} */ (lang)));
    this.listings = new Switch("listing", LISTINGS, (listing) => this.#turn({ listing }));
    this.stages = new Switch("stage", STAGES, (stage) => this.#turn({ stage }));
    this.tagline = h("p", { class: "tagline" });
    this.afresh = h("button", { type: "button", class: "afresh", onclick: () => this.#startAfresh() });
    this.summary = h("button", { type: "button", class: "summary", "aria-expanded": "false", "aria-controls": "settings", onclick: () => this.#unfold() });
    this.settings = h("div", { class: "settings", id: "settings" }, this.listings.element, this.stages.element);
    this.hintsFor = h("span", { class: "for", id: "hints-for" });
    this.hints = new Map(HINTS.map((hint) => [hint, button("", { class: "hint", onclick: () => this.#offer(hint) })]));
    this.hintRow = h("div", { class: "hints", role: "group", "aria-labelledby": "hints-for" }, this.hintsFor, [...this.hints.values()]);
    this.tools = h("section", { class: "tools" }, this.settings, this.hintRow);
    this.tell = h("div", { class: "tell", role: "status" });
    this.tabs = new Tabs(
      [...this.phones.map(({ role, element }) => ({ name: role, element })), { name: "desk", element: this.desk.element }, { name: "staff", element: this.strip.element }],
      (name) => this.#seated(name),
    );
    this.main = h("main", {}, this.phones.map(({ element }) => element), h("div", { class: "side" }, this.strip.element, this.desk.element));
    const brand = h("h1", {}, h("img", { src: "/static/demo/icon.svg", alt: "", width: "28", height: "28" }), h("span", {}, "Tertulia"));
    this.bar = h("header", { class: "bar" }, brand, this.tagline, this.summary);
    document.body.append(
      this.bar,
      this.tools,
      this.tabs.element,
      this.main,
      this.tell,
    );
    for (const phone of this.phones) {
      phone.chat.addEventListener("tertulia:unread", (event) => this.#unread(phone.role, /** @type {CustomEvent} */ (event).detail.count));
    }
    addEventListener("storage", ({ key }) => this.#changedElsewhere(key));
    document.addEventListener("keydown", ({ key }) => key === "Escape" && this.#unfold(false));
    WIDE.addEventListener("change", () => this.#arrange());
    this.#arrange();
    this.#turnTo("buyer");
  }

  /** What is seldom needed lies folded away where there is little room. */
  #arrange() {
    (WIDE.matches ? this.bar : this.settings).append(this.langs.element, this.afresh);
  }

  /** Go on with the chat of a language, or begin it. @param {Lang} lang */
  async #speak(lang) {
    this.#lang = lang;
    chooseLang(lang);
    this.#hush();
    await this.#translate(lang);
    const known = recall(lang);
    if (known) this.#open(known);
    else await this.#begin();
  }

  begin() {
    return this.#speak(this.#lang);
  }

  /** @param {Lang} lang */
  async #translate(lang) {
    const voice = await voiceOf(lang);
    if (this.#lang !== lang) return;
    this.#voice = voice;
    document.documentElement.lang = lang;
    this.langs.value = lang;
    this.langs.speak(voice.say("demo.language"), (each) => each.toUpperCase());
    for (const [each, { input }] of this.langs.choices) input.setAttribute("aria-label", new Intl.DisplayNames(each, { type: "language" }).of(each) ?? each);
    this.listings.speak(voice.say("demo.listing"), (listing) => voice.say(`demo.listing.${listing}`));
    this.stages.speak(voice.say("demo.stage"), (stage) => voice.say(`demo.stage.${stage}`));
    this.tagline.textContent = voice.say("demo.tagline");
    this.afresh.replaceChildren(h("span", {}, voice.say("demo.afresh")));
    this.afresh.setAttribute("aria-label", voice.say("demo.afresh"));
    for (const [hint, element] of this.hints) element.textContent = voice.say(`hint.${hint}`);
    this.tools.setAttribute("aria-label", voice.say("demo.settings"));
    this.tabs.speak(voice.say("demo.seats"), (seat) => voice.say(`seat.${seat}`));
    for (const phone of this.phones) phone.speak(voice);
    this.strip.speak(voice);
    this.desk.speak(voice);
    this.#summarise();
    this.#nameTarget();
  }

  /** A new chat in the page's language. */
  async #begin() {
    const lang = this.#lang;
    this.#allow(false);
    try {
      const started = await start(lang, this.listings.value || "groceries");
      remember(started);
      if (lang === this.#lang) this.#open(started);
      return true;
    } catch {
      if (lang === this.#lang) this.#failed();
      return false;
    }
  }

  /** @param {Started} started */
  #open(started) {
    this.#started = started;
    for (const phone of this.phones) {
      const seat = started.people.find(({ role }) => role === phone.role);
      if (seat) phone.take(seat, started.conversation);
    }
    this.strip.watch(started, recallDecisions(started));
    this.desk.sit(started);
    this.#show(started);
    this.#nameTarget();
    this.#allow(true);
  }

  /** @param {Started} started */
  #show(started) {
    this.listings.value = started.listing;
    this.stages.value = started.stage;
    this.#summarise();
  }

  async #startAfresh() {
    const before = this.#started;
    const voice = this.#voice;
    if (!voice || !(await this.#begin()) || !before) return;
    this.afresh.focus({ preventScroll: true }); // it could not keep it while it was disabled
    const back = () => {
      remember(before);
      this.#hush();
      this.#open(before);
    };
    this.#say(voice.say("demo.begun"), voice.say("demo.back"), back);
  }

  /** @param {{listing?: string, stage?: string}} change */
  async #turn(change) {
    const started = this.#started;
    if (!started) return;
    this.#summarise();
    try {
      await turn(started, change);
      Object.assign(started, change);
      remember(started);
    } catch {
      this.#say(this.#voice?.say("demo.unchanged") ?? "");
    }
    if (started === this.#started) this.#show(started);
  }

  /** @param {string | null} key */
  #changedElsewhere(key) {
    const known = key === keyOf(this.#lang) ? recall(this.#lang) : null;
    if (!known || !this.#started) return;
    if (known.staff.token !== this.#started.staff.token) return this.#open(known);
    this.#started = known;
    this.#show(known);
  }

  // ------------------------------------------------------------------------------------------- phones and hints

  /** @param {string} role */
  #turnTo(role) {
    this.target = this.phones.find((phone) => phone.role === role) ?? this.target;
    for (const phone of this.phones) phone.element.classList.toggle("target", phone === this.target);
    this.#nameTarget();
  }

  #nameTarget() {
    const name = this.target.seat?.name ?? "";
    this.hintsFor.textContent = name ? this.#voice?.say("hint.try", { name }) ?? "" : "";
  }

  /** @param {string} hint */
  #offer(hint) {
    const text = this.#started?.hints[hint];
    if (text) this.target.offer(text);
  }

  /** @param {string} seat */
  #seated(seat) {
    if (this.phones.some(({ role }) => role === seat)) this.#turnTo(seat);
    document.body.dataset.seat = seat;
  }

  /** @param {string} role @param {number} count */
  #unread(role, count) {
    this.tabs.badge(role, count, this.#voice?.say("seat.unread", { n: count }) ?? "");
  }

  /** @param {number} count */
  #offered(count) {
    this.#offers = count;
    this.tabs?.badge("desk", count, String(count));
    document.title = this.#offers ? `(${this.#offers}) Tertulia` : "Tertulia";
  }

  // -------------------------------------------------------------------------------------------------- settings

  #summarise() {
    const voice = this.#voice;
    if (!voice || !this.listings.value) return;
    const said = [voice.say(`demo.listing.${this.listings.value}`), voice.say(`demo.stage.${this.stages.value}`)].join(" · ");
    this.summary.replaceChildren(h("span", {}, said), icon("down"));
    this.summary.setAttribute("aria-label", `${voice.say("demo.settings")}: ${said}`);
  }

  #unfold(open = this.summary.getAttribute("aria-expanded") !== "true") {
    this.summary.setAttribute("aria-expanded", String(open));
    this.settings.classList.toggle("open", open);
  }

  /** @param {boolean} possible */
  #allow(possible) {
    for (const each of [this.listings, this.stages]) each.allow(possible);
    this.afresh.disabled = !possible;
    for (const hint of this.hints.values()) hint.disabled = !possible;
  }

  // ------------------------------------------------------------------------------------------- what is told

  /** @param {import("../chat/connection.js").State} state @param {number} code */
  #heard(state, code) {
    if (state === "stopped" && REFUSED.has(code)) return void this.#replace();
    if (state === "online" || state === "idle") {
      clearTimeout(this.#offline);
      this.#offline = 0;
      if (this.tell.dataset.kind === "offline") this.#hush();
    } else if (!this.#offline) {
      this.#offline = setTimeout(() => this.#say(this.#voice?.say("demo.offline") ?? "", "", null, "offline"), OFFLINE_AFTER_MS);
    }
  }

  /** The server has lost the chat, as after its database was deleted. */
  async #replace() {
    if (await this.#begin()) this.#say(this.#voice?.say("demo.gone") ?? "");
  }

  #failed() {
    const voice = this.#voice;
    if (!voice) return;
    this.#say(voice.say("demo.failed"), voice.say("demo.again"), () => {
      this.#hush();
      this.#begin();
    }, "failed");
    this.#allow(Boolean(this.#started));
  }

  /**
   * @param {string} text
   * @param {string} [deed]
   * @param {(() => void) | null} [go]
   * @param {"" | "offline" | "failed"} [kind] stays until it is over
   */
  #say(text, deed = "", go = null, kind = "") {
    // While the server is away that is the whole story, and it explains whatever else went wrong.
    if (this.tell.dataset.kind === "offline" && !deed) return;
    clearTimeout(this.#told);
    this.tell.dataset.kind = kind;
    this.tell.replaceChildren(kind === "offline" ? icon("offline") : "", h("span", {}, text), deed && go ? button(deed, { onclick: go }) : "");
    this.tell.classList.add("shown");
    if (!kind) this.#told = setTimeout(() => this.#hush(), TOLD_MS);
  }

  #hush() {
    clearTimeout(this.#told);
    this.tell.dataset.kind = "";
    this.tell.classList.remove("shown");
    this.tell.replaceChildren();
  }
}

new Demo().begin();
