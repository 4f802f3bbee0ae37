/**
 * `<tertulia-chat>`: a hosted group chat as one element. No build, no dependencies; see docs/widget.md.
 * @module
 */

import { Composer } from "./chat/composer.js";
import { Connection, Interrupted } from "./chat/connection.js";
import { h } from "./chat/dom.js";
import { Log } from "./chat/fold.js";
import { Header, Notices } from "./chat/frame.js";
import { nearest, Voice, wordsOf } from "./chat/i18n.js";
import { LogView } from "./chat/log_view.js";
import { messageMenu, Overlay } from "./chat/menu.js";
import { Outbox, ownerOf, storage } from "./chat/outbox.js";
import { STYLES } from "./chat/styles.js";
import { TOKENS } from "./chat/tokens.js";

/** @typedef {import("./chat/wire").MessageForm} MessageForm */
/** @typedef {import("./chat/wire").Attachment} Attachment */
/** @typedef {import("./chat/outbox").Entry} Entry */

const TEXT_CHARACTERS = 4_000; // until `welcome` tells the server's limit
const HISTORY_PAGE = 50;
const TYPING_EVERY_MS = 3_000;
const TYPING_LASTS_MS = 6_000;
const READ_AFTER_MS = 300;
const ANNOUNCE_AFTER_MS = 1_000;
const SKELETON_AFTER_MS = 300;
const OFFLINE_AFTER_MS = 1_200; // a blink of the network is nobody's business
const TOAST_MS = 4_000;
const MINUTE_MS = 60_000;
const RETRY_MS = 3_000;

const sheet = new CSSStyleSheet();
sheet.replaceSync(TOKENS + STYLES);
const store = storage();

export class TertuliaChat extends HTMLElement {
  static observedAttributes = ["server", "conversation", "lang", "token", "brand"];

  /** @type {string} */
  #token = "";
  /** @type {(() => Promise<string>) | undefined} Asked for a token when there is none, or the one there is has expired. */
  #getToken;
  /** @type {(() => Promise<Attachment | null>) | undefined} The host's own way to bring a file; with it a clip appears. */
  #attach;

