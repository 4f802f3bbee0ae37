/**
 * What its author has written and the server has not confirmed. It survives a reload: every entry has a key of its own in the
 * browser's storage, so that two tabs do not overwrite each other, and keeps its `client_id`, so that sending again doubles nothing.
 * @module
 */

/**
 * @typedef {"waiting" | "sending" | "sent" | "refused" | "advised"} EntryState
 *   `sent`: accepted, and its `posted` has not come yet; `refused` and `advised` wait for their author
 * @typedef {object} Entry
 * @property {string} client_id
 * @property {string} text
 * @property {string} reply_to
 * @property {import("./wire").Attachment[]} attachments
 * @property {string} suggestion
 * @property {boolean} despite_advice
 * @property {number} at written, by this machine's clock
 * @property {EntryState} state
 * @property {boolean} tried it may have reached the server, although no answer came
 * @property {string} id the message's id once accepted
 * @property {number} seq the message's place once accepted
 * @property {string} verdict
 * @property {string} code of the refusal
 * @property {string} decision what its author may appeal
 * @property {string} problem the server's sentence, for codes that we have no words for
 * @property {import("./wire").Reason[]} reasons
 * @property {string[]} rewrites
 */

/** @typedef {Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">} Store */

const RETRY_MS = 2_000; // after `unavailable` without a hint from the server

/** Refusals that time cures; the entry stays in its place in the row. */
const PASSING = new Set(["rate_limited", "unavailable", "storage_full", "unauthenticated"]);

export class Outbox {
  /**
   * @param {Store} store
   * @param {string} scope whose and where: server, participant and conversation
   * @param {() => string} newId
   * @param {() => number} now milliseconds since 1970
   */
  constructor(store, scope, newId, now) {
    this.store = store;
    this.prefix = `tertulia:outbox:${scope}:`;
    this.newId = newId;
    this.now = now;
    /** @type {Entry[]} In the order of writing. */
    this.entries = this.#load();
  }

  /**
   * @param {{text: string, reply_to?: string, attachments?: import("./wire").Attachment[], suggestion?: string, despite_advice?: boolean}} words
   * @returns {Entry}
   */
  add({ text, reply_to = "", attachments = [], suggestion = "", despite_advice = false }) {
    /** @type {Entry} */
    const entry = {
      client_id: this.newId(), text, reply_to, attachments, suggestion, despite_advice,
      // Two words within one millisecond keep their order after a reload too.
      at: Math.max(this.now(), (this.entries.at(-1)?.at ?? 0) + 1),
      state: "waiting", tried: false, id: "", seq: 0, verdict: "", code: "", decision: "", problem: "", reasons: [], rewrites: [],
    };
    this.entries.push(entry);
    this.#save(entry);
    return entry;
  }

  /** The entry to send now: the oldest that waits, and only while none is on its way, so that an author's order holds. */
  next() {
    if (this.entries.some((entry) => entry.state === "sending")) return undefined;
    return this.entries.find((entry) => entry.state === "waiting");
  }

  /**
   * The command for an entry, which is on its way from now on.
   * @param {Entry} entry
   * @param {string} conversation
   * @returns {import("./wire").Command}
   */
  send(entry, conversation) {
    this.#change(entry, { state: "sending", tried: true });
    return {
      type: "post", conversation, client_id: entry.client_id, text: entry.text,
      ...(entry.reply_to && { reply_to: entry.reply_to }),
      ...(entry.attachments.length && { attachments: entry.attachments }),
      ...(entry.suggestion && { suggestion: entry.suggestion }),
      ...(entry.despite_advice && { despite_advice: true }),
    };
  }

  /**
   * Take the server's answer.
   * @param {Entry} entry
   * @param {import("./wire").Answer} answer
   * @returns {number} milliseconds to wait before the next entry is sent
   */
  answer(entry, answer) {
    if (answer.type === "accepted") {
      const { id = "", seq = 0, verdict = "", reasons = [] } = answer;
      this.#change(entry, { state: "sent", id, seq, verdict, reasons });
      return 0;
    }
    if (answer.type === "advised") {
      this.#change(entry, { state: "advised", tried: false, reasons: answer.reasons ?? [], rewrites: answer.rewrites ?? [] });
      return 0;
    }
    if (answer.type !== "refused") return 0;
    if (PASSING.has(answer.code)) {
      this.#change(entry, { state: "waiting" });
      return answer.retry_after || RETRY_MS;
    }
    const { code, message: problem, reasons = [], decision = "" } = answer;
    this.#change(entry, { state: "refused", tried: false, code, problem, reasons, decision });
    return 0;
  }

  /** The connection is gone: whatever was on its way goes again, under the same `client_id`. */
  interrupted() {
    for (const entry of this.entries) if (entry.state === "sending") this.#change(entry, { state: "waiting" });
  }

  /** Send an advised entry all the same. @param {Entry} entry */
  insist(entry) {
    this.#change(entry, { state: "waiting", despite_advice: true, reasons: [], rewrites: [] });
  }

