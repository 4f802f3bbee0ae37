/**
 * The scrolling part: rows drawn once and touched only when they change. What a person reads never moves; only somebody who
 * is at the end follows it.
 * @module
 */

import { button, h, icon, iconButton, isEmojiOnly, isWeb, words } from "./dom.js";
import { rows } from "./rows.js";

/** @typedef {import("./rows").Row} Row */
/** @typedef {import("./rows").Bubble} Bubble */
/** @typedef {import("./outbox").Entry} Entry */
/** @typedef {import("./wire").MessageForm} MessageForm */
/** @typedef {import("./wire").Reason} Reason */

/**
 * @typedef {object} Model
 * @property {import("./fold").Log} log
 * @property {Entry[]} entries
 * @property {Map<string, string>} keys
 * @property {Map<string, string>} saving message id to the text that an edit is about to give it
 * @property {import("./i18n").Voice} voice
 * @property {boolean} online
 * @property {boolean} trouble loading is taking a while and nothing is here yet
 * @property {number} unreadFrom
 * @property {number} now
 *
 * @typedef {object} Actions
 * @property {() => Promise<void>} older
 * @property {(seq: number) => void} seen
 * @property {(message: MessageForm, anchor: HTMLElement) => void} menu
 * @property {(message: MessageForm) => void} reply
 * @property {(message: MessageForm, emoji: string, on: boolean) => void} react
 * @property {(decision: string) => void} appeal of a message, or of a refusal
 * @property {(entry: Entry) => void} insist
 * @property {(entry: Entry, text: string) => void} takeBack words return to the composer
 * @property {(entry: Entry) => void} discard
 * @property {() => void} escape
 */

const END_PX = 48; // this near the end counts as being there
const OLDER_PX = 600; // older messages are asked for before the top is reached
const LONG_PRESS_MS = 450;

export class LogView {
  /** @param {Actions} actions */
  constructor(actions) {
    this.actions = actions;
    this.list = h("div", { class: "rows" });
    this.top = h("div", { class: "top" });
    this.blank = h("div", { class: "blank", hidden: true });
    this.element = h("div", { class: "log", role: "log", "aria-live": "off", tabindex: "0" }, this.top, this.list, this.blank);
    this.jump = h("button", { type: "button", class: "jump", hidden: true, onclick: () => this.toEnd() });
    /** @type {Map<string, {row: Row, stamp: string, element: HTMLElement}>} */
    this.drawn = new Map();
    /** @type {HTMLElement | null} */
    this.stop = null;
    /** @type {Set<string>} Messages whose reasons are open. */
    this.open = new Set();
    this.atEnd = true;
    this.opened = false;
    this.scrollTop = 0;
    this.loadingOlder = false;
    this.failedOlder = false;
    /** @type {Model | null} */
    this.model = null;
    this.#listen();
  }

  /** @param {Model} model */
  render(model) {
    this.model = model;
    const anchor = this.atEnd ? null : this.#anchor();
    this.element.setAttribute("aria-label", model.voice.say("log"));
    this.#reconcile(rows(model.log, model.entries, model.keys, model.unreadFrom));
    this.#drawTop();
    this.#drawBlank();
    if (model.log.loaded && !this.opened) this.#openAt();
    else if (this.atEnd) this.toEnd(false);
    else if (anchor) this.#hold(anchor);
    this.#look();
  }

  /** Another conversation, or another reader. */
  reset() {
    this.drawn.clear();
    this.list.replaceChildren();
    this.open.clear();
    this.atEnd = true;
    this.opened = false;
    this.model = null;
  }

  /** Notices lie over the top of the log: the oldest message can still be scrolled out from under them. @param {number} height */
  reserve(height) {
    const before = parseFloat(this.element.style.paddingTop) || 0;
    if (before === height) return;
    this.element.style.paddingTop = `${height}px`;
    if (this.atEnd) this.toEnd(false);
    else this.element.scrollTop += height - before;
  }

  /** Go to the newest message. */
  toEnd(smooth = true) {
    this.atEnd = true;
    const still = !smooth || matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.element.scrollTo({ top: this.element.scrollHeight, behavior: still ? "instant" : "smooth" });
  }

