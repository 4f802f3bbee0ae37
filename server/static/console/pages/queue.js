/**
 * The queue: what waits at the left, the message in the middle, the decision at the right; all of it by keys.
 * @module
 */

import { button, h } from "../../chat/dom.js";
import { Problem } from "../api.js";
import { confirm, dialog } from "../dialogs.js";
import { bones, choice, field, toggle } from "../forms.js";
import { sign } from "../icons.js";
import { categoryOf, selected } from "../queue/evidence.js";
import { Filters } from "../queue/filters.js";
import { called, conversation, deeds, grounds, idle, lineOf, record } from "../queue/panes.js";
import { sideBySide } from "../queue/replay.js";
import { Review } from "../queue/review.js";
import { VirtualList } from "../virtual_list.js";

/** @typedef {import("../queue/review.js").Row} Row */
/** @typedef {import("../queue/review.js").Detail} Detail */

const ROW = 72;
const UNDO_MS = 30_000;
const LOOK_MS = 15_000;
const COUNTS_MS = 1_000; // at most this often, however much happens
const REASONS = 9;
const QUOTED = 32; // characters of a message that tell it from the others
const MUTES = [1, 24, 72, 168];
const BANS = [24, 168, 720, 0];

/** @param {HTMLElement} root @param {import("../main.js").Console} context @param {string} at of an item */
export function mount(root, context, at = "") {
  const page = new Queue(root, context);
  void page.begin(at);
  return () => page.end();
}

export class Queue {
  /** @type {Row[]} */
  rows = [];
  next = "";
  /** @type {Detail | null} */
  detail = null;
  current = "";
  /** @type {Set<string>} */
  chosen = new Set();
  /** What was done last, and can be taken back. @type {{act: string, batch: boolean, message: string, until: number, close: () => void}[]} */
  done = [];
  reason = "";
  busy = false;
  /** @type {Promise<void>} */
  #doing = Promise.resolve();
  #loading = false;
  #turn = 0;
  #peek = 0;
  #looking = 0;
  #tick = 0;
  #counting = 0;
  /** @type {Map<string, {name: string, until: number}>} */
  #others = new Map();
  /** @type {(() => void)[]} */
  #ends = [];
  /** @type {{clauses: import("../queue/review.js").Clause[], templates: Record<string, Record<string, string>>, queues: string[], thresholds: Record<string, number>}} */
  words = { clauses: [], templates: {}, queues: [], thresholds: {} };
  decided = 0;
  since = Date.now();
  /** Where words for the decision are written. @type {HTMLTextAreaElement | null} */
  note = null;

