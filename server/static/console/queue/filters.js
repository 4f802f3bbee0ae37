/**
 * Which items are wanted, as chips; and filters that were given a name.
 * @module
 */

import { button, h } from "../../chat/dom.js";
import { dialog } from "../dialogs.js";
import { field } from "../forms.js";
import { sign } from "../icons.js";
import { categoryOf } from "./evidence.js";

/** @typedef {import("./review.js").Filter} Filter */

const CATEGORIES = ["profanity", "insult", "hate", "threat", "sexual", "self_harm", "contact", "off_platform_payment", "scam", "drugs_weapons", "link", "spam", "emoji", "toxicity"];
const OPTIONS = /** @type {const} */ ({
  state: ["open", "waiting", "claimed", "decided"],
  cause: ["flag", "hold", "block", "report", "appeal", "edit", "late"],
  severity: ["4", "3", "2"],
  language: ["es", "en", "pt"],
});

export class Filters {
  /**
   * @param {import("../main.js").Console} context
   * @param {import("./review.js").Review} review
   * @param {Filter} only what always holds
   * @param {(filter: Filter) => void} changed
   */
  constructor(context, review, only, changed) {
    this.only = only;
    this.context = context;
    this.review = review;
    /** @type {{name: string, filter: Filter}[]} */
    this.views = [];
    this.changed = changed;
    /** @type {Filter} */
    this.filter = { ...fromAddress(), ...only };
    /** @type {any} */
    this.counts = null;
    this.element = h("div", { class: "chips", role: "toolbar", "aria-label": context.voice.say("filters") });
    this.draw();
    void this.#readViews();
  }

