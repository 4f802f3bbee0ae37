/**
 * The calls of the review, and what they give. Times are milliseconds since 1970; characters are counted as Unicode counts them.
 * @module
 */

/**
 * @typedef {object} Row an item as the queue lists it
 * @property {string} message
 * @property {string} conversation
 * @property {string} title
 * @property {"waiting" | "claimed" | "decided"} status
 * @property {number} version
 * @property {string} text
 * @property {string} message_state
 * @property {string} author
 * @property {string} author_name
 * @property {string} author_role
 * @property {string[]} causes
 * @property {string} queue
 * @property {number} severity 1 to 4
 * @property {string[]} categories
 * @property {string[]} clauses
 * @property {string} language
 * @property {string} policy
 * @property {boolean} degraded
 * @property {number} reach
 * @property {number} reports
 * @property {number} opened_at
 * @property {number} due_at
 * @property {string} claimed_by
 * @property {string} claimed_name
 * @property {number} lease_until
 * @property {string} barred
 * @property {number} decided_at
 * @property {string} decided_by
 * @property {string} decided_name
 * @property {string} outcome
 *
 * @typedef {{category: string, score: number, start: number, end: number, source: string, step?: string}} Finding
 * @typedef {{id: string, verdict: string, categories: string[], text: string, severity: number, points: number, thresholds?: Record<string, number>}} Clause
 *
 * @typedef {object} Detail
 * @property {Row} item
 * @property {any} message
 * @property {Finding[]} findings
 * @property {Record<string, number>} scores
 * @property {Clause[]} clauses
 * @property {any[]} decisions
 * @property {any[]} reports
 * @property {any} appeal
 * @property {any[]} acts
 * @property {any[]} context
 * @property {any} person
 * @property {{staff: string, name: string}[]} looking
 * @property {Record<string, string>} names
 * @property {string[]} may
 *
 * @typedef {Record<string, string | number>} Filter
 */

const AT = "/review";

export class Review {
  /** @param {import("../api.js").Api} api */
  constructor(api) {
    this.api = api;
  }

  /** @param {Filter} filter @param {string} after @param {AbortSignal} [signal] @returns {Promise<{items: Row[], next: string}>} */
  page(filter, after, signal) {
    return this.api.get(`${AT}/queue?${new URLSearchParams(/** @type {any} */ ({ ...filter, limit: 100, ...(after ? { after } : {}) }))}`, signal);
  }

  counts() {
    return this.api.get(`${AT}/counts`);
  }

  /** @param {string} message @param {AbortSignal} [signal] @returns {Promise<Detail>} */
  item(message, signal) {
    return this.api.get(`${AT}/items/${encodeURIComponent(message)}`, signal);
  }

  /** @param {string} message @param {"claim" | "extend" | "release" | "looking"} verb `release` gives a claim back */
  do(message, verb) {
    return this.api.post(`${AT}/items/${encodeURIComponent(message)}/${verb}`);
  }

  /** @param {string} message @param {string} to @param {string} note */
  handOver(message, to, note) {
    return this.api.post(`${AT}/items/${encodeURIComponent(message)}/hand-over`, { to, note });
  }

  /** @param {Filter} filter */
  next(filter) {
    return this.api.post(`${AT}/next`, nextWanted(filter));
  }

  /**
   * @param {Row} row
   * @param {any[]} acts
   * @param {string} reason
   * @param {string} clause
   * @param {Filter | null} next claims the next item of this filter in the same call
   */
  act(row, acts, reason, clause, next) {
    const body = { request: mark(), version: row.version, acts, reason, clause, ...(next ? { then_next: nextWanted(next) } : {}) };
    return this.api.post(`${AT}/items/${encodeURIComponent(row.message)}/acts`, body);
  }

  /** @param {string} act */
  undo(act) {
    return this.api.post(`${AT}/acts/${encodeURIComponent(act)}/undo`);
  }

  /** @param {string[]} messages */
  preview(messages) {
    return this.api.post(`${AT}/bulk/preview`, { messages });
  }

  /** @param {any} preview @param {any[]} acts @param {string} reason @param {string} clause */
  bulk(preview, acts, reason, clause) {
    return this.api.post(`${AT}/bulk`, { request: mark(), messages: preview.messages, versions: preview.versions, acts, reason, clause });
  }

  /** @param {string} batch */
  undoBulk(batch) {
    return this.api.post(`${AT}/bulk/${encodeURIComponent(batch)}/undo`);
  }

  /** @returns {Promise<{views: {name: string, filter: Filter}[]}>} */
  views() {
    return this.api.get(`${AT}/views`);
  }

  /** @param {string} name @param {Filter} filter */
  keepView(name, filter) {
    return this.api.call("PUT", `${AT}/views`, { name, filter });
  }

  /** @param {string} name */
  forgetView(name) {
    return this.api.call("DELETE", `${AT}/views/${encodeURIComponent(name)}`);
  }

  words() {
    return this.api.get(`${AT}/words`);
  }

  /** @param {string} message */
  replay(message) {
    return this.api.get(`${AT}/items/${encodeURIComponent(message)}/replay`);
  }

  /** @param {string} participant @param {string} reason */
  conversations(participant, reason) {
    return this.api.post(`${AT}/people/${encodeURIComponent(participant)}/conversations`, { reason });
  }
}

/** What is asked of the next item: all of the filter but the state and whose it is. @param {Filter} filter */
function nextWanted(filter) {
  return Object.fromEntries(Object.entries(filter).filter(([name]) => ["queue", "cause", "category", "clause", "language", "severity"].includes(name)));
}

/** A mark of our own, under which something is done once however often it is sent. */
function mark() {
  return crypto.randomUUID().replaceAll("-", "");
}
