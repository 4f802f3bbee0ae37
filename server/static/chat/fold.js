/**
 * One conversation as its reader holds it: the log folded into messages and notes. No DOM, no clock, no network.
 *
 * `seq` is dense, so a number skipped is an event missed: it is kept aside until `since` has told what came before.
 * @module
 */

/** @typedef {import("./wire").MessageForm} MessageForm */
/** @typedef {import("./wire").LogEvent} LogEvent */
/** @typedef {import("./wire").Person} Person */
/** @typedef {import("./wire").Joined | import("./wire").Left | import("./wire").SettingChanged | import("./wire").Invitation} Note */
/** @typedef {{kind: "message", seq: number, message: MessageForm} | {kind: "note", seq: number, note: Note}} Item */
/** @typedef {"folded" | "ignored" | "gap"} Outcome */

const EARLY_EVENTS = 1000; // kept while a gap is being repaired; beyond it the answer to `since` brings them anyway

export class Log {
  me = "";
  epoch = "";
  title = "";
  /** @type {string | null} */
  listing = null;
  /** @type {import("./wire").Stage} */
  stage = "enquiry";
  /** @type {import("./wire").InvitationView | null} */
  invitation = null;
  /** The reader's own mark: everything up to this `seq` has been seen. */
  read = 0;
  /** Up to which `seq` the members, the setting and the invitation were current in `welcome`. */
  known = 0;
  /** Whether the reader belongs to the conversation now. */
  member = false;
  /** @type {Map<string, Person>} Everybody who is or was here, so that old messages keep their names. */
  people = new Map();
  /** @type {Set<string>} */
  members = new Set();
  /** @type {Map<string, number>} Up to which `seq` the live stream has reached a person. */
  reached = new Map();

  /** The first page of history has been folded. */
  loaded = false;
  /** The last `seq` folded, and the first one held. */
  last = 0;
  first = 0;
  /** Whether older events exist. */
  more = false;
  /** @type {Item[]} In the order of `seq`. */
  items = [];
  /** @type {Map<string, MessageForm>} */
  messages = new Map();
  /** @type {Map<number, LogEvent>} Events that came before their turn. */
  early = new Map();

  /** @param {string} conversation */
  constructor(conversation) {
    this.conversation = conversation;
  }

  /**
   * Take the conversation as `welcome` shows it.
   * @param {import("./wire").ConversationView} view
   * @param {string} me
   */
  begin(view, me) {
    this.me = me;
    this.member = true;
    this.title = view.title;
    this.stage = view.stage;
    this.listing = view.listing ?? null;
    this.invitation = view.invitation ?? null;
    this.read = Math.max(this.read, view.read);
    if (!this.loaded) this.epoch = view.epoch;
    this.known = view.last_seq;
    this.members = new Set(view.members.map((person) => person.id));
    for (const person of view.members) {
      this.people.set(person.id, { ...person });
      if (person.online) this.#reach(person.id, view.last_seq);
    }
  }

  /**
   * Fold one live event of the log.
   * @param {LogEvent} event
   * @returns {Outcome} `gap`: something before it is missing; ask `since` the last one
   */
  fold(event) {
    // An agent hears of invitations with the number 0, outside the log.
    if (event.seq < 1 || (this.loaded && event.seq <= this.last)) return "ignored";
    if (!this.loaded || event.seq > this.last + 1) {
      if (this.early.size < EARLY_EVENTS) this.early.set(event.seq, event);
      return this.loaded ? "gap" : "folded";
    }
    this.#append(event);
    return this.#catchUp();
  }

  /**
   * Fold a page of history: the newest one when nothing is loaded yet, an older one otherwise.
   * @param {import("./wire").HistoryPage} page
   * @returns {Outcome}
   */
  page(page) {
    const events = page.events.filter((event) => !this.loaded || event.seq < this.first);
    if (this.loaded) {
      const older = new Log(this.conversation);
      older.loaded = true;
      // Who was here then must not become who is here now, so an older page brings items only.
      for (const event of events) older.#record(event, this);
      this.items = [...older.items, ...this.items];
    } else {
      this.loaded = true;
      for (const event of events) {
        if (event.seq > this.known) this.#live(event);
        this.#record(event, this);
      }
      this.last = events.at(-1)?.seq ?? this.last;
    }
    this.first = events[0]?.seq ?? this.first;
    this.more = page.more && events.length > 0;
    return this.#catchUp();
  }

  /**
   * Fold the answer to `hello` or `since`.
   * @param {import("./wire").Resumed} resumed
   * @returns {Outcome}
   */
  resumed(resumed) {
    for (const event of resumed.events ?? []) if (event.seq > this.last) this.#append(event);
    this.epoch = resumed.epoch;
    this.last = Math.max(this.last, resumed.last_seq);
    return this.#catchUp();
  }

  /**
   * The gap cannot be told: forget all events and read the history again.
   * @param {{epoch: string}} reset
   */
  reset(reset) {
    this.loaded = this.more = false;
    this.last = this.first = 0;
    this.items = [];
    this.messages.clear();
    this.early.clear();
    this.epoch = reset.epoch;
  }

