/**
 * What happens while one looks: the chat's own connection, on which staff take part in nothing and hear of everything.
 * @module
 */

import { Connection } from "../chat/connection.js";

const OFFLINE_AFTER_MS = 1_500;

/** Dispatches every event of the wire by its type, and `state` when the connection comes or goes. */
export class Live {
  /** @type {Map<string, Set<(event: any) => void>>} */
  #listeners = new Map();
  /** @type {Connection | null} */
  #connection = null;
  #token = "";
  #offline = 0;
  online = false;
  /** How often it has come back: what a page holds may be old after that. */
  times = 0;

  /** @param {import("./api.js").Api} api */
  constructor(api) {
    this.api = api;
  }

  async open() {
    this.close();
    try {
      this.#token = (await this.api.post("/token")).token;
    } catch {
      this.#token = "";
    }
    this.#connection = new Connection(location.origin, {
      token: () => this.#token,
      refresh: async () => (this.#token = (await this.api.post("/token")).token),
      resume: () => [],
      event: (event) => this.#heard(event),
      state: (state) => this.#became(state === "online"),
    });
    this.#connection.open();
  }

  close() {
    this.#connection?.close();
    this.#connection = null;
  }

  /**
   * @param {string} type of an event, or `state`
   * @param {(event: any) => void} listener
   * @returns {() => void} stops listening
   */
  on(type, listener) {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  /** Ask over the connection. @param {any} command @returns {Promise<any>} */
  ask(command) {
    return this.#connection ? this.#connection.ask(command) : Promise.reject(new Error("offline"));
  }

  /** @param {any} event */
  #heard(event) {
    if (event.type === "welcome") this.times++;
    for (const listener of this.#listeners.get(event.type) ?? []) listener(event);
  }

  /** @param {boolean} online */
  #became(online) {
    clearTimeout(this.#offline);
    if (online) return this.#tell(true);
    // A blink is not worth a word.
    this.#offline = setTimeout(() => this.#tell(false), OFFLINE_AFTER_MS);
  }

  /** @param {boolean} online */
  #tell(online) {
    this.online = online;
    for (const listener of this.#listeners.get("state") ?? []) listener(online);
  }
}