  /**
   * @param {HTMLElement} root
   * @param {import("../main.js").Console} context
   * @param {import("../queue/review.js").Filter} [only] conditions of this page that cannot be taken away
   * @param {string} [title]
   */
  constructor(root, context, only = {}, title = "page.queue") {
    const { voice } = context;
    this.root = root;
    this.context = context;
    this.voice = voice;
    this.review = new Review(context.api);
    this.list = new VirtualList({
      label: voice.say(title),
      height: ROW,
      id: (row) => row.message,
      stamp: (row) => `${row.version}|${row.status}|${row.claimed_by}|${row.severity}|${row.reports}|${this.chosen.has(row.message)}|${Math.floor(Date.now() / 60_000)}|${row.causes.length}`,
      draw: (row) => this.#row(row),
      pick: (row, event) => (event.ctrlKey || event.metaKey || event.shiftKey ? this.choose(row.message) : this.open(row.message)),
      near: () => this.load(true),
    });
    this.filters = new Filters(context, this.review, only, () => this.restart());
    this.strip = h("div", { class: "strip", "aria-live": "off" });
    this.bulk = h("div", { class: "bulk", role: "status", hidden: true });
    this.empty = h("div", { class: "empty", hidden: true });
    this.middle = h("div", { class: "middle", role: "region", tabindex: "0", "aria-label": voice.say("item") });
    this.right = h("div", { class: "right", role: "region", tabindex: "0", "aria-label": voice.say("decision") });
    this.speaker = h("div", { class: "aside", role: "status" });
    this.left = h("div", { class: "left" }, h("h1", { class: "aside" }, voice.say(title)), this.filters.element, this.bulk, this.list.element, this.empty, this.strip);
    root.classList.add("panes");
    root.replaceChildren(this.left, this.middle, this.right, this.speaker);
    this.middle.append(bones(4));
    context.keys.page(this.#commands());
    this.#ends.push(
      context.live.on("queue", (event) => this.#heard(event)),
      context.live.on("looking", (event) => this.#seen(event)),
      context.live.on("welcome", () => context.live.times > 1 && this.restart(true)),
    );
  }

  /** @param {string} at */
  async begin(at) {
    this.#tick = setInterval(() => this.#ticked(), 1_000);
    void this.review.words().then((words) => ((this.words = words), this.detail && this.#drawRight(this.detail)), () => {});
    await this.restart();
    if (at) await this.open(at);
    else if (matchMedia("(min-width: 761px)").matches && this.rows.length) await this.open(this.rows[0].message);
    this.list.element.focus({ preventScroll: true });
  }

  end() {
    for (const end of this.#ends) end();
    clearInterval(this.#tick);
    clearInterval(this.#looking);
    clearTimeout(this.#counting);
    clearTimeout(this.#peek);
    for (const { close } of this.done) close();
    this.list.close();
  }

  // ------------------------------------------------------------------------------------------------- the list

  /** @param {boolean} [quiet] keep what is shown until the answer is there */
  async restart(quiet = false) {
    this.#turn++;
    this.#loading = false;
    this.next = "";
    if (!quiet) {
      this.rows = [];
      this.chosen.clear();
      this.#drawBulk();
    }
    await Promise.all([this.load(false), this.#count()]);
  }

  /** @param {boolean} further */
  async load(further) {
    if (this.#loading || (further && !this.next)) return;
    this.#loading = true;
    const turn = this.#turn;
    try {
      const { items, next } = await this.review.page(this.filters.filter, further ? this.next : "");
      if (turn !== this.#turn) return;
      const known = new Set(further ? this.rows.map(({ message }) => message) : []);
      this.rows = [...(further ? this.rows : []), ...items.filter(({ message }) => !known.has(message))];
      this.next = next;
      this.#drawList();
    } catch (problem) {
      if (turn === this.#turn) this.#failed(problem);
    } finally {
      if (turn === this.#turn) this.#loading = false;
    }
  }

  #drawList() {
    this.list.show(this.rows, this.#total(), Boolean(this.next));
    this.list.choose(this.current, false);
    this.empty.hidden = this.rows.length > 0;
    this.list.element.hidden = !this.rows.length;
    if (!this.rows.length) {
      const filtered = this.filters.isNarrow();
      this.empty.replaceChildren(h("div", { class: "nothing" }, sign("check"), h("h2", {}, this.voice.say(filtered ? "queue.none" : "queue.done")), h("p", {}, this.voice.say(filtered ? "queue.none.text" : "queue.done.text")), filtered ? button(this.voice.say("filter.clear"), { onclick: () => this.filters.clear() }) : ""));
      if (!this.detail) this.#close(true);
    }
  }

  #total() {
    return Object.keys(this.filters.filter).length ? this.rows.length : (this.filters.counts?.open ?? 0);
  }

  /** @param {Row} row @returns {(Node | string)[]} */
  #row(row) {
    const { voice, context } = this;
    const now = Date.now();
    const claimed = row.status === "claimed" && row.lease_until > now;
    const mine = claimed && row.claimed_by === context.me.id;
    const late = row.status !== "decided" && row.due_at < now;
    return [
      h("i", { class: `severity s${row.severity}`, title: voice.say(`severity.${row.severity}`) }),
      h("div", { class: "top" },
        h("strong", {}, row.categories.length ? row.categories.slice(0, 2).map((each) => categoryOf(each, voice)).join(", ") : voice.knows(`cause.${row.causes[0]}`) ? voice.say(`cause.${row.causes[0]}`) : row.causes[0] ?? ""),
        row.causes.includes("appeal") ? h("span", { class: "tag cause appeal" }, voice.say("cause.appeal")) : "",
        row.reports ? h("span", { class: "tag" }, sign("flag"), voice.number.format(row.reports)) : "",
        h("span", { class: `age${late ? " late" : ""}`, title: late ? voice.say("late") : "" }, row.status === "decided" ? voice.say(`outcome.${row.outcome || "note"}`) : voice.ago(row.opened_at, now))),
      h("p", { class: `excerpt${context.me.preferences.blur ? " blurred" : ""}`, dir: "auto" }, row.text),
      h("div", { class: "bottom" }, h("bdi", {}, row.author_name || row.author), row.language && row.language !== "unknown" ? h("span", {}, row.language.toUpperCase()) : "",
        claimed ? h("span", { class: `claim${mine ? " mine" : ""}` }, sign("lock"), mine ? voice.say("claimed.mine") : row.claimed_name || voice.say("claimed")) : "",
        this.chosen.has(row.message) ? h("span", { class: "picked" }, sign("check"), h("span", { class: "aside" }, voice.say("chosen"))) : ""),
    ];
  }

  // ------------------------------------------------------------------------------------------------- one item

  /** @param {string} message */
  async open(message) {
    this.#select(message);
    clearTimeout(this.#peek);
    const turn = message;
    const wait = setTimeout(() => {
      if (this.current !== turn || this.detail) return;
      this.middle.replaceChildren(bones(4));
      this.right.replaceChildren();
    }, 300);
    try {
      const detail = await this.review.item(message);
      if (this.current === message) this.#show(detail);
    } catch (problem) {
      if (this.current !== message) return;
      this.detail = null;
      this.middle.replaceChildren(h("div", { class: "nothing" }, sign("help"), h("h2", {}, this.context.told(problem))));
      this.right.replaceChildren();
    } finally {
      clearTimeout(wait);
    }
  }

  /** @param {number} step */
  move(step) {
    const at = this.rows.findIndex(({ message }) => message === this.current);
    const to = this.rows[Math.max(0, Math.min(this.rows.length - 1, at < 0 ? 0 : at + step))];
    if (!to || to.message === this.current) return;
    this.#select(to.message);
    // Who runs through the list looks at where they stop.
    clearTimeout(this.#peek);
    this.#peek = setTimeout(() => this.open(to.message), 60);
  }

  /** @param {string} message */
  #select(message) {
    this.current = message;
    // Nothing is decided of what was before somebody, once the list shows another.
    if (this.detail?.item.message !== message) this.detail = null;
    this.#others.clear();
    this.root.classList.add("opened");
    this.list.choose(message);
  }

  /** @param {Detail} detail */
  #show(detail) {
    const again = this.detail?.item.message === detail.item.message;
    this.detail = detail;
    this.current = detail.item.message;
    if (!again) {
      this.reason = detail.item.clauses[0] ?? "";
      this.note = null;
    }
    this.#merge(detail.item);
    this.#others = new Map(detail.looking.map(({ staff, name }) => [staff, { name, until: Date.now() + 20_000 }]));
    this.#drawRight(detail);
    this.#drawMiddle(detail);
    this.list.choose(this.current);
    this.speaker.textContent = `${detail.item.author_name}: ${this.context.me.preferences.blur ? "" : detail.message.text}`;
    clearInterval(this.#looking);
    this.#looking = setInterval(() => this.#look(), LOOK_MS);
    this.#look();
  }

  /** @param {boolean} [done] @param {string} [why] nothing more is given for now */
  #close(done = false, why = "") {
    this.detail = null;
    this.current = "";
    clearInterval(this.#looking);
    this.root.classList.remove("opened");
    this.middle.replaceChildren(idle(this.voice, done, why));
    this.right.replaceChildren();
    this.list.choose("", false);
  }

  back() {
    this.root.classList.remove("opened");
    this.list.element.focus();
  }

  /** @param {Detail} detail */
  #drawMiddle(detail) {
    const { voice, context } = this;
    const { element, subject, card } = conversation(detail, voice, Boolean(context.me.preferences.blur));
    this.subject = subject;
    element.addEventListener("click", () => element.classList.remove("blurred"));
    this.surface = element;
    this.middle.replaceChildren(
      h("header", { class: "title" },
        h("button", { type: "button", class: "plain back", "aria-label": voice.say("back"), onclick: () => this.back() }, sign("back")),
        h("div", {}, h("h2", { dir: "auto" }, detail.item.title || detail.item.conversation), h("p", { class: "muted" }, this.#about(detail))),
        (this.presence = h("div", { class: "presence" }))),
      element,
    );
    this.#drawPresence();
    if (detail.appeal) void this.#replay(detail.item.message, card);
    // Only the pane itself is moved: what is around the message stays where it is. On a phone the panes move as one, and
    // what can be done lies over their end.
    const narrow = matchMedia("(max-width: 760px)").matches;
    const pane = narrow ? this.root : this.middle;
    const covered = narrow ? (this.right.querySelector(".act-pane")?.clientHeight ?? 0) : 0;
    const room = Math.max(64, (pane.clientHeight - covered - card.offsetHeight) / 2);
    pane.scrollTop += card.getBoundingClientRect().top - pane.getBoundingClientRect().top - room;
  }

  /** What then and now would be decided, beside each other. @param {string} message @param {HTMLElement} card */
  async #replay(message, card) {
    try {
      const replay = await this.review.replay(message);
      if (this.current === message) card.append(sideBySide(replay, this.voice));
    } catch {
      // Without it the appeal can still be decided.
    }
  }

  /** @param {Detail} detail */
  #about({ item }) {
    const parts = [this.voice.say(`severity.${item.severity}`), item.reach ? this.voice.say("reach", { n: item.reach }) : "", item.queue === "review" ? "" : item.queue];
    return parts.filter(Boolean).join(" · ");
  }

  #drawPresence() {
    const { voice, detail } = this;
    if (!detail || !this.presence) return;
    const now = Date.now();
    const { item } = detail;
    const left = Math.max(0, item.lease_until - now);
    const mine = item.claimed_by === this.context.me.id;
    const minutes = `${Math.floor(left / 60_000)}:${String(Math.floor((left % 60_000) / 1_000)).padStart(2, "0")}`;
    const others = [...this.#others.values()].filter(({ until }) => until > now).map(({ name }) => name);
    this.presence.replaceChildren(
      item.status === "claimed" && left ? h("span", { class: `claim${mine ? " mine" : ""}` }, sign("lock"), mine ? voice.say("lease.mine", { left: minutes }) : voice.say("lease.other", { name: item.claimed_name || voice.say("somebody"), left: minutes })) : "",
      others.length ? h("span", { class: "muted lookers" }, sign("eye"), voice.say("looking", { names: voice.join(others) })) : "",
    );
  }

  /** @param {Detail} detail */
  #drawRight(detail) {
    const { voice } = this;
    const { item } = detail;
    const reasons = this.#reasons(detail);
    const note = /** @type {HTMLTextAreaElement} */ (h("textarea", { class: "field", rows: "2", maxlength: "1000", placeholder: voice.say("note.place"), "aria-label": voice.say("note") }));
    // What is being written stays, whatever happens to the item meanwhile.
    const { note: before } = this;
    const focused = before !== null && document.activeElement === before;
    if (before) note.value = before.value;
    this.note = note;
    const pick = h("fieldset", { class: "reasons" }, h("legend", {}, voice.say("reasons")),
      reasons.map((clause, n) => h("label", { title: clause.text }, h("input", { type: "radio", name: "reason", value: clause.id, checked: clause.id === this.reason, onchange: () => (this.reason = clause.id) }), h("kbd", { "aria-hidden": "true" }, String(n + 1)), h("span", {}, called(clause.id)), h("span", { class: "muted" }, clause.categories.slice(0, 2).map((each) => categoryOf(each, voice)).join(", ")))));
    const act = (/** @type {string} */ name, /** @type {string} */ key, /** @type {() => void} */ run, look = "") =>
      h("button", { type: "button", class: look, disabled: !this.#may(name), "aria-keyshortcuts": key, onclick: run }, h("span", {}, voice.say(`act.${name}`)), h("kbd", { "aria-hidden": "true" }, key));
    const appealed = item.causes.includes("appeal") && item.status !== "decided";
    const claimed = item.claimed_by === this.context.me.id && item.lease_until > Date.now();
    this.right.replaceChildren(
      h("div", { class: "facts-pane" }, grounds(detail, voice, this.words.thresholds), record(detail, voice, () => this.#elsewhere(detail)), deeds(detail.acts, voice)),
      h("div", { class: "act-pane" },
        item.barred === this.context.me.id ? h("p", { class: "notice" }, voice.say("barred")) : "",
        item.status === "decided" ? h("p", { class: "notice" }, voice.say("decided.by", { name: item.decided_name || item.decided_by, outcome: voice.say(`outcome.${item.outcome}`) })) : "",
        reasons.length ? pick : "",
        note,
        h("div", { class: appealed ? "acts appealed" : "acts" },
          appealed
            ? [act("uphold", "r", () => this.act([{ act: "uphold" }]), "strong"), act("overturn", "a", () => this.act([{ act: "overturn" }]), "strong")]
            : [act("release", "a", () => this.release(), "strong"), act("mask", "m", () => this.mask()), act("remove", "r", () => this.remove(), "strong bad")],
          act("warn", "w", () => this.warn()), act("mute", "u", () => this.mute()), act("ban", "b", () => this.ban()),
          act("escalate", "e", () => this.escalate()), act("note", "n", () => this.takeNote()),
          h("button", { type: "button", disabled: item.status === "decided", "aria-keyshortcuts": "c", onclick: () => this.claim() }, h("span", {}, voice.say(claimed ? "act.let_go" : "act.claim")), h("kbd", { "aria-hidden": "true" }, "c")))),
    );
    document.documentElement.style.setProperty("--docked", `${this.right.querySelector(".act-pane")?.clientHeight ?? 0}px`);
    if (focused) {
      note.focus({ preventScroll: true });
      note.setSelectionRange(before.selectionStart, before.selectionEnd);
    }
  }

  /** What can be given as the reason: the clauses that spoke, then the others of the policy. @param {Detail} detail */
  #reasons(detail) {
    const known = new Set(detail.clauses.map(({ id }) => id));
    return [...detail.clauses, ...this.words.clauses.filter(({ id }) => !known.has(id))].slice(0, REASONS);
  }

  /** @param {string} act */
  #may(act) {
    return Boolean(this.detail?.may.includes(act));
  }

  // -------------------------------------------------------------------------------------------------- acting

  release() {
    if (this.chosen.size > 1) return this.#inBulk([{ act: "release" }]);
    return this.#isAppeal() ? this.act([{ act: "overturn" }]) : this.act([{ act: "release" }]);
  }

  remove() {
    if (this.chosen.size > 1) return this.#inBulk([{ act: "remove" }]);
    return this.#isAppeal() ? this.act([{ act: "uphold" }]) : this.act([{ act: "remove" }]);
  }

  #isAppeal() {
    const item = this.detail?.item;
    return Boolean(item && item.status !== "decided" && item.causes.includes("appeal"));
  }

  /** Cover what is selected, or what was found. */
  mask() {
    const { detail, subject } = this;
    if (!detail || !subject) return;
    const picked = selected(subject);
    const found = detail.findings.filter(({ start, end }) => end > start).map(({ start, end }) => [start, end]);
    const spans = picked ? [picked] : merged(found);
    if (!spans.length) return void this.context.toasts.show(this.voice.say("mask.nothing"));
    return this.act([{ act: "mask", spans }]);
  }

  async warn() {
    const { voice, detail } = this;
    if (!detail || !this.#may("warn")) return;
    const lang = detail.person.lang in { es: 1, en: 1, pt: 1 } ? detail.person.lang : "en";
    const names = Object.keys(this.words.templates);
    const options = h("fieldset", { class: "reasons" }, h("legend", {}, voice.say("warn.words")), names.map((name, n) => h("label", {}, h("input", { type: "radio", name: "template", value: name, checked: n === 0 }), h("span", { lang }, this.words.templates[name][lang] ?? name))));
    const also = toggle(voice.say("warn.remove"), false, () => {});
    this.#ask(voice.say("act.warn"), [options, detail.message.refused ? "" : also], (form) => {
      const template = new FormData(form).get("template");
      const remove = also.querySelector("input")?.checked;
      return this.act([...(remove ? [{ act: "remove" }] : []), { act: "warn", template }], "", detail);
    });
  }

  async mute() {
    const { voice, detail } = this;
    if (!detail || !this.#may("mute")) return;
    const hours = choice(voice.say("for"), MUTES.map((each) => [String(each), this.#hours(each)]), "24");
    const everywhere = toggle(voice.say("mute.everywhere"), false, () => {});
    this.#ask(voice.say("act.mute"), [hours.element, everywhere], () => this.act([...removal(detail), { act: "mute", hours: Number(hours.input.value), everywhere: Boolean(everywhere.querySelector("input")?.checked) }], "", detail));
  }

  async ban() {
    const { voice, detail } = this;
    if (!detail || !this.#may("ban")) return;
    const mine = this.context.me.role === "reviewer" ? BANS.filter(Boolean) : BANS;
    const hours = choice(voice.say("for"), mine.map((each) => [String(each), each ? this.#hours(each) : voice.say("for.ever")]), String(mine[1]));
    this.#ask(voice.say("act.ban"), [h("p", {}, voice.say("ban.text")), hours.element], () => this.act([...removal(detail), { act: "ban", hours: Number(hours.input.value) || null }], "", detail), true);
  }

  async escalate() {
    const { voice, detail } = this;
    if (!detail || !this.#may("escalate")) return;
    const queues = this.words.queues.filter((each) => each !== detail.item.queue);
    const queue = choice(voice.say("filter.queue"), (queues.length ? queues : ["lead"]).map((each) => [each, each]), queues[0] ?? "lead");
    this.#ask(voice.say("act.escalate"), [queue.element], () => this.act([{ act: "escalate", queue: queue.input.value }], "", detail));
  }

  async takeNote() {
    const { voice, detail } = this;
    if (!detail || !this.#may("note")) return;
    const words = field(voice.say("note"), { required: true, maxlength: 1000, value: this.note?.value ?? "", autocomplete: "off" });
    this.#ask(voice.say("act.note"), [words.element], () => this.act([{ act: "note" }], words.input.value, detail));
  }

  /** @param {string} title @param {(Node | string)[]} content @param {(form: HTMLFormElement) => unknown} run @param {boolean} [danger] */
  #ask(title, content, run, danger = false) {
    const { voice } = this;
    const form = h("form", { method: "dialog" }, content, h("div", { class: "deeds" }, button(voice.say("cancel"), { onclick: () => shown.close() }), h("button", { type: "submit", class: danger ? "danger" : "primary" }, title)));
    form.addEventListener("submit", () => void run(form));
    const shown = dialog(title, voice, [form]);
    /** @type {HTMLElement | null} */ (form.querySelector("input, select"))?.focus();
  }

  /** @param {number} hours */
  #hours(hours) {
    return hours < 48 ? this.voice.say("hours", { n: hours }) : this.voice.say("days", { n: Math.round(hours / 24) });
  }

  /**
   * Do it, and go on with the next item in the same breath.
   * @param {any[]} acts
   * @param {string} [words]
   * @param {Detail | null} [detail] as it was when somebody was asked: if it is another by now, the server refuses
   */
  act(acts, words = "", detail = this.detail) {
    if (!this.busy) this.#doing = this.#act(acts, words, detail);
    return this.#doing;
  }

  /** @param {any[]} acts @param {string} words @param {Detail | null} detail */
  async #act(acts, words, detail) {
    const { voice, context } = this;
    if (!detail || !acts.every(({ act }) => detail.may.includes(act))) return;
    if (this.chosen.size > 1 && acts.every(({ act }) => !["mask", "uphold", "overturn", "note"].includes(act))) return void this.#inBulk(acts);
    const { item } = detail;
    const kind = acts[0].act;
    const stays = kind === "note";
    const clean = kind === "release" || kind === "overturn";
    const said = words || this.note?.value.trim() || (clean ? voice.say("reason.clean") : this.#clauseWords());
    this.busy = true;
    this.root.classList.add("busy");
    try {
      const done = await this.review.act(item, acts, said, clean || stays ? "" : this.reason, stays || this.filters.filter.state === "decided" ? null : this.filters.filter);
      if (stays) {
        this.#told(voice.say("outcome.note"), done.act);
        this.note = null;
        return void (await this.open(item.message));
      }
      this.decided++;
      this.#settled(done.item);
      this.#told(voice.say("done", { outcome: voice.say(`outcome.${done.act.outcome}`), name: this.#quoted(item) }), done.act);
      this.#goOn(done.next, item.message);
    } catch (problem) {
      if (problem instanceof Problem && problem.code === "conflict") await this.#late(problem, item.message);
      else context.toasts.show(context.told(problem), { tone: "bad" });
    } finally {
      this.busy = false;
      this.root.classList.remove("busy");
    }
  }

  #clauseWords() {
    const clause = this.detail && this.#reasons(this.detail).find(({ id }) => id === this.reason);
    return clause ? called(clause.id) : this.voice.say("reason.other");
  }

  /** @param {any} next @param {string} before */
  #goOn(next, before) {
    if (next?.item) return this.#show(next.item);
    const spent = next?.withheld ? this.voice.say("budget.spent", { n: next.withheld, time: this.voice.clock.format(next.budget_free_at) }) : "";
    const other = this.rows.find(({ message, status, claimed_by }) => message !== before && status !== "decided" && (status === "waiting" || claimed_by === this.context.me.id));
    if (other && !next) return void this.open(other.message);
    this.#close(!this.rows.length, spent);
  }

  /** Somebody was faster, or it is no longer what it was. @param {Problem} problem @param {string} message */
  async #late(problem, message) {
    const { now } = problem.more;
    const name = this.#nameOf(now?.status === "decided" ? now.decided_by : now?.claimed_by);
    const text = now?.status === "decided" ? this.voice.say("late.decided", { name, outcome: this.voice.say(`outcome.${now.outcome || "note"}`) })
      : now?.status === "claimed" && now.claimed_by !== this.context.me.id ? this.voice.say("late.claimed", { name })
      : this.voice.say("late.changed");
    this.context.toasts.show(text, { tone: "bad", ms: 10_000 });
    if (now) this.#merge(now);
    if (this.current === message) await this.open(message);
  }

  /** Whose words, and the first of them: of several that were decided one after the other, which one this was. @param {Row} item */
  #quoted(item) {
    const name = item.author_name || item.author;
    const words = [...item.text];
    if (this.context.me.preferences.blur || !words.length) return name;
    return `${name}, “${words.slice(0, QUOTED).join("").trim()}${words.length > QUOTED ? "…" : ""}”`;
  }

  /** @param {string} text @param {any} act */
  #told(text, act) {
    const until = act.undo_until || 0;
    if (until <= Date.now()) return void this.context.toasts.show(text);
    const entry = { act: act.id, batch: false, message: act.message, until, close: () => {} };
    entry.close = this.context.toasts.show(text, { label: this.voice.say("undo"), act: () => this.undo(entry), ms: Math.min(UNDO_MS, until - Date.now()) });
    this.done.push(entry);
  }

  /** @param {{act: string, batch: boolean, message: string, until: number, close: () => void}} [which] the last one, if none is given */
  async undo(which) {
    // Who decides and changes their mind in the same second means what is just being done.
    await this.#doing;
    const entry = which ?? this.done.findLast(({ until }) => until > Date.now());
    if (!entry) return void this.context.toasts.show(this.voice.say("undo.nothing"));
    this.done = this.done.filter((each) => each !== entry);
    entry.close();
    try {
      await (entry.batch ? this.review.undoBulk(entry.act) : this.review.undo(entry.act));
      this.context.toasts.show(this.voice.say("undone"));
      this.decided = Math.max(0, this.decided - 1);
      await this.restart(true);
      if (!entry.batch) await this.open(entry.message);
    } catch (problem) {
      this.context.toasts.show(problem instanceof Problem && problem.code === "conflict" ? problem.message : this.context.told(problem), { tone: "bad" });
    }
  }

  async claim() {
    const { detail } = this;
    if (!detail || detail.item.status === "decided") return;
    const mine = detail.item.claimed_by === this.context.me.id && detail.item.lease_until > Date.now();
    try {
      await this.review.do(detail.item.message, mine ? "release" : "claim");
      await this.open(detail.item.message);
    } catch (problem) {
      if (problem instanceof Problem && problem.code === "conflict") await this.#late(problem, detail.item.message);
      else this.context.toasts.show(this.context.told(problem), { tone: "bad" });
    }
  }

  /** Give the item to a colleague. */
  async handOver() {
    const { detail, voice, context } = this;
    if (!detail) return;
    const others = (await context.api.get("/colleagues")).filter((/** @type {any} */ one) => !one.disabled && one.role !== "auditor" && one.id !== context.me.id);
    const to = choice(voice.say("hand_over.to"), others.map((/** @type {any} */ one) => [one.id, one.name]), others[0]?.id ?? "");
    const note = field(voice.say("note"), { maxlength: 1000, autocomplete: "off" });
    this.#ask(voice.say("act.hand_over"), [to.element, note.element], async () => {
      try {
        await this.review.handOver(detail.item.message, to.input.value, note.input.value);
        await this.open(detail.item.message);
      } catch (problem) {
        context.toasts.show(context.told(problem), { tone: "bad" });
      }
    });
  }

  /** Let the message be one whose right answer is known. */
  golden() {
    const { detail, voice, context } = this;
    if (!detail) return;
    const outcome = choice(voice.say("golden.answer"), ["release", "mask", "remove"].map((each) => [each, voice.say(`act.${each}`)]), "remove");
    this.#ask(voice.say("act.golden"), [h("p", { class: "muted" }, voice.say("quality.goldens.text")), outcome.element], async () => {
      try {
        await context.api.call("PUT", "/review/golden", { message: detail.item.message, outcome: outcome.input.value, clause: outcome.input.value === "release" ? "" : this.reason });
        context.toasts.show(voice.say("saved"));
      } catch (problem) {
        context.toasts.show(context.told(problem), { tone: "bad" });
      }
    });
  }

  /** What its author is owed: the reasons, in their language. */
  async statement() {
    const { detail, voice, context } = this;
    if (!detail) return;
    try {
      const told = await context.api.get(`/review/items/${encodeURIComponent(detail.item.message)}/statement`);
      const file = URL.createObjectURL(new Blob([JSON.stringify(told, null, 2)], { type: "application/json" }));
      dialog(voice.say("act.statement"), voice, [
        h("div", { class: "statement", lang: told.lang }, told.restrictions.map((/** @type {any} */ each) => h("p", {}, h("strong", {}, each.text))), h("p", {}, told.facts), h("p", {}, told.source_text), h("p", {}, told.automation_text), told.grounds.map((/** @type {any} */ each) => h("p", {}, h("code", {}, each.clause), " ", each.explanation)), told.redress.map((/** @type {any} */ each) => h("p", { class: "muted" }, each.text))),
        h("div", { class: "deeds" }, h("a", { class: "button", href: file, download: `statement-${detail.item.message}.json` }, sign("download"), h("span", {}, "JSON"))),
      ], { className: "wide", onclose: () => URL.revokeObjectURL(file) });
    } catch (problem) {
      context.toasts.show(context.told(problem), { tone: "bad" });
    }
  }

  // ------------------------------------------------------------------------------------------------- several

  /** @param {string} message */
  choose(message) {
    if (!message) return;
    if (!this.chosen.delete(message)) this.chosen.add(message);
    this.list.draw();
    this.#drawBulk();
  }

  #drawBulk() {
    const n = this.chosen.size;
    this.bulk.hidden = !n;
    if (n) this.bulk.replaceChildren(h("span", {}, this.voice.say("chosen.n", { n })), button(this.voice.say("act.release"), { onclick: () => this.#inBulk([{ act: "release" }]) }), button(this.voice.say("act.remove"), { class: "danger", onclick: () => this.#inBulk([{ act: "remove" }]) }), button(this.voice.say("chosen.none"), { class: "link", onclick: () => (this.chosen.clear(), this.list.draw(), this.#drawBulk()) }));
  }

  /** @param {any[]} acts */
  async #inBulk(acts) {
    const { voice, context } = this;
    try {
      const preview = await this.review.preview([...this.chosen]);
      const n = preview.messages.length;
      const left = preview.others + preview.decided + preview.appealed;
      const name = voice.say(`act.${acts.at(-1).act}`);
      const text = [voice.say("bulk.about", { n, people: preview.people }), left ? voice.say("bulk.left", { n: left }) : ""].filter(Boolean).join(" ");
      if (!n) return void context.toasts.show(voice.say("bulk.nothing"));
      if (!(await confirm(voice, voice.say("bulk.title", { act: name, n }), text, name, acts.some(({ act }) => act !== "release")))) return;
      const clean = acts[0].act === "release";
      const done = await this.review.bulk(preview, acts, this.note?.value.trim() || (clean ? voice.say("reason.clean") : this.#clauseWords()), clean ? "" : this.reason);
      this.decided += done.done;
      const entry = { act: done.batch, batch: true, message: "", until: done.undo_until, close: () => {} };
      entry.close = context.toasts.show(voice.say("bulk.done", { n: done.done, of: done.results.length }), { label: voice.say("undo"), act: () => this.undo(entry), ms: UNDO_MS });
      this.done.push(entry);
      this.chosen.clear();
      this.#drawBulk();
      this.detail = null;
      await this.restart(true);
      if (this.rows.length) await this.open(this.rows[0].message);
      else this.#close(true);
    } catch (problem) {
      context.toasts.show(context.told(problem), { tone: "bad" });
    }
  }

  /** The author's other conversations, which somebody must have a reason to look at. @param {Detail} detail */
  #elsewhere(detail) {
    const { voice, context } = this;
    const why = field(voice.say("elsewhere.why"), { required: true, minlength: 10, maxlength: 500, autocomplete: "off" }, voice.say("elsewhere.logged"));
    const list = h("ul", { class: "rows" });
    const form = h("form", {}, why.element, h("div", { class: "deeds" }, h("button", { type: "submit", class: "primary" }, voice.say("elsewhere.show"))), list);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        const { conversations } = await this.review.conversations(detail.item.author, why.input.value);
        list.replaceChildren(...conversations.map((/** @type {any} */ each) => h("li", {}, h("div", {}, h("bdi", {}, each.title || each.id)), h("span", { class: "muted" }, voice.knows(`stage.${each.stage}`) ? voice.say(`stage.${each.stage}`) : each.stage), button(voice.say("elsewhere.read"), { onclick: () => this.#read(each, why.input.value) }))));
        if (!conversations.length) list.replaceChildren(h("li", { class: "muted" }, voice.say("elsewhere.none")));
      } catch (problem) {
        why.problem(context.told(problem));
      }
    });
    dialog(voice.say("record.elsewhere"), voice, [form]);
    why.input.focus();
  }

  /** @param {any} other @param {string} reason */
  async #read(other, reason) {
    try {
      const read = await this.context.api.post(`/review/conversations/${encodeURIComponent(other.id)}`, { reason });
      dialog(other.title || other.id, this.voice, [h("div", { class: "conversation" }, read.lines.map((/** @type {any} */ line) => lineOf(line, this.voice)))], { className: "wide" });
    } catch (problem) {
      this.context.toasts.show(this.context.told(problem), { tone: "bad" });
    }
  }

  // ---------------------------------------------------------------------------------------------- what happens

  /** @param {any} event */
  #heard(event) {
    void this.#countSoon();
    const known = this.rows.findIndex(({ message }) => message === event.message);
    const gone = event.change === "decided" && this.filters.filter.state !== "decided";
    if (known >= 0 && gone && event.message !== this.current) {
      this.rows = this.rows.filter((_, n) => n !== known);
      this.#drawList();
    } else if (known >= 0) {
      const row = this.rows[known];
      this.#merge({ ...row, version: event.version, severity: event.severity, due_at: event.due_at, claimed_by: event.claimed_by ?? "", claimed_name: event.claimed_name || row.claimed_name, lease_until: event.lease_until ?? 0, status: event.state === "decided" ? "decided" : event.claimed_by ? "claimed" : "waiting", reports: event.reports ?? row.reports, causes: event.causes ?? row.causes });
    } else if (["opened", "reopened", "undone", "escalated", "let_go"].includes(event.change)) {
      void this.#fetch(event);
    }
    // What is before somebody changes only under their eyes, with a word about it.
    if (event.message === this.current && event.by !== this.context.me.id && this.detail && !this.busy && event.version !== this.detail.item.version) {
      if (event.change === "decided") this.context.toasts.show(this.voice.say("late.decided", { name: this.#nameOf(event.by), outcome: this.voice.say(`outcome.${event.outcome || "note"}`) }));
      void this.open(event.message);
    } else if (event.message === this.current && this.detail) {
      Object.assign(this.detail.item, { claimed_by: event.claimed_by ?? "", claimed_name: event.claimed_name ?? "", lease_until: event.lease_until ?? 0, status: event.state === "decided" ? "decided" : event.claimed_by ? "claimed" : "waiting" });
      this.#drawPresence();
    }
  }

  /** A new item finds its place in the list if it belongs there; whoever scrolls far below sees it when they come up. @param {any} event */
  async #fetch(event) {
    const { filter } = this.filters;
    if (filter.queue && filter.queue !== event.queue) return;
    if (filter.severity && event.severity < Number(filter.severity)) return;
    if (filter.language && filter.language !== event.language) return;
    if (filter.cause && !(event.causes ?? []).includes(filter.cause)) return;
    if (filter.category && !(event.categories ?? []).includes(filter.category)) return;
    if (filter.state === "decided" || filter.claimed_by) return;
    const last = this.rows.at(-1);
    if (this.next && last && last.due_at < event.due_at) return;
    const turn = this.#turn;
    try {
      const { items } = await this.review.page({ ...filter, conversation: event.conversation }, "");
      if (turn !== this.#turn) return;
      const empty = !this.rows.length;
      for (const row of items) this.#insert(row);
      this.#drawList();
      if (empty && !this.current && this.rows.length && matchMedia("(min-width: 761px)").matches) await this.open(this.rows[0].message);
    } catch {
      // The next event, or the next time that the list is read, brings it.
    }
  }

  /** @param {Row} row */
  #insert(row) {
    if (this.rows.some(({ message }) => message === row.message)) return;
    const at = this.rows.findIndex(({ due_at, message }) => due_at > row.due_at || (due_at === row.due_at && message > row.message));
    this.rows.splice(at < 0 ? this.rows.length : at, 0, row);
  }

  /** @param {Row} row */
  #merge(row) {
    const at = this.rows.findIndex(({ message }) => message === row.message);
    if (at < 0) return;
    this.rows[at] = { ...this.rows[at], ...row };
    this.list.draw();
  }

  /** @param {Row} row */
  #settled(row) {
    if (this.filters.filter.state !== "decided") this.rows = this.rows.filter(({ message }) => message !== row.message);
    this.chosen.delete(row.message);
    this.#drawList();
    this.#drawStrip();
    void this.#countSoon();
  }

  /** @param {any} event */
  #seen(event) {
    if (event.message !== this.current || event.staff === this.context.me.id) return;
    this.#others.set(event.staff, { name: event.name, until: Date.now() + 20_000 });
    this.#drawPresence();
  }

  async #look() {
    const message = this.current;
    if (!message || document.visibilityState === "hidden") return;
    try {
      const { looking } = await this.review.do(message, "looking");
      if (message !== this.current) return;
      for (const { staff, name } of looking) this.#others.set(staff, { name, until: Date.now() + 20_000 });
      this.#drawPresence();
    } catch {
      // Presence is a courtesy; nothing depends on it.
    }
  }

  #countSoon() {
    this.#counting ||= setTimeout(() => ((this.#counting = 0), this.#count()), COUNTS_MS);
  }

  async #count() {
    try {
      this.filters.count(await this.review.counts());
      this.list.total = this.#total();
      this.#drawStrip();
    } catch {
      // The list itself says what is wrong.
    }
  }

  #drawStrip() {
    const { voice } = this;
    const { counts } = this.filters;
    const hours = Math.max(1 / 60, (Date.now() - this.since) / 3_600_000);
    this.strip.replaceChildren(
      h("span", {}, voice.say("strip.done", { n: this.decided })),
      this.decided > 2 ? h("span", {}, voice.say("strip.pace", { n: Math.round(this.decided / hours) })) : "",
      counts?.overdue ? h("span", { class: "late" }, voice.say("strip.overdue", { n: counts.overdue })) : "",
      counts?.second_looks ? h("a", { href: "/console/quality" }, voice.say("strip.second", { n: counts.second_looks })) : "",
    );
  }

  #ticked() {
    this.#drawPresence();
    if (new Date().getSeconds() === 0) this.list.draw();
  }

  /** @param {string} id */
  #nameOf(id) {
    return this.detail?.names[id] ?? this.voice.say("somebody");
  }

  /** @param {unknown} problem */
  #failed(problem) {
    this.list.element.hidden = true;
    this.empty.hidden = false;
    this.empty.replaceChildren(h("div", { class: "nothing" }, sign("help"), h("h2", {}, this.context.told(problem)), button(this.voice.say("retry"), { onclick: () => this.restart() })));
    this.#close();
  }

  // ---------------------------------------------------------------------------------------------------- keys

  /** @returns {import("../keys.js").Command[]} */
  #commands() {
    const { voice } = this;
    const moving = voice.say("keys.moving");
    const deciding = voice.say("keys.deciding");
    const many = voice.say("keys.many");
    const act = (/** @type {string} */ key, /** @type {string} */ name, /** @type {() => unknown} */ run, /** @type {string} */ needs = name) => ({ keys: [key], label: voice.say(`act.${name}`), group: deciding, run: () => void run(), when: () => this.#may(needs) || ((name === "release" || name === "remove") && (this.#isAppeal() || this.chosen.size > 1)) });
    return [
      { keys: ["j", "ArrowDown"], label: voice.say("keys.next"), group: moving, hidden: true, repeats: true, run: () => this.move(1) },
      { keys: ["k", "ArrowUp"], label: voice.say("keys.previous"), group: moving, hidden: true, repeats: true, run: () => this.move(-1) },
      { keys: ["Enter"], label: voice.say("keys.open"), group: moving, hidden: true, when: () => Boolean(this.current), run: () => (this.root.classList.add("opened"), this.middle.focus({ preventScroll: true })) },
      { keys: ["Escape"], label: voice.say("keys.back"), group: moving, hidden: true, run: () => this.back() },
      { keys: [" "], shown: "␣", label: voice.say("keys.reveal"), group: moving, when: () => Boolean(this.context.me.preferences.blur && this.surface), run: () => void this.surface?.classList.toggle("blurred") },
      { keys: ["/"], label: voice.say("filter"), group: moving, run: () => this.filters.open() },
      { keys: ["c"], label: voice.say("act.claim"), group: deciding, run: () => void this.claim() },
      act("a", "release", () => this.release()),
      act("m", "mask", () => this.mask()),
      act("r", "remove", () => this.remove()),
      act("w", "warn", () => this.warn()),
      act("u", "mute", () => this.mute()),
      act("b", "ban", () => this.ban()),
      act("e", "escalate", () => this.escalate()),
      act("n", "note", () => this.takeNote()),
      { keys: ["1", "2", "3", "4", "5", "6", "7", "8", "9"], shown: "1-9", label: voice.say("reasons"), group: deciding, hidden: true, when: () => Boolean(this.detail), run: (event) => this.#giveReason(Number(event?.key)) },
      { label: voice.say("act.golden"), group: deciding, when: () => Boolean(this.detail) && ["lead", "admin"].includes(this.context.me.role), run: () => this.golden() },
      { label: voice.say("act.hand_over"), group: deciding, when: () => Boolean(this.detail) && this.detail?.item.status !== "decided", run: () => void this.handOver() },
      { label: voice.say("act.statement"), group: deciding, when: () => Boolean(this.detail), run: () => void this.statement() },
      { keys: ["z"], label: voice.say("undo"), group: deciding, run: () => void this.undo() },
      { keys: ["x"], label: voice.say("keys.choose"), group: many, when: () => Boolean(this.current), run: () => (this.choose(this.current), this.move(1)) },
      { label: voice.say("chosen.none"), group: many, when: () => this.chosen.size > 0, run: () => (this.chosen.clear(), this.list.draw(), this.#drawBulk()) },
      { label: voice.say("preferences.blur"), group: moving, run: () => void this.context.prefer({ blur: !this.context.me.preferences.blur }).then(() => this.detail && this.#drawMiddle(this.detail)) },
    ];
  }

  /** @param {number} n */
  #giveReason(n) {
    const options = /** @type {HTMLInputElement[]} */ ([...this.right.querySelectorAll("input[name=reason]")]);
    const option = options[n - 1];
    if (!option) return;
    option.checked = true;
    this.reason = option.value;
  }
}

/** A message that is still to be seen goes with the sanction. @param {Detail} detail @returns {any[]} */
function removal({ item, message, may }) {
  return may.includes("remove") && item.message_state !== "removed" && !message.refused ? [{ act: "remove" }] : [];
}

/** Spans that touch, as one. @param {number[][]} spans */
function merged(spans) {
  /** @type {number[][]} */
  const all = [];
  for (const [start, end] of spans.sort(([a], [b]) => a - b)) {
    const last = all.at(-1);
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else all.push([start, end]);
  }
  return all;
}