  /** @param {string} key */
  focus(key) {
    const element = this.drawn.get(key)?.element;
    element?.scrollIntoView({ block: "nearest" });
    this.#focusRow(element);
  }

  /** Show a message that another one quotes. @param {string} id */
  show(id) {
    const element = this.drawn.get(this.model?.keys.get(id) ?? id)?.element;
    if (!element) return;
    this.atEnd = false;
    element.scrollIntoView({ block: "center" });
    this.#focusRow(element);
    element.classList.remove("shown");
    requestAnimationFrame(() => element.classList.add("shown"));
  }

  #listen() {
    const { element } = this;
    element.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    element.addEventListener("keydown", (event) => this.#key(event));
    element.addEventListener("focusin", (event) => this.#stop(/** @type {HTMLElement} */ (event.target).closest(".message")));
    // The composer grows, a keyboard opens, a hint appears: who is at the end stays there.
    new ResizeObserver(() => {
      if (this.atEnd) this.toEnd(false);
      this.#look();
    }).observe(element);
    new ResizeObserver(() => this.atEnd && this.toEnd(false)).observe(this.list);

    let timer = 0;
    element.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "mouse") return;
      const bubble = /** @type {HTMLElement} */ (event.target).closest(".bubble");
      const message = this.#messageAt(bubble);
      if (!message) return;
      timer = setTimeout(() => this.actions.menu(message, /** @type {HTMLElement} */ (bubble)), LONG_PRESS_MS);
    });
    for (const end of ["pointerup", "pointercancel", "pointermove", "scroll"]) {
      element.addEventListener(end, (event) => {
        const moved = event instanceof PointerEvent && event.type === "pointermove" && Math.hypot(event.movementX, event.movementY) < 3;
        if (!moved) clearTimeout(timer);
      }, { passive: true });
    }
    element.addEventListener("contextmenu", (event) => {
      // A long press on touch opens our menu; the pointer's own menu stays a mouse's.
      if (/** @type {PointerEvent} */ (event).pointerType === "touch" && this.#messageAt(event.target)) event.preventDefault();
    });
  }

  #scrolled() {
    const { element } = this;
    const distance = element.scrollHeight - element.scrollTop - element.clientHeight;
    // Rows get their real height when they come into sight, the composer grows: that moves the end away, not the reader.
    const up = element.scrollTop < this.scrollTop - 1;
    this.scrollTop = element.scrollTop;
    if (this.atEnd && distance >= END_PX && !up) return this.toEnd(false);
    this.atEnd = distance < END_PX;
    this.#look();
    if (element.scrollTop < OLDER_PX) this.#older();
  }

  async #older() {
    const { model } = this;
    if (!model?.log.loaded || !model.log.more || this.loadingOlder || !model.online) return;
    this.loadingOlder = true;
    this.failedOlder = false;
    this.#drawTop();
    try {
      await this.actions.older();
    } catch {
      this.failedOlder = true;
    }
    this.loadingOlder = false;
    this.#drawTop();
    if (!this.failedOlder && this.element.scrollTop < OLDER_PX) requestAnimationFrame(() => this.#older());
  }

  /** What is on the screen has been seen; the button to the end tells what has not. */
  #look() {
    const { element, model } = this;
    if (!model?.log.loaded) return;
    const edge = element.scrollTop + element.clientHeight + 8;
    let child = /** @type {HTMLElement | null} */ (this.list.lastElementChild);
    let seen = 0;
    let below = 0;
    for (; child; child = /** @type {HTMLElement | null} */ (child.previousElementSibling)) {
      const row = this.#rowOf(child);
      if (row?.kind !== "message" || !row.message) continue;
      if (child.offsetTop + Math.min(child.offsetHeight, 60) <= edge) {
        seen = row.message.seq;
        break;
      }
      if (!row.own && row.message.seq > model.log.read) below++;
    }
    if (seen) this.actions.seen(seen);
    this.jump.hidden = this.atEnd;
    const label = below ? model.voice.say("unread", { n: below }) : model.voice.say("bottom");
    if (this.jump.getAttribute("aria-label") !== label || this.jump.childElementCount === 0) {
      this.jump.setAttribute("aria-label", label);
      this.jump.replaceChildren(icon("down"), below ? h("span", { class: "count" }, String(below)) : "");
    }
  }

  /** Open where the unread messages begin, or at the end when they fit. */
  #openAt() {
    this.opened = true;
    this.toEnd(false);
    const mark = this.drawn.get("unread")?.element;
    if (mark && mark.offsetTop < this.element.scrollTop) {
      this.element.scrollTop = mark.offsetTop - 8;
      this.atEnd = false;
    }
  }

  /** The topmost row in sight, and where it is. */
  #anchor() {
    const { scrollTop } = this.element;
    const children = /** @type {HTMLCollectionOf<HTMLElement>} */ (this.list.children);
    let [low, high] = [0, children.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (children[middle].offsetTop + children[middle].offsetHeight <= scrollTop) low = middle + 1;
      else high = middle;
    }
    const element = children[low];
    return element ? { element, offset: element.offsetTop - scrollTop } : null;
  }

  /** @param {{element: HTMLElement, offset: number}} anchor */
  #hold({ element, offset }) {
    if (!element.isConnected) return;
    const top = element.offsetTop - offset;
    if (Math.abs(top - this.element.scrollTop) >= 1) this.element.scrollTop = top;
  }

  /** @param {Row[]} wanted */
  #reconcile(wanted) {
    const keys = new Set(wanted.map((row) => row.key));
    for (const [key, { element }] of this.drawn) {
      if (keys.has(key)) continue;
      element.remove();
      this.drawn.delete(key);
    }
    /** @type {Element | null} */
    let place = this.list.firstElementChild;
    for (const row of wanted) {
      const stamp = this.#stamp(row);
      let drawn = this.drawn.get(row.key);
      if (!drawn) {
        drawn = { row, stamp, element: this.#draw(row) };
        this.drawn.set(row.key, drawn);
      } else if (drawn.stamp !== stamp) {
        const element = this.#draw(row);
        const focused = drawn.element.matches(":focus-within");
        if (drawn.element === this.stop) {
          element.tabIndex = 0;
          this.stop = element;
        }
        if (place === drawn.element) place = element;
        drawn.element.replaceWith(element);
        Object.assign(drawn, { row, stamp, element });
        if (focused) element.focus({ preventScroll: true });
      } else drawn.row = row;
      drawn.element.dataset.key = row.key;
      if (drawn.element === place) place = place.nextElementSibling;
      else this.list.insertBefore(drawn.element, place);
    }
    // The Tab key enters at the newest message; once inside, the place is the reader's.
    if (!this.list.matches(":focus-within")) {
      let last = this.list.lastElementChild;
      while (last && !last.matches(".message")) last = last.previousElementSibling;
      this.#stop(last);
    }
  }

  /** All that a row shows, in short: the row is drawn again when this differs. @param {Row} row */
  #stamp(row) {
    const { voice, log, saving, now } = /** @type {Model} */ (this.model);
    const base = `${voice.lang}|${voice.brand}`;
    switch (row.kind) {
      case "day":
        return `${base}|${new Date(now).toDateString()}`;
      case "unread":
        return base;
      case "note":
        return `${base}|${row.notes.map((note) => this.#noteText(note, row.says))}`;
      case "message": {
        const { message, entry } = row;
        const quoted = log.messages.get(message?.reply_to || entry?.reply_to || "");
        return [
          base, row.first, row.last, message?.version, message && saving.get(message.id), entry?.state, entry?.code,
          row.newest && this.#progress(row), this.open.has(row.key), quoted?.version, log.people.get(row.author)?.name,
          entry && !this.model?.online,
        ].join("|");
      }
    }
  }

  /** @param {Row} row @returns {HTMLElement} */
  #draw(row) {
    const { voice, now } = /** @type {Model} */ (this.model);
    switch (row.kind) {
      case "day":
        return h("div", { class: "day" }, h("span", {}, voice.day(row.at, now)));
      case "unread":
        return h("div", { class: "unread", role: "separator", "aria-label": voice.say("unread.mark") }, h("span", {}, voice.say("unread.mark")));
      case "note": {
        const names = row.notes.map((note) => (note.type === "joined" ? note.member.name : ""));
        const text = row.notes.length > 1 ? voice.say("note.joined", { n: names.length, names: voice.join(names) }) : this.#noteText(row.notes[0], row.says);
        return h("div", { class: "note" }, h("span", { dir: "auto" }, text));
      }
      case "message":
        return this.#drawMessage(row);
    }
  }

  /** @param {import("./fold").Note} note @param {string} says */
  #noteText(note, says) {
    const { voice } = /** @type {Model} */ (this.model);
    switch (note.type) {
      case "joined":
        if (note.member.role === "agent") return voice.say("note.agent", { name: note.member.name });
        return voice.say("note.joined", { n: 1, names: note.member.name });
      case "left": {
        const name = this.#name(note.participant);
        if (this.model?.log.people.get(note.participant)?.role === "agent") return voice.say("note.agent.left", { name });
        return voice.say(note.by ? "note.removed" : "note.left", { name });
      }
      case "setting":
        return says === "title" ? note.title : voice.say(`stage.${note.stage}`);
      case "invitation":
        return voice.say(`note.${note.invitation.state}`, { name: this.#name(note.invitation.by) });
    }
  }

  /** @param {Bubble} row */
  #drawMessage(row) {
    const { voice, saving, log } = /** @type {Model} */ (this.model);
    const { message, entry, own } = row;
    const removed = message?.state === "removed";
    const text = (message && saving.get(message.id)) ?? message?.text ?? entry?.text ?? "";
    const person = log.people.get(row.author);
    const role = person?.role ?? message?.role ?? "buyer";
    const state = entry?.state ?? message?.state ?? "visible";
    const by = own ? voice.say("you") : this.#name(row.author);

    const bubble = h(
      "div",
      { class: "bubble", "data-state": state },
      this.#quote(message?.reply_to || entry?.reply_to || ""),
      removed
        ? h("p", { class: "text removed" }, icon("hidden"), voice.say("state.removed"))
        : h("p", { class: isEmojiOnly(text) ? "text large" : "text", dir: "auto" }, words(text, voice.say("covered"))),
      removed ? null : this.#attachments(message?.attachments ?? entry?.attachments ?? []),
    );
    const edited = message?.edited_at && !removed ? h("span", { class: "edited" }, voice.say("state.edited")) : null;
    return h(
      "div",
      {
        class: ["message", own ? "own" : "other", role, row.first && "first", row.last && "last"].filter(Boolean).join(" "),
        role: "article",
        tabindex: "-1",
        "data-id": message?.id,
      },
      own ? null : row.first ? avatar(by, role) : h("span", { class: "avatar gap" }),
      h(
        "div",
        { class: "body" },
        row.first && !own
          ? h("div", { class: "by" }, h("bdi", { class: "name" }, by), h("span", { class: "role" }, icon(role), voice.say(`role.${role}`)))
          : h("span", { class: "aside" }, `${by}: `),
        h("div", { class: "line" }, bubble, message && !removed ? this.#tools(row, message) : null),
        removed ? null : this.#reactions(message),
        edited,
        removed ? null : this.#status(row),
        h("time", { class: "aside", datetime: new Date(row.at).toISOString() }, voice.clock.format(row.at)),
      ),
    );
  }

  /** @param {Bubble} row @param {MessageForm} message */
  #tools(row, message) {
    const { voice } = /** @type {Model} */ (this.model);
    const label = voice.say("menu");
    return h(
      "div",
      { class: "tools" },
      h(
        "div",
        { class: "tool" },
        // One stop for the keyboard: the menu holds everything, Enter on the message opens it.
        iconButton("reply", voice.say("reply"), { tabindex: "-1", onclick: () => this.actions.reply(message) }),
        iconButton("more", label, {
          class: "open-menu",
          tabindex: "-1",
          "aria-haspopup": "menu",
          onclick: (/** @type {Event} */ event) => this.actions.menu(message, /** @type {HTMLElement} */ (event.currentTarget)),
        }),
      ),
      h("time", { "aria-hidden": "true", title: voice.moment.format(row.at) }, voice.clock.format(row.at)),
    );
  }

  /** @param {string} id */
  #quote(id) {
    if (!id) return null;
    const { log, voice } = /** @type {Model} */ (this.model);
    const quoted = log.messages.get(id);
    const text = !quoted ? voice.say("reply.gone") : quoted.state === "removed" ? voice.say("state.removed") : quoted.text;
    return h(
      "button",
      { type: "button", class: "quote", tabindex: "-1", onclick: () => this.show(id) },
      quoted ? h("bdi", { class: "name" }, quoted.author === log.me ? voice.say("you") : this.#name(quoted.author)) : null,
      h("span", { dir: "auto" }, words(text.slice(0, 200), voice.say("covered")).map((part) => (part instanceof HTMLAnchorElement ? part.textContent : part))),
    );
  }

  /** @param {import("./wire").Attachment[]} attachments */
  #attachments(attachments) {
    const { voice } = /** @type {Model} */ (this.model);
    const safe = attachments.filter(({ url }) => isWeb(url));
    if (!safe.length) return null;
    return h(
      "ul",
      { class: "attachments" },
      safe.map(({ url, name, size }) =>
        h(
          "li",
          {},
          h(
            "a",
            { href: url, target: "_blank", rel: "noopener noreferrer nofollow ugc", tabindex: "-1" },
            icon("file"),
            h("span", { class: "aside" }, `${voice.say("attachment")} `),
            h("bdi", { class: "name" }, name),
            size ? h("span", { class: "size" }, bytes(size, voice.lang)) : null,
          ),
        ),
      ),
    );
  }

  /** @param {MessageForm | undefined} message */
  #reactions(message) {
    const { log, voice } = /** @type {Model} */ (this.model);
    const given = Object.entries(message?.reactions ?? {}).filter(([, by]) => by.length);
    if (!message || !given.length) return null;
    return h(
      "div",
      { class: "reactions" },
      given.map(([emoji, by]) => {
        const mine = by.includes(log.me);
        const names = voice.join(by.map((id) => (id === log.me ? voice.say("you") : this.#name(id))));
        return h(
          "button",
          {
            type: "button",
            tabindex: "-1",
            "aria-pressed": String(mine),
            "aria-label": voice.say("react.by", { emoji: by.length > 1 ? `${emoji} ${by.length}` : emoji, names }),
            title: names,
            onclick: () => this.actions.react(message, emoji, !mine),
          },
          emoji,
          by.length > 1 ? h("span", {}, String(by.length)) : null,
        );
      }),
    );
  }

  /**
   * What has become of one's own message: an icon and words, and what can be done.
   * @param {Bubble} row
   */
  #status(row) {
    if (!row.own) return null;
    const { voice, saving, online } = /** @type {Model} */ (this.model);
    const { message, entry } = row;
    if (entry?.state === "refused") return this.#refused(entry);
    if (entry?.state === "advised") return this.#advised(entry);
    if (entry && entry.state !== "sent") {
      return online ? line("clock", voice.say("state.sending")) : line("offline", voice.say("state.waiting"), "offline");
    }
    if (message && saving.has(message.id)) return line("clock", voice.say("state.saving"));
    const reasons = message?.reasons ?? entry?.reasons ?? [];
    const verdict = message?.state === "held" ? "hold" : entry?.verdict ?? "";
    if (verdict === "hold") return line("clock", voice.say("state.held"), "held", this.#why(row, reasons));
    if (message?.state === "masked" || verdict === "mask" || (message && reasons.length)) {
      const oneWord = reasons.length > 0 && reasons.every((reason) => reason.category === "profanity");
      return line("hidden", voice.say(oneWord ? "state.masked.word" : "state.masked"), "masked", this.#why(row, reasons));
    }
    if (!row.newest) return null;
    const { state, readers, of } = this.#progressOf(row);
    const text = state !== "read" || of < 2 ? voice.say(`state.${state}`) : voice.say("state.read.of", { n: readers.length, of });
    return line(state === "read" ? "eye" : state === "delivered" ? "checks" : "check", text);
  }

  /** @param {Bubble} row */
  #progressOf(row) {
    const { log } = /** @type {Model} */ (this.model);
    return log.progress(row.message?.seq ?? Infinity);
  }

  /** @param {Bubble} row */
  #progress(row) {
    const { state, readers, of } = this.#progressOf(row);
    return `${state}${readers.length}/${of}`;
  }

  /**
   * @param {Bubble} row
   * @param {Reason[]} reasons
   */
  #why(row, reasons) {
    if (!reasons.length) return null;
    const { voice } = /** @type {Model} */ (this.model);
    const open = this.open.has(row.key);
    const toggle = button(voice.say(open ? "why.hide" : "why"), {
      class: "link",
      "aria-expanded": String(open),
      onclick: () => {
        if (!this.open.delete(row.key)) this.open.add(row.key);
        if (this.model) this.render(this.model);
      },
    });
    if (!open) return [" ", toggle];
    const { message } = row;
    const appeal = message && reasons.some((reason) => reason.action === "appeal");
    return [
      " ",
      toggle,
      h("span", { class: "reasons" }, ...unique(reasons).map((text) => h("span", { dir: "auto" }, text))),
      appeal ? button(voice.say("appeal"), { class: "link", onclick: () => this.actions.appeal(message.id) }) : null,
    ];
  }

  /** @param {Entry} entry */
  #refused(entry) {
    const { voice } = /** @type {Model} */ (this.model);
    const known = `problem.${entry.code}`;
    const why = unique(entry.reasons);
    if (!why.length) why.push(voice.knows(known) ? voice.say(known) : entry.problem || voice.say("problem.unknown"));
    const { decision } = entry;
    const appeal = decision ? button(voice.say("appeal"), { onclick: () => this.actions.appeal(decision) }) : undefined;
    return h(
      "div",
      { class: "status refused" },
      icon("stop"),
      h("div", {}, h("strong", {}, voice.say("state.refused")), " ", h("span", { dir: "auto" }, why.join(" ")), this.#choices(entry, appeal)),
    );
  }

  /** @param {Entry} entry */
  #advised(entry) {
    const { voice } = /** @type {Model} */ (this.model);
    return h(
      "div",
      { class: "status advised" },
      icon("advice"),
      h(
        "div",
        {},
        h("strong", {}, voice.say("state.advised")),
        " ",
        h("span", { dir: "auto" }, unique(entry.reasons).join(" ")),
        entry.rewrites.length
          ? h("div", { class: "rewrites" }, voice.say("rewrite"), ...entry.rewrites.map((text) => button(text, { dir: "auto", onclick: () => this.actions.takeBack(entry, text) })))
          : null,
        this.#choices(entry, button(voice.say("send.anyway"), { onclick: () => this.actions.insist(entry) })),
      ),
    );
  }

  /** @param {Entry} entry @param {HTMLElement} [more] */
  #choices(entry, more) {
    const { voice } = /** @type {Model} */ (this.model);
    return h(
      "div",
      { class: "choices" },
      button(voice.say("edit"), { class: "strong", onclick: () => this.actions.takeBack(entry, entry.text) }),
      more,
      button(voice.say("discard"), { onclick: () => this.actions.discard(entry) }),
    );
  }

  #drawTop() {
    const { log, voice } = /** @type {Model} */ (this.model);
    const state = !log.loaded || !log.items.length ? "" : this.failedOlder ? "failed" : this.loadingOlder ? "loading" : log.more ? "more" : "start";
    const stamp = `${state}|${voice.lang}`;
    if (this.top.dataset.stamp === stamp) return;
    this.top.dataset.stamp = stamp;
    /** @type {(Node | string)[]} */
    let content = [];
    if (state === "failed") content = [voice.say("older.failed"), " ", button(voice.say("retry"), { class: "link", onclick: () => this.#older() })];
    if (state === "loading") content = [voice.say("older")];
    if (state === "start") content = [voice.say("start")];
    this.top.replaceChildren(...content);
  }

  #drawBlank() {
    const { log, voice, trouble, entries } = /** @type {Model} */ (this.model);
    const state = log.loaded ? (log.items.length || entries.length ? "" : "empty") : trouble ? "loading" : "";
    this.blank.hidden = !state;
    const stamp = `${state}|${voice.lang}`;
    if (!state || this.blank.dataset.stamp === stamp) return;
    this.blank.dataset.stamp = stamp;
    if (state === "empty") this.blank.replaceChildren(icon("smile"), h("p", {}, voice.say("empty")));
    else this.blank.replaceChildren(h("p", { class: "aside" }, voice.say("loading")), ...[1, 2, 3, 4].map(() => h("div", { class: "bone" })));
  }

  /** @param {string} id */
  #name(id) {
    const { log, voice } = /** @type {Model} */ (this.model);
    return log.people.get(id)?.name ?? voice.say("someone");
  }

  /** @param {Element} element @returns {Row | undefined} */
  #rowOf(element) {
    return this.drawn.get(/** @type {HTMLElement} */ (element).dataset.key ?? "")?.row;
  }

  /** @param {EventTarget | null} target @returns {MessageForm | undefined} */
  #messageAt(target) {
    const element = /** @type {Element | null} */ (target)?.closest(".message");
    const row = element && this.#rowOf(element);
    return row && row.kind === "message" && row.message?.state !== "removed" ? row.message : undefined;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    const row = target.closest(".message");
    if (event.key === "Escape") return this.actions.escape();
    if (!row || target !== row) {
      // From a button within a message, Escape above leaves; arrows belong to the messages.
      return;
    }
    const all = /** @type {HTMLElement[]} */ ([...this.list.querySelectorAll(".message")]);
    const at = all.indexOf(/** @type {HTMLElement} */ (row));
    const to = { ArrowUp: at - 1, ArrowDown: at + 1, PageUp: Math.max(0, at - 10), PageDown: Math.min(all.length - 1, at + 10), Home: 0, End: all.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      if (all[to]) this.#focusRow(all[to]);
      else if (event.key === "ArrowDown") this.actions.escape();
      return;
    }
    const message = this.#messageAt(row);
    if (!message) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.actions.menu(message, row.querySelector(".bubble") ?? target);
    }
    if (event.key === "r" && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      this.actions.reply(message);
    }
  }

  /** @param {HTMLElement | undefined} element */
  #focusRow(element) {
    if (!element) return;
    this.#stop(element);
    element.focus({ preventScroll: true });
    element.scrollIntoView({ block: "nearest" });
  }

  /** The one message that the Tab key reaches, and the buttons within it. @param {Element | null} element */
  #stop(element) {
    if (!element || element === this.stop) return;
    if (this.stop) this.stop.tabIndex = -1;
    this.stop = /** @type {HTMLElement} */ (element);
    this.stop.tabIndex = 0;
  }
}

/**
 * @param {import("./dom").IconName} name
 * @param {string} text
 * @param {string} kind
 * @param {any} more
 */
function line(name, text, kind = "", more = null) {
  return h("div", { class: `status ${kind}` }, icon(name), h("div", {}, text, more));
}

/** @param {Reason[]} reasons */
function unique(reasons) {
  return [...new Set(reasons.map((reason) => reason.message).filter(Boolean))];
}

/**
 * @param {string} name
 * @param {string} role
 */
export function avatar(name, role) {
  const initials = name.split(/\s+/).map((word) => [...word][0] ?? "").slice(0, 2).join("").toLocaleUpperCase();
  return h("span", { class: `avatar ${role}`, "aria-hidden": "true" }, initials);
}

/**
 * @param {number} size
 * @param {string} lang
 */
function bytes(size, lang) {
  const [value, unit] = size < 1024 ** 2 ? [size / 1024, "kilobyte"] : [size / 1024 ** 2, "megabyte"];
  return new Intl.NumberFormat(lang, { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: value < 10 ? 1 : 0 }).format(value);
}