  async #readViews() {
    this.views = (await this.review.views().catch(() => ({ views: [] }))).views.map(({ name, filter }) => ({ name, filter: meant(filter) }));
    this.draw();
  }

  /** @param {any} counts */
  count(counts) {
    this.counts = counts;
    this.draw();
  }

  /** @param {Filter} change undefined takes a condition away */
  set(change) {
    this.filter = Object.fromEntries(Object.entries({ ...this.filter, ...change, ...this.only }).filter(([, value]) => value !== "" && value !== undefined));
    const asked = new URLSearchParams(/** @type {any} */ (Object.fromEntries(Object.entries(this.filter).filter(([name]) => !(name in this.only)))));
    history.replaceState(null, "", asked.size ? `?${asked}` : location.pathname);
    this.draw();
    this.changed(this.filter);
  }

  draw() {
    const { voice } = this.context;
    const focused = document.activeElement?.getAttribute("data-chip");
    const { counts, filter } = this;
    const plain = !this.isNarrow();
    const chip = (/** @type {string} */ name, /** @type {string} */ words, /** @type {number | null} */ n, /** @type {boolean} */ on, /** @type {() => void} */ act) =>
      h("button", { type: "button", class: "chip", "data-chip": name, "aria-pressed": String(on), onclick: act }, words, n === null || n === undefined ? "" : h("span", { class: "number" }, voice.number.format(n)));
    const here = known(filter);
    const chips = [
      chip("all", voice.say("filter.all"), this.only.cause ? counts?.appeals : counts?.open, plain, () => this.#only({})),
      chip("mine", voice.say("filter.mine"), counts?.mine, filter.claimed_by === "me", () => this.#only(filter.claimed_by === "me" ? {} : { claimed_by: "me", state: "claimed" })),
      chip("severe", voice.say("filter.severe"), counts ? severe(counts) : null, filter.severity === 4 && !filter.claimed_by, () => this.#only(filter.severity === 4 ? {} : { severity: 4 })),
      !this.only.cause && chip("report", voice.say("cause.report"), null, filter.cause === "report", () => this.#only(filter.cause === "report" ? {} : { cause: "report" })),
      ...(this.only.cause ? [] : this.views).map(({ name, filter: kept }) => chip(`view-${name}`, name, null, known(kept) === here, () => this.#only(kept))),
      h("button", { type: "button", class: "chip adder", "data-chip": "more", "aria-haspopup": "dialog", onclick: () => this.open() }, sign("plus"), voice.say("filter")),
    ];
    this.element.replaceChildren(...chips.filter((each) => each !== false));
    if (focused) /** @type {HTMLElement | null} */ (this.element.querySelector(`[data-chip="${CSS.escape(focused)}"]`))?.focus();
  }

  /** Whether it asks for more than the page does by itself. */
  isNarrow() {
    return known(this.filter) !== known(this.only);
  }

  clear() {
    this.#only({});
  }

  /** All conditions, and a name for them. */
  open() {
    const { voice } = this.context;
    const select = (/** @type {string} */ name, /** @type {[string, string][]} */ options) => {
      const id = `filter-${name}`;
      return h("div", { class: "labelled" }, h("label", { for: id }, voice.say(`filter.${name}`)),
        h("select", { id, name, class: "field" }, [["", voice.say("filter.any")], ...options].map(([value, words]) => h("option", { value, selected: String(this.filter[name] ?? "") === value }, words))));
    };
    const name = field(voice.say("view.name"), { name: "view", maxlength: 60, autocomplete: "off" }, voice.say("view.hint"));
    const form = h("form", { method: "dialog" },
      h("div", { class: "pairs" },
        select("state", OPTIONS.state.map((each) => [each, voice.say(`status.${each}`)])),
        this.only.cause ? "" : select("cause", OPTIONS.cause.map((each) => [each, voice.say(`cause.${each}`)])),
        select("category", CATEGORIES.map((each) => [each, categoryOf(each, voice)])),
        select("severity", OPTIONS.severity.map((each) => [each, voice.say(`severity.${each}`)])),
        select("language", OPTIONS.language.map((each) => [each, each.toUpperCase()])),
        select("queue", [...new Set((this.counts?.groups ?? []).map((/** @type {any} */ each) => each.queue))].map((each) => [/** @type {string} */ (each), /** @type {string} */ (each)]))),
      name.element,
      h("div", { class: "deeds" },
        this.#view() && button(voice.say("view.forget"), { class: "danger", onclick: () => (void this.#forget(), shown.close()) }),
        button(voice.say("filter.clear"), { onclick: () => (this.#only({}), shown.close()) }),
        h("button", { type: "submit", class: "primary" }, voice.say("filter.show"))));
    form.addEventListener("submit", () => {
      const said = Object.fromEntries([...new FormData(form)].filter(([key, value]) => key !== "view" && value));
      if (said.severity) said.severity = /** @type {any} */ (Number(said.severity));
      if (said.state === "open") delete said.state;
      this.#only(/** @type {Filter} */ (said));
      if (name.input.value.trim()) void this.#keep(name.input.value.trim());
    });
    const shown = dialog(voice.say("filters"), voice, [form]);
    form.querySelector("select")?.focus();
  }

  /** @param {Filter} filter */
  #only(filter) {
    this.filter = {};
    this.set(filter);
  }

  #view() {
    return this.views.find(({ filter }) => known(filter) === known(this.filter));
  }

  /** @param {string} name */
  async #keep(name) {
    await this.review.keepView(name, this.filter).catch((problem) => this.context.toasts.show(this.context.told(problem), { tone: "bad" }));
    await this.#readViews();
  }

  async #forget() {
    const view = this.#view();
    if (view) await this.review.forgetView(view.name).catch(() => {});
    this.#only({});
    await this.#readViews();
  }
}

/** A filter without the conditions that ask for nothing. @param {Filter} filter @returns {Filter} */
function meant(filter) {
  return Object.fromEntries(Object.entries(filter).filter(([name, value]) => value !== "" && value !== 0 && !(name === "state" && value === "open") && !["limit", "after"].includes(name)));
}

/** The same for the same conditions. @param {Filter} filter */
function known(filter) {
  return JSON.stringify(Object.entries(meant(filter)).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The filter in the page's address, which can be sent to a colleague. @returns {Filter} */
function fromAddress() {
  const asked = Object.fromEntries(new URLSearchParams(location.search));
  return asked.severity ? { ...asked, severity: Number(asked.severity) } : asked;
}

/** @param {any} counts */
function severe(counts) {
  return counts.groups.filter((/** @type {any} */ each) => each.severity === 4).reduce((/** @type {number} */ sum, /** @type {any} */ each) => sum + each.items, 0);
}