  /** @type {Connection | null} */
  #connection = null;
  #log = new Log("");
  /** @type {Outbox | null} */
  #outbox = null;
  #scope = "";
  #role = "";
  /** Whether words are suggested: "on", "off" by the reader's choice, "none" where there are none. */
  #offers = "none";
  #answering = ""; // the message that the suggestions on the screen answer
  #limit = TEXT_CHARACTERS;
  #voice = new Voice("en", {});
  #lang = "";
  #code = 0;
  #offline = false;
  #forbidden = false;
  #trouble = false;
  #ready = false;
  #repairing = false;
  #onScreen = true;
  #unreadFrom = -1;
  #unread = 0;
  #sentRead = 0;
  #sentTyping = 0;
  #pausedUntil = 0;
  #drafted = "";
  /** @type {Map<string, string>} */
  #keys = new Map();
  /** @type {Map<string, string>} */
  #saving = new Map();
  /** @type {Map<string, number>} */
  #typing = new Map();
  /** @type {Map<string, import("./chat/wire").Notice>} What the staff has told, until it is read. */
  #told = new Map();
  /** @type {string[]} */
  #unspoken = [];
  /** @type {Record<string, number>} One timer a purpose. */
  #timers = {};
  #frame = 0;
  #restarting = false;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    const frameActions = {
      people: () => this.#openPeople(),
      invite: () => this.invite(),
      leave: () => this.#openLeave(),
      again: () => this.#connection?.again(),
      withdraw: () => this.#command({ type: "withdraw", invitation: this.#log.invitation?.id }),
      consent: (/** @type {boolean} */ share) => this.#consent(share),
      rate: (/** @type {number} */ score) => this.#openRate(score),
      rateLater: () => this.#rated(),
      noted: (/** @type {string} */ notice) => this.#noted(notice),
    };
    this.header = new Header(frameActions);
    this.notices = new Notices(frameActions);
    this.view = new LogView({
      older: () => this.#older(),
      seen: (seq) => this.#seen(seq),
      menu: (message, anchor) => this.#openMenu(message, anchor),
      reply: (message) => this.#reply(message),
      react: (message, emoji, on) => this.#command({ type: "react", ...this.#here, message: message.id, emoji, on }),
      appeal: (decision) => this.#command({ type: "appeal", decision }, "appeal.done"),
      insist: (entry) => this.#insist(entry),
      takeBack: (entry, text) => this.#takeBack(entry, text),
      discard: (entry) => this.#discard(entry),
      escape: () => this.composer.focus(),
    });
    this.composer = new Composer(
      this.#voice,
      {
        send: (words) => this.#send(words),
        saveEdit: (id, text) => this.#saveEdit(id, text),
        typing: () => this.#tellTyping(),
        draft: (text) => this.#keepDraft(text),
        pause: (text) => this.#judgeDraft(text),
        invite: () => this.invite(),
        suggestionsOff: () => this.#suggestions(false),
        dismissed: () => this.#connection?.tell({ type: "dismiss", ...this.#here, message: this.#answering }),
        editLast: () => this.#editLast(),
        attach: async () => (await this.#attach?.()) ?? null,
      },
      this.#limit,
    );
    this.typingLine = h("p", { class: "typing" });
    this.toast = h("div", { class: "toast", role: "status" });
    this.speaker = h("div", { class: "aside", "aria-live": "polite" });
    const middle = h("div", { class: "middle" }, this.view.element, this.notices.element, this.view.jump, this.toast);
    this.chat = h("div", { class: "chat" }, this.header.element, middle, this.typingLine, this.composer.lane, this.composer.element);
    this.overlay = new Overlay(this.chat);
    root.append(this.chat, this.overlay.element, this.speaker);
    new ResizeObserver(() => this.view.reserve(this.notices.element.offsetHeight)).observe(this.notices.element);
    new IntersectionObserver(([entry]) => {
      this.#onScreen = entry.isIntersecting;
      this.#render();
    }).observe(this);
  }

  connectedCallback() {
    this.#upgrade();

    document.addEventListener("visibilitychange", this.#render);
    addEventListener("storage", this.#stored);
    this.#timers.minute = setInterval(this.#render, MINUTE_MS);
    this.#speak().then(() => this.#restart());
  }

  disconnectedCallback() {
    document.removeEventListener("visibilitychange", this.#render);
    removeEventListener("storage", this.#stored);
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    this.#timers = {};
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#connection?.close();
    this.#connection = null;
  }

  /**
   * @param {string} name
   * @param {string | null} before
   * @param {string | null} now
   */
  attributeChangedCallback(name, before, now) {
    if (before === now) return;
    if (name === "token") this.token = now ?? "";
    else if (!this.isConnected) return;
    else if (name === "lang" || name === "brand") this.#speak();
    else this.#restart();
  }

  /** The token that says who is reading. */
  get token() {
    return this.#token;
  }
  set token(token) {
    const before = ownerOf(this.#token);
    this.#token = token;
    if (!this.isConnected || !token) return;
    if (!this.#connection || before !== ownerOf(token)) this.#restart();
    else if (this.#connection.state === "stopped") this.#connection.again();
  }

  get getToken() {
    return this.#getToken;
  }
  set getToken(getToken) {
    this.#getToken = getToken;
    if (this.isConnected && !this.#connection) this.#restart();
  }

  get attach() {
    return this.#attach;
  }
  set attach(attach) {
    this.#attach = attach;
    this.composer.offerFiles(Boolean(attach));
  }

  /** Messages of others that have not been seen. */
  get unread() {
    return this.#unread;
  }

  /** @param {FocusOptions} [_options] */
  focus(_options) {
    this.composer.focus();
  }

  /** Open the dialog that invites the brand. */
  invite() {
    return this.#dialog(({ inviteDialog }, close) =>
      inviteDialog(this.#voice, close, (topic, note, share) => {
        close();
        this.#command({ type: "invite", ...this.#here, topic, note, scopes: share ? ["messages"] : [] });
      }),
    );
  }

  /** What the page has set before this module was loaded hides our accessors; it is set again through them. */
  #upgrade() {
    for (const name of /** @type {const} */ (["token", "getToken", "attach"])) {
      if (!Object.hasOwn(this, name)) continue;
      const value = /** @type {any} */ (this[name]);
      delete (/** @type {any} */ (this)[name]);
      /** @type {any} */ (this)[name] = value;
    }
  }

  // ------------------------------------------------------------------------------------------------ connecting

  async #speak() {
    const lang = nearest(this.getAttribute("lang"), this.parentElement?.closest("[lang]")?.getAttribute("lang"), ...navigator.languages);
    this.#lang = lang;
    const words = await wordsOf(lang);
    if (this.#lang !== lang) return; // told to speak another one meanwhile
    this.#voice = new Voice(lang, words, this.getAttribute("brand") ?? "");
    this.chat.lang = this.overlay.element.lang = lang;
    this.composer.speak(this.#voice);
    this.#render();
  }

  /** Start afresh; several changes of one moment count as one. */
  #restart() {
    if (this.#restarting) return;
    this.#restarting = true;
    queueMicrotask(async () => {
      this.#restarting = false;
      if (!this.isConnected) return;
      this.#connection?.close();
      this.#connection = null;
      this.#reset();
      if (!this.#token && this.getToken) {
        try {
          this.#token = await this.getToken();
        } catch {
          this.#timers.token = setTimeout(() => this.#restart(), RETRY_MS);
        }
      }
      if (!this.#token || !this.isConnected || this.#connection) return;
      this.#open();
    });
  }

  #reset() {
    this.overlay.close();
    this.#log = new Log(this.getAttribute("conversation") ?? "");
    this.#outbox = null;
    this.#scope = "";
    this.#role = "";
    this.#forbidden = this.#ready = this.#repairing = this.#trouble = this.#offline = false;
    this.#unreadFrom = -1;
    this.#sentRead = 0;
    this.#keys.clear();
    this.#saving.clear();
    this.#typing.clear();
    this.view.reset();
    this.composer.suggest([]);
  }

  #open() {
    const server = this.getAttribute("server") || location.origin;
    const owner = ownerOf(this.#token);
    // With the owner known, words that wait are shown before the server can be reached.
    if (owner && this.#log.conversation) this.#belongTo(owner);
    const refresh = async () => {
      const token = await this.getToken?.();
      if (!token) throw new Error("no token");
      return (this.#token = token);
    };
    const connection = new Connection(new URL(server, location.href).href, {
      token: () => this.#token,
      refresh: this.getToken ? refresh : undefined,
      resume: () => (this.#log.loaded ? [{ conversation: this.#log.conversation, after: this.#log.last, epoch: this.#log.epoch }] : []),
      event: (event) => this.#receive(event),
      state: (state, code) => this.#stateChanged(state, code),
    });
    this.#connection = connection;
    this.#timers.skeleton = setTimeout(() => {
      this.#trouble = true;
      this.#render();
    }, SKELETON_AFTER_MS);
    connection.open();
  }

  /** @param {string} owner */
  #belongTo(owner) {
    const scope = `${new URL(this.getAttribute("server") || location.origin, location.href).origin}:${owner}:${this.#log.conversation}`;
    if (scope === this.#scope) return;
    this.#scope = scope;
    this.#outbox = new Outbox(store, scope, newId, Date.now);
    this.composer.fill(store.getItem(`tertulia:draft:${scope}`) ?? "");
  }

  /** @param {import("./chat/connection").State} state @param {number} code */
  #stateChanged(state, code) {
    this.#code = code;
    if (state === "online") {
      clearTimeout(this.#timers.offline);
      this.#timers.offline = 0;
      this.#offline = false;
    } else {
      this.#ready = this.#repairing = false;
      this.#outbox?.interrupted();
      this.#timers.offline ||= setTimeout(() => {
        this.#offline = true;
        this.#render();
      }, navigator.onLine ? OFFLINE_AFTER_MS : 0);
    }
    this.#emit("state", { state: state === "waiting" ? "offline" : state, code });
    this.#render();
  }

  // -------------------------------------------------------------------------------------------------- receiving

  /** @param {import("./chat/wire").Event} event */
  #receive(event) {
    if (event.type === "welcome") return this.#welcome(event);
    if (event.type === "conversation") return this.#opened(event.conversation);
    if (event.type === "notice") return this.#tell(event);
    if (!("conversation" in event) || event.conversation !== this.#log.conversation) return;
    switch (event.type) {
      case "posted":
      case "changed":
      case "hidden":
      case "joined":
      case "left":
      case "setting":
      case "invitation":
        this.#fold(event);
        break;
      case "resumed":
        this.#repairing = false;
        for (const missed of event.events ?? []) this.#mark(missed);
        this.#repair(this.#log.resumed(event));
        this.#becomeReady();
        break;
      case "reset":
        this.#repairing = false;
        if (this.#forbidden) break;
        this.#log.reset(event);
        this.#load();
        break;
      case "receipt":
        this.#log.receipt(event.participant, event.seq);
        break;
      case "presence":
        this.#log.presence(event.participant, event.online);
        break;
      case "typing":
        this.#heardTyping(event.participant);
        break;
      case "suggested":
        this.#suggested(event);
    }
    this.#render();
  }

  /** @param {import("./chat/wire").Notice} notice */
  #tell(notice) {
    if (notice.withdrawn) this.#told.delete(notice.id);
    else this.#told.set(notice.id, notice);
    this.#render();
  }

  /** @param {string} notice */
  async #noted(notice) {
    // One that could not be said to be read is shown again at the next arrival.
    this.#told.delete(notice);
    this.#render();
    await this.#ask({ type: "acknowledge", notice });
  }

  /** @param {import("./chat/wire").Welcome} welcome */
  #welcome(welcome) {
    const view = welcome.conversations.find(({ id }) => !this.#log.conversation || id === this.#log.conversation);
    this.#role = welcome.role;
    this.#log.me = welcome.participant;
    this.composer.limit = welcome.limits.text_characters;
    this.#offers = welcome.suggestions ?? "on";
    this.composer.offer(this.#offers === "on");
    this.#forbidden = !view;
    if (view) this.#enter(view);
    this.#render();
  }

  /**
   * The reader has become part of a conversation, perhaps again: what they may see of it has changed.
   * @param {import("./chat/wire").ConversationView} view
   */
  #opened(view) {
    if (this.#log.conversation && view.id !== this.#log.conversation) return;
    if (this.#log.loaded) this.#log.reset({ epoch: view.epoch });
    this.#forbidden = false;
    this.#enter(view);
    this.#render();
  }

  /** @param {import("./chat/wire").ConversationView} view */
  #enter(view) {
    const me = this.#log.me;
    this.#log.conversation = view.id;
    this.#log.begin(view, me);
    this.#sentRead = Math.max(this.#sentRead, view.read);
    this.#belongTo(ownerOf(this.#token) || me);
    this.#emit("ready", { participant: me, role: this.#role, conversation: view.id });
    // A log that is loaded is resumed by the server's answer to `hello`.
    if (!this.#log.loaded) this.#load();
  }

  async #load() {
    const connection = this.#connection;
    const log = this.#log;
    try {
      const answer = await connection?.ask({ type: "history", conversation: log.conversation, limit: HISTORY_PAGE });
      if (log !== this.#log || log.loaded || !answer) return;
      if (answer.type !== "history") {
        const wait = answer.type === "refused" && answer.retry_after ? answer.retry_after : RETRY_MS;
        this.#timers.load = setTimeout(() => this.#load(), wait);
        return;
      }
      const outcome = log.page(answer);
      clearTimeout(this.#timers.skeleton);
      if (log.unread()) this.#unreadFrom = log.read;
      this.#repair(outcome);
      this.#becomeReady();
      this.#render();
    } catch (problem) {
      if (!(problem instanceof Interrupted)) throw problem; // the next welcome loads again
    }
  }

  async #older() {
    const log = this.#log;
    const answer = await this.#connection?.ask({ type: "history", conversation: log.conversation, before: log.first, limit: HISTORY_PAGE });
    if (answer?.type !== "history") throw new Error("no history");
    if (log !== this.#log || !log.loaded) return;
    log.page(answer);
    this.#draw();
  }

  /** @param {import("./chat/wire").LogEvent} event */
  #fold(event) {
    this.#mark(event);
    const outcome = this.#log.fold(event);
    this.#repair(outcome);
    // Words that answered what has been changed or taken back since are no answer any more.
    if (event.type === "changed" && event.id === this.#answering && event.change !== "reacted") this.composer.suggest([]);
    if (outcome === "ignored" || event.type !== "posted") return;
    this.#typing.delete(event.author);
    this.composer.suggest([]);
    this.#emit("message", { message: { ...event } });
    if (event.author !== this.#log.me) this.#announce(`${this.#name(event.author)}: ${event.text.replace(/█+/g, this.#voice.say("covered"))}`);
  }

  /**
   * Where the mark of new messages goes: before the first that arrives while nobody looks.
   * @param {import("./chat/wire").LogEvent} event
   */
  #mark(event) {
    if (event.type !== "posted" || event.author === this.#log.me || event.seq <= this.#log.last) return;
    if (this.#watching() && this.view.atEnd) return;
    if (this.#unreadFrom < 0 || this.#log.unread() === 0) this.#unreadFrom = this.#log.last;
  }

  /** @param {import("./chat/fold").Outcome} outcome */
  #repair(outcome) {
    if (outcome !== "gap" || this.#repairing) return;
    this.#repairing = true;
    this.#connection?.tell({ type: "since", ...this.#here, after: this.#log.last, epoch: this.#log.epoch });
  }

  #becomeReady() {
    this.#ready = true;
    this.#flush();
  }

  /** @param {string} participant */
  #heardTyping(participant) {
    if (participant === this.#log.me) return;
    this.#typing.set(participant, Date.now() + TYPING_LASTS_MS);
    clearTimeout(this.#timers.typing);
    this.#timers.typing = setTimeout(this.#render, TYPING_LASTS_MS + 50);
  }

  /** Tell those who listen, all of a moment at once. @param {string} text */
  #announce(text) {
    this.#unspoken.push(text);
    this.#timers.announce ||= setTimeout(() => {
      this.#timers.announce = 0;
      const texts = this.#unspoken.splice(0);
      this.speaker.textContent = texts.length > 3 ? this.#voice.say("unread", { n: texts.length }) : texts.join(". ");
    }, ANNOUNCE_AFTER_MS);
  }

  // ---------------------------------------------------------------------------------------------------- sending

  /** @param {import("./chat/composer").Words} words */
  #send(words) {
    if (!this.#outbox) return;
    this.#outbox.add(words);
    this.#unreadFrom = -1;
    this.#sentTyping = 0;
    this.view.atEnd = true;
    this.#draw();
    this.#flush();
  }

  async #flush() {
    const outbox = this.#outbox;
    const connection = this.#connection;
    if (!this.#ready || !outbox || !connection || Date.now() < this.#pausedUntil) return;
    const entry = outbox.next();
    if (!entry) return;
    const answer = connection.ask(outbox.send(entry, this.#log.conversation));
    this.#render();
    try {
      const wait = outbox.answer(entry, await answer);
      this.#announceFate(entry);
      this.#render();
      if (!wait) return void this.#flush();
      this.#pausedUntil = Date.now() + wait;
      this.#timers.flush = setTimeout(() => this.#flush(), wait + 10);
    } catch (problem) {
      if (!(problem instanceof Interrupted)) throw problem;
      outbox.interrupted();
      this.#render();
    }
  }

  /** What became of one's own message is heard only where it needs its author. @param {Entry} entry */
  #announceFate(entry) {
    const fate = entry.state === "sent" ? { hold: "held", mask: "masked" }[entry.verdict] : entry.state;
    if (!fate || fate === "waiting") return;
    this.#announce([this.#voice.say(`state.${fate}`), ...entry.reasons.map((reason) => reason.message)].join(" "));
  }

  /** @param {Entry} entry */
  #insist(entry) {
    this.#outbox?.insist(entry);
    this.#render();
    this.#flush();
  }

  /** @param {Entry} entry @param {string} text */
  #takeBack(entry, text) {
    this.#outbox?.remove(entry.client_id);
    const quoted = this.#log.messages.get(entry.reply_to);
    if (quoted) this.#reply(quoted);
    this.composer.attachments = entry.attachments;
    this.composer.takeBack(text);
    this.#render();
  }

  /** @param {Entry} entry */
  #discard(entry) {
    this.#outbox?.remove(entry.client_id);
    this.composer.focus();
    this.#render();
  }

  /** @param {string} id @param {string} text */
  async #saveEdit(id, text) {
    if (this.#log.messages.get(id)?.text === text) return;
    this.#saving.set(id, text);
    this.#render();
    const answer = await this.#ask({ type: "edit", ...this.#here, message: id, text });
    this.#saving.delete(id);
    this.#render();
    if (answer?.type === "accepted") return;
    this.composer.edit(id, text);
    if (answer && "reasons" in answer) this.composer.advise(answer.reasons ?? [], "rewrites" in answer ? answer.rewrites ?? [] : []);
    if (!answer || !("reasons" in answer) || !answer.reasons?.length) this.#say(problemOf(answer, this.#voice));
  }

  #editLast() {
    const item = this.#log.items.findLast((each) => each.kind === "message" && each.message.author === this.#log.me && each.message.state !== "removed");
    if (item?.kind === "message") this.composer.edit(item.message.id, item.message.text);
  }

  #tellTyping() {
    const now = Date.now();
    if (now - this.#sentTyping < TYPING_EVERY_MS || this.composer.editing) return;
    this.#sentTyping = now;
    this.#connection?.tell({ type: "typing", ...this.#here });
  }

  /** @param {string} text */
  #keepDraft(text) {
    if (!this.#scope) return;
    if (text) store.setItem(`tertulia:draft:${this.#scope}`, text);
    else store.removeItem(`tertulia:draft:${this.#scope}`);
  }

  /** Ask what would become of words that are still being written. @param {string} text */
  async #judgeDraft(text) {
    if (!text || text === this.#drafted || !this.#ready || text.length > this.#limit) return;
    this.#drafted = text;
    const answer = await this.#ask({ type: "draft", ...this.#here, text });
    if (answer?.type === "advised" && this.composer.text.trim() === text) {
      this.composer.advise(answer.reasons ?? [], answer.rewrites ?? [], answer.advice === "nudge" ? text : "");
    }
  }

  /** @param {number} seq */
  #seen(seq) {
    if (!this.#watching() || seq <= this.#log.read) return;
    this.#log.read = seq;
    this.#timers.read ||= setTimeout(() => {
      this.#timers.read = 0;
      if (this.#log.read <= this.#sentRead) return;
      this.#sentRead = this.#log.read;
      this.#connection?.tell({ type: "read", ...this.#here, seq: this.#log.read });
    }, READ_AFTER_MS);
    this.#countUnread();
  }

  /**
   * Ask, and take a lost connection for no answer.
   * @param {import("./chat/wire").Command} command
   * @returns {Promise<import("./chat/wire").Answer | null>}
   */
  async #ask(command) {
    try {
      return (await this.#connection?.ask(command)) ?? null;
    } catch (problem) {
      if (problem instanceof Interrupted) return null;
      throw problem;
    }
  }

  get #here() {
    return { conversation: this.#log.conversation };
  }

  /**
   * Carry out a command, and tell when it was not.
   * @param {import("./chat/wire").Command} command
   * @param {string} done what to say when it was
   */
  async #command(command, done = "") {
    const answer = await this.#ask(command);
    if (answer?.type !== "accepted") this.#say(problemOf(answer, this.#voice));
    else if (done) this.#say(this.#voice.say(done));
    return answer?.type === "accepted";
  }

  // ---------------------------------------------------------------------------------------------------- dialogs

  /** @param {MessageForm} message @param {HTMLElement} anchor */
  #openMenu(message, anchor) {
    const { me, member } = this.#log;
    const voice = this.#voice;
    const own = message.author === me;
    const close = () => this.overlay.close();
    /** @param {() => void} go */
    const then = (go) => () => {
      close();
      go();
    };
    /** @type {import("./chat/menu").Deed[]} */
    const deeds = [];
    if (member) deeds.push({ name: "reply", label: voice.say("reply"), go: then(() => this.#reply(message)) });
    deeds.push({ name: "copy", label: voice.say("copy"), go: then(() => this.#copy(message)) });
    if (member && own) {
      deeds.push({ name: "edit", label: voice.say("edit"), go: then(() => this.composer.edit(message.id, message.text)) });
      deeds.push({ name: "retract", label: voice.say("retract"), danger: true, go: () => this.#openRetract(message) });
    }
    if (!own && this.#role !== "agent" && this.#role !== "bot") deeds.push({ name: "report", label: voice.say("report"), go: () => this.#openReport(message) });
    const readers = own ? this.#log.progress(message.seq).readers.map((person) => person.name) : [];
    const heading = [voice.moment.format(message.at), readers.length ? voice.say("state.read.by", { names: voice.join(readers) }) : ""].filter(Boolean).join(" · ");
    const mine = Object.entries(message.reactions ?? {}).flatMap(([emoji, by]) => (by.includes(me) ? [emoji] : []));
    /** @param {string} emoji @param {boolean} on */
    const react = (emoji, on) => {
      close();
      this.#command({ type: "react", ...this.#here, message: message.id, emoji, on });
    };
    const card = messageMenu(voice, heading, deeds, mine, member && message.state !== "held" ? react : null);
    this.overlay.open(card, "menu");
    this.overlay.place(card, anchor, own);
  }

  /**
   * Dialogs are loaded when the first one is opened.
   * @param {(dialogs: typeof import("./chat/dialogs.js"), close: () => void) => HTMLElement} make
   */
  async #dialog(make) {
    const dialogs = await import("./chat/dialogs.js").catch(() => null);
    if (!dialogs) return this.#say(this.#voice.say("problem.offline"));
    this.overlay.open(make(dialogs, () => this.overlay.close()), "dialog");
  }

  /** @param {MessageForm} message */
  #openRetract(message) {
    this.#dialog(({ confirmDialog }, close) =>
      confirmDialog(this.#voice, "retract", close, () => {
        close();
        this.#command({ type: "retract", ...this.#here, message: message.id });
      }),
    );
  }

  /** @param {MessageForm} message */
  #openReport(message) {
    this.#dialog(({ reportDialog }, close) =>
      reportDialog(this.#voice, close, (reason, note) => {
        close();
        this.#command({ type: "report", ...this.#here, message: message.id, reason, note }, "report.done");
      }),
    );
  }

  #openLeave() {
    this.#dialog(({ confirmDialog }, close) =>
      confirmDialog(this.#voice, "leave", close, () => {
        close();
        this.#command({ type: "leave", ...this.#here });
      }),
    );
  }

  #openPeople() {
    const { invitation, me } = this.#log;
    const open = invitation?.state === "requested" || invitation?.state === "joined";
    const party = this.#role !== "agent" && this.#role !== "bot";
    this.#dialog(({ peopleDialog }, close) =>
      peopleDialog(this.#voice, this.#log, close, {
        share: open && party ? (on) => this.#consent(on) : null,
        shared: Boolean(invitation?.consents?.[me]?.includes("messages")),
        suggestions: this.#offers === "none" ? null : (on) => this.#suggestions(on),
        suggested: this.#offers === "on",
      }),
    );
  }

  /** @param {number} score */
  #openRate(score) {
    const { invitation } = this.#log;
    if (!invitation) return;
    this.#dialog(({ rateDialog }, close) =>
      rateDialog(this.#voice, invitation.agent_name || this.#voice.brand, score, close, async (chosen, note) => {
        close();
        if (await this.#command({ type: "rate", invitation: invitation.id, score: chosen, note }, "rate.thanks")) this.#rated();
      }),
    );
  }

  /** @param {boolean} share */
  async #consent(share) {
    const { invitation, me } = this.#log;
    if (!invitation) return;
    const scopes = share ? ["messages"] : [];
    const done = await this.#command({ type: "consent", invitation: invitation.id, scopes }, share ? "consent.shared" : "consent.private");
    if (!done || this.#log.invitation?.id !== invitation.id) return;
    this.#log.invitation = { ...this.#log.invitation, consents: { ...this.#log.invitation.consents, [me]: scopes } };
    this.#render();
  }

  #rated() {
    store.setItem(this.#ratedKey(), "1");
    this.#render();
  }

  #ratedKey() {
    return `tertulia:rated:${this.#scope}:${this.#log.invitation?.id}`;
  }

  /** @param {import("./chat/wire").Suggested} event */
  #suggested({ message, suggestions, lang }) {
    const newest = this.#log.items.findLast((each) => each.kind === "message");
    if (newest?.kind !== "message" || newest.message.id !== message) return; // somebody has spoken since
    if (!this.composer.suggest(suggestions, lang)) return;
    this.#answering = message;
    this.#announce(this.#voice.say("suggestions.came", { n: suggestions.length }));
  }

  /** @param {boolean} on */
  async #suggestions(on) {
    const before = this.#offers;
    this.#offers = on ? "on" : "off";
    this.composer.offer(on);
    if (await this.#command({ type: "prefer", suggestions: on })) return;
    this.#offers = before;
    this.composer.offer(before === "on");
  }

  /** @param {MessageForm} message */
  #reply(message) {
    this.composer.reply(message.id, message.author === this.#log.me ? this.#voice.say("you") : this.#name(message.author), message.text);
  }

  /** @param {MessageForm} message */
  async #copy(message) {
    try {
      await navigator.clipboard.writeText(message.text);
      this.#say(this.#voice.say("copied"));
    } catch {
      this.#say(this.#voice.say("problem.unknown"));
    }
  }

  /** @param {string} text */
  #say(text) {
    clearTimeout(this.#timers.toast);
    this.toast.textContent = text;
    this.toast.classList.add("shown");
    this.#timers.toast = setTimeout(() => {
      this.toast.classList.remove("shown");
      this.toast.textContent = "";
    }, TOAST_MS);
  }

  // ---------------------------------------------------------------------------------------------------- drawing

  /** Draw soon, once for all that happens until then. */
  #render = () => {
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  };

  #draw() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const log = this.#log;
    const now = Date.now();
    const online = this.#connection?.state === "online";
    const shown = this.#outbox?.settle(log) ?? new Map();
    const waiting = new Set(this.#outbox?.entries.map((entry) => entry.client_id));
    const keys = [...shown].some(([client]) => waiting.has(client)) ? new Map(this.#keys) : this.#keys;
    // A message keeps the place on the screen that it had while it was being sent.
    for (const [client, id] of shown) (waiting.has(client) ? keys : this.#keys).set(id, client);
    const model = {
      log, keys, now, online, voice: this.#voice, saving: this.#saving, unreadFrom: this.#unreadFrom, trouble: this.#trouble && !this.#forbidden,
      entries: (this.#outbox?.entries ?? []).filter((entry) => !shown.has(entry.client_id)),
    };
    const frame = {
      log, now, voice: this.#voice, role: this.#role, state: this.#connection?.state ?? /** @type {const} */ ("idle"), code: this.#code,
      offline: this.#offline && !online, forbidden: this.#forbidden, rated: store.getItem(this.#ratedKey()) !== null,
      told: [...this.#told.values()][0] ?? null,
    };
    this.header.render(frame);
    this.notices.render(frame);
    this.composer.allow(!this.#forbidden && (log.member || !log.loaded));
    this.view.render(model);
    this.#drawTyping(now);
    this.#countUnread();
  }

  /** @param {number} now */
  #drawTyping(now) {
    for (const [id, until] of this.#typing) if (until <= now || !this.#log.members.has(id)) this.#typing.delete(id);
    const [a, b, more] = [...this.#typing.keys()].map((id) => this.#name(id));
    const text = more ? this.#voice.say("typing.more") : b ? this.#voice.say("typing.2", { a, b }) : a ? this.#voice.say("typing.1", { a }) : "";
    if (this.typingLine.textContent !== text) this.typingLine.textContent = text;
  }

  #countUnread() {
    const count = this.#log.unread();
    if (count === this.#unread) return;
    this.#unread = count;
    this.#emit("unread", { count });
  }

  #watching() {
    return this.#onScreen && document.visibilityState === "visible";
  }

  /** @param {string} id */
  #name(id) {
    return this.#log.people.get(id)?.name ?? this.#voice.say("someone");
  }

  /** @param {string} name @param {unknown} detail */
  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(`tertulia:${name}`, { detail, bubbles: true, composed: true }));
  }

  /** @param {StorageEvent} event */
  #stored = ({ key, newValue }) => {
    if (this.#outbox?.changedElsewhere(key, newValue)) this.#render();
  };
}

/**
 * @param {import("./chat/wire").Answer | null} answer
 * @param {Voice} voice
 */
function problemOf(answer, voice) {
  if (!answer) return voice.say("problem.offline");
  const reason = "reasons" in answer && answer.reasons?.[0]?.message;
  if (reason) return reason;
  const code = answer.type === "refused" ? `problem.${answer.code}` : "";
  return voice.say(voice.knows(code) ? code : "problem.unknown");
}

/** Unique also where the page has no secure origin, and so no `crypto.randomUUID`. */
function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

customElements.define("tertulia-chat", TertuliaChat);