  /** @param {string} participant @param {number} seq */
  receipt(participant, seq) {
    if (participant === this.me) this.read = Math.max(this.read, seq);
    const person = this.people.get(participant);
    if (person) person.read = Math.max(person.read ?? 0, seq);
    this.#reach(participant, seq);
  }

  /** @param {string} participant @param {boolean} online */
  presence(participant, online) {
    const person = this.people.get(participant);
    if (!person) return;
    person.online = online;
    // Coming online brings a person everything so far; while they stay, each event reaches them as it happens.
    if (online) this.#reach(participant, this.last);
  }

  /** Members other than the reader. @returns {Person[]} */
  others() {
    return [...this.members].filter((id) => id !== this.me).flatMap((id) => this.people.get(id) ?? []);
  }

  /**
   * How far a message of one's own has come.
   * @param {number} seq
   * @returns {{state: "sent" | "delivered" | "read", readers: Person[], of: number}}
   */
  progress(seq) {
    const others = this.others().filter((person) => person.role !== "bot");
    const readers = others.filter((person) => (person.read ?? 0) >= seq);
    const all = others.length > 0 && others.every((person) => (this.reached.get(person.id) ?? 0) >= seq);
    return { state: readers.length ? "read" : all ? "delivered" : "sent", readers, of: others.length };
  }

  /** Messages of others that the reader has not seen. */
  unread() {
    let count = 0;
    for (let at = this.items.length - 1; at >= 0 && this.items[at].seq > this.read; at--) {
      const item = this.items[at];
      if (item.kind === "message" && item.message.author !== this.me && item.message.state !== "removed") count++;
    }
    return count;
  }

  /** @returns {Outcome} */
  #catchUp() {
    for (const seq of this.early.keys()) if (seq <= this.last) this.early.delete(seq);
    for (let next; (next = this.early.get(this.last + 1)); ) {
      this.early.delete(next.seq);
      this.#append(next);
    }
    return this.early.size ? "gap" : "folded";
  }

  /** @param {LogEvent} event */
  #append(event) {
    this.last = event.seq;
    this.first ||= event.seq;
    this.#live(event);
    this.#record(event, this);
    for (const person of this.people.values()) if (person.online) this.#reach(person.id, event.seq);
  }

  /**
   * What an event says about now.
   * @param {LogEvent} event
   */
  #live(event) {
    switch (event.type) {
      case "posted":
        this.#reach(event.author, event.seq);
        break;
      case "joined":
        this.members.add(event.member.id);
        this.people.set(event.member.id, { ...event.member });
        if (event.member.id === this.me) this.member = true;
        break;
      case "left":
        this.members.delete(event.participant);
        if (event.participant === this.me) this.member = false;
        break;
      case "setting":
        this.title = event.title;
        this.stage = event.stage;
        this.listing = event.listing ?? null;
        break;
      case "invitation":
        this.invitation = event.invitation;
    }
  }

  /**
   * Put an event into this log's items; `owner` holds the messages, which an older page shares with the log it joins.
   * @param {LogEvent} event
   * @param {Log} owner
   */
  #record(event, owner) {
    switch (event.type) {
      case "posted":
      case "changed": {
        const known = owner.messages.get(event.id);
        const seq = event.type === "changed" ? (event.message_seq ?? 0) : event.seq;
        if (known) {
          if (event.version > known.version) Object.assign(known, form(event, known.seq));
        } else if (event.type === "posted" || (seq >= owner.first && this === owner)) {
          // A message that was held, and so took only a number here, comes to its place when it is released.
          const message = form(event, seq);
          owner.messages.set(event.id, message);
          this.#place({ kind: "message", seq, message });
        }
        // A change of a message further up than what is loaded needs nothing: history brings the form it has by then.
        break;
      }
      case "joined":
        if (!owner.people.has(event.member.id)) owner.people.set(event.member.id, { ...event.member, online: false });
        this.items.push({ kind: "note", seq: event.seq, note: event });
        break;
      case "left":
      case "setting":
      case "invitation":
        this.items.push({ kind: "note", seq: event.seq, note: event });
    }
  }

  /** @param {Item} item */
  #place(item) {
    let at = this.items.length;
    while (at > 0 && this.items[at - 1].seq > item.seq) at--;
    this.items.splice(at, 0, item);
  }

  /** @param {string} participant @param {number} seq */
  #reach(participant, seq) {
    this.reached.set(participant, Math.max(this.reached.get(participant) ?? 0, seq));
  }
}

/**
 * The whole form of a message, with every field that the wire leaves out when empty: a later form must be able to empty one.
 * @param {import("./wire").Posted | import("./wire").Changed} event
 * @param {number} seq the message's own place
 * @returns {MessageForm}
 */
function form(event, seq) {
  const { conversation, id, author, role, text, at, version } = event;
  return {
    conversation, seq, id, author, role, text, at, version,
    state: event.state ?? "visible",
    reply_to: event.reply_to ?? "",
    attachments: event.attachments ?? [],
    reactions: event.reactions ?? {},
    edited_at: event.edited_at ?? 0,
    reasons: event.reasons ?? [],
  };
}
