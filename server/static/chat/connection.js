/**
 * One WebSocket that comes back by itself. It knows frames, answers and close codes; what they mean for the chat is not its concern.
 * @module
 */

/** @typedef {"idle" | "connecting" | "online" | "waiting" | "stopped"} State */
/** @typedef {"resume" | "later" | "refresh" | "stop"} Sequel */
/** @typedef {import("./wire").Command} Command */
/** @typedef {import("./wire").Answer} Answer */

export const SUBPROTOCOL = "tertulia.v1";
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
const LATER_MS = 5_000; // the server asked for room: never sooner
const WELCOME_MS = 10_000;
const ANSWER_MS = 15_000; // no answer for this long: the connection is half open, and a new one will tell

/**
 * What a close code asks of a client.
 * @param {number} code
 * @returns {Sequel}
 */
export function afterClose(code) {
  switch (code) {
    case 4401: // token invalid or expired
    case 4004: // no token in time
      return "refresh";
    case 4008: // far over the rate
    case 4429: // too many connections
    case 4503: // admission
      return "later";
    case 4002: // bad frame
    case 4003: // frame too big
    case 4403: // not a member, suspended
    case 4409: // displaced by a newer connection
      return "stop";
    default: // 4000, 4001, 4005, 4006, 4007, 1006 and whatever a proxy on the way may say
      return "resume";
  }
}

/**
 * How long to wait before the next attempt: doubled each time, with half of it left to chance, so that a thousand clients
 * cut at once do not come back at once.
 * @param {number} attempt failed attempts so far
 * @param {Sequel} sequel
 * @param {number} chance 0 to 1
 * @returns {number} milliseconds
 */
export function waitBefore(attempt, sequel, chance) {
  const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
  const wait = longest / 2 + (longest / 2) * chance;
  return sequel === "later" ? LATER_MS + wait : wait;
}

/** @param {string} server base URL @returns {string} */
export function socketUrl(server) {
  const url = new URL("v1/ws", server.endsWith("/") ? server : `${server}/`);
  url.protocol = url.protocol.replace("http", "ws");
  return url.href;
}

/** A command that got no answer because the connection ended. */
export class Interrupted extends Error {}

/**
 * @typedef {object} Handlers
 * @property {() => string} token
 * @property {(() => Promise<string>) | undefined} refresh
 * @property {() => object[]} resume where the reader stands, for `hello`
 * @property {(event: import("./wire").Event) => void} event every event that is no answer, and `welcome`
 * @property {(state: State, code: number) => void} state
 */

export class Connection {
  /**
   * @param {string} server
   * @param {Handlers} handlers
   */
  constructor(server, handlers) {
    this.url = socketUrl(server);
    this.handlers = handlers;
    /** @type {State} */
    this.state = "idle";
    /** @type {WebSocket | null} */
    this.socket = null;
    /** @type {Map<string, {resolve: (answer: Answer) => void, reject: (problem: Error) => void, timer: number}>} */
    this.asked = new Map();
    this.refs = 0;
    this.attempt = 0;
    /** @type {number | undefined} */
    this.timer = undefined;
    this.notBefore = 0;
    this.refreshed = false;
    this.refreshing = false;
    this.wake = () => this.#wakeUp();
    this.lose = () => this.#lost(1006);
  }

  open() {
    addEventListener("online", this.wake);
    addEventListener("offline", this.lose);
    document.addEventListener("visibilitychange", this.wake);
    this.#connect();
  }

  close() {
    removeEventListener("online", this.wake);
    removeEventListener("offline", this.lose);
    document.removeEventListener("visibilitychange", this.wake);
    this.#drop();
    this.#become("idle");
  }

  /** Try again now, after a stop or instead of waiting. */
  again() {
    if (this.state === "online" || this.state === "connecting") return;
    this.attempt = 0;
    this.refreshed = false;
    this.#connect();
  }

  /**
   * Send a command that has no answer. Lost when the connection is.
   * @param {Command} command
   */
  tell(command) {
    if (this.state === "online") this.socket?.send(JSON.stringify(command));
  }

  /**
   * Send a command and wait for its answer, whatever it is.
   * @param {Command} command
   * @returns {Promise<Answer>}
   * @throws {Interrupted} when the connection ends before the answer
   */
  ask(command) {
    const socket = this.socket;
    if (this.state !== "online" || !socket) return Promise.reject(new Interrupted());
    const ref = String(++this.refs);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#lost(1006), ANSWER_MS);
      this.asked.set(ref, { resolve, reject, timer });
      socket.send(JSON.stringify({ ...command, ref }));
    });
  }

  #connect() {
    this.#drop();
    this.#become("connecting");
    const socket = new WebSocket(this.url, SUBPROTOCOL);
    this.socket = socket;
    this.timer = setTimeout(() => this.#lost(1006), WELCOME_MS);
    socket.onopen = () => socket.send(JSON.stringify({ type: "hello", token: this.handlers.token(), resume: this.handlers.resume() }));
    socket.onmessage = ({ data }) => {
      if (socket === this.socket) this.#receive(JSON.parse(data));
    };
    socket.onclose = ({ code }) => {
      if (socket === this.socket) this.#lost(code);
    };
  }

  /** @param {import("./wire").Event} event */
  #receive(event) {
    if (event.type === "welcome") {
      clearTimeout(this.timer);
      this.attempt = 0;
      this.refreshed = false;
      this.#become("online");
      this.handlers.event(event);
    } else if (event.type === "goaway") {
      this.notBefore = Date.now() + event.retry_after_ms;
    } else if ("ref" in event && this.asked.has(event.ref)) {
      const { resolve, timer } = /** @type {any} */ (this.asked.get(event.ref));
      clearTimeout(timer);
      this.asked.delete(event.ref);
      resolve(event);
    } else {
      this.handlers.event(event);
    }
  }

  /** @param {number} code */
  #lost(code) {
    if (this.state !== "online" && this.state !== "connecting") return;
    this.#drop();
    const sequel = afterClose(code);
    if (sequel === "stop") return this.#become("stopped", code);
    if (sequel === "refresh") return void this.#refresh(code);
    return this.#later(sequel, code);
  }

  /** @param {number} code */
  async #refresh(code) {
    // When a fresh token is refused as well, asking for another would go on for ever.
    if (!this.handlers.refresh || this.refreshed) return this.#become("stopped", code);
    this.refreshed = true;
    this.refreshing = true;
    this.#become("waiting", code);
    /** @type {Sequel} */
    let sequel = "resume";
    try {
      await this.handlers.refresh();
    } catch {
      this.refreshed = false;
      sequel = "later";
    }
    this.refreshing = false;
    // The element may have gone, or been told to start again, in the meantime.
    if (/** @type {State} */ (this.state) === "waiting") this.#later(sequel, code);
  }

  /** @param {Sequel} sequel @param {number} code */
  #later(sequel, code) {
    this.#become("waiting", code);
    const wait = Math.max(waitBefore(this.attempt++, sequel, Math.random()), this.notBefore - Date.now());
    this.timer = setTimeout(() => this.#connect(), wait);
  }

  #wakeUp() {
    if (this.state !== "waiting" || this.refreshing || document.visibilityState === "hidden" || Date.now() < this.notBefore) return;
    this.attempt = 0;
    this.#connect();
  }

  #drop() {
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
    for (const { reject, timer } of this.asked.values()) {
      clearTimeout(timer);
      reject(new Interrupted());
    }
    this.asked.clear();
  }

  /** @param {State} state */
  #become(state, code = 0) {
    this.state = state;
    this.handlers.state(state, code);
  }
}