  /** @param {string} clientId */
  remove(clientId) {
    this.entries = this.entries.filter((entry) => entry.client_id !== clientId);
    this.store.removeItem(this.prefix + clientId);
  }

  /**
   * Drop what the log now shows.
   *
   * An entry that was sent before the connection broke has no id yet, while its message may already come with the events
   * missed. The same words, not older than the entry, count as that message until the answer to the second sending tells:
   * its author would otherwise see their words twice for a moment.
   * @param {import("./fold").Log} log
   * @returns {Map<string, string>} client_id to message id, of entries shown as messages already
   */
  settle(log) {
    /** @type {Map<string, string>} */
    const shown = new Map();
    for (const entry of [...this.entries]) {
      // What was posted before the pages loaded here is in the log as well, only further up.
      if (entry.id && (log.messages.has(entry.id) || (log.loaded && entry.seq <= log.last))) {
        shown.set(entry.client_id, entry.id);
        this.remove(entry.client_id);
      }
    }
    const taken = new Set(shown.values());
    for (const entry of this.entries) {
      if (!entry.tried || entry.id) continue;
      const twin = newestFirst(log).find((message) => !taken.has(message.id) && isTwin(message, entry, log.me));
      if (!twin) continue;
      taken.add(twin.id);
      shown.set(entry.client_id, twin.id);
    }
    return shown;
  }

  /**
   * Another tab changed the store.
   * @param {string | null} key
   * @param {string | null} value
   * @returns {boolean} whether an entry went
   */
  changedElsewhere(key, value) {
    if (!key?.startsWith(this.prefix) || value !== null) return false;
    const before = this.entries.length;
    this.entries = this.entries.filter((entry) => this.prefix + entry.client_id !== key || entry.state === "sending");
    return this.entries.length < before;
  }

  /** @param {Entry} entry @param {Partial<Entry>} values */
  #change(entry, values) {
    Object.assign(entry, values);
    this.#save(entry);
  }

  /** @param {Entry} entry */
  #save(entry) {
    this.store.setItem(this.prefix + entry.client_id, JSON.stringify(entry));
  }

  /** @returns {Entry[]} */
  #load() {
    const keys = Array.from({ length: this.store.length }, (_, index) => this.store.key(index) ?? "");
    const entries = keys.filter((key) => key.startsWith(this.prefix)).flatMap((key) => parse(this.store.getItem(key)));
    for (const entry of entries) if (entry.state === "sending") entry.state = "waiting";
    return entries.sort((a, b) => a.at - b.at);
  }
}

const RECENT_MESSAGES = 100;

/** @param {import("./fold").Log} log */
function newestFirst(log) {
  return log.items.slice(-RECENT_MESSAGES).reverse().flatMap((item) => (item.kind === "message" ? [item.message] : []));
}

const CLOCK_SLACK_MS = 60_000; // this machine's clock against the server's

/**
 * @param {import("./wire").MessageForm} message
 * @param {Entry} entry
 * @param {string} me
 */
function isTwin(message, entry, me) {
  return message.author === me && message.text === entry.text && message.at >= entry.at - CLOCK_SLACK_MS;
}

/** @param {string | null} text @returns {Entry[]} */
function parse(text) {
  try {
    const entry = JSON.parse(text ?? "");
    return typeof entry?.client_id === "string" && typeof entry.text === "string" ? [entry] : [];
  } catch {
    return []; // another program's words under our key
  }
}

/**
 * Whose words these are, read from the token without checking it: only to keep people's outboxes apart on one machine.
 * @param {string} token
 * @returns {string} tenant and participant, or nothing when the token does not tell
 */
export function ownerOf(token) {
  try {
    const base64 = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes));
    return typeof claims.sub === "string" ? `${claims.tenant ?? claims.iss ?? ""}/${claims.sub}` : "";
  } catch {
    return "";
  }
}

/**
 * The browser's storage, or memory where the browser has none to give.
 * @returns {Store}
 */
export function storage() {
  try {
    const probe = "tertulia:probe";
    localStorage.setItem(probe, "");
    localStorage.removeItem(probe);
    return new Forgiving(localStorage);
  } catch {
    return new Forgiving(null);
  }
}

/** A store that never throws: what does not fit is kept until the page goes. */
class Forgiving {
  /** @param {Store | null} store */
  constructor(store) {
    this.store = store;
    /** @type {Map<string, string>} */
    this.memory = new Map();
  }
  get length() {
    return this.store?.length ?? this.memory.size;
  }
  /** @param {number} index */
  key(index) {
    return this.store ? this.store.key(index) : [...this.memory.keys()][index] ?? null;
  }
  /** @param {string} key */
  getItem(key) {
    return this.memory.get(key) ?? this.store?.getItem(key) ?? null;
  }
  /** @param {string} key @param {string} value */
  setItem(key, value) {
    try {
      if (!this.store) throw new Error("no storage");
      this.store.setItem(key, value);
      this.memory.delete(key);
    } catch {
      this.memory.set(key, value);
    }
  }
  /** @param {string} key */
  removeItem(key) {
    this.memory.delete(key);
    this.store?.removeItem(key);
  }
}
