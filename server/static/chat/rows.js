/**
 * What the log shows, line by line: days, the mark of unread messages, notes, messages in runs of one author, and what still
 * waits to be sent. Pure.
 * @module
 */

/** @typedef {import("./wire").MessageForm} MessageForm */
/** @typedef {import("./outbox").Entry} Entry */
/**
 * @typedef {{kind: "day", key: string, at: number}
 *   | {kind: "unread", key: string}
 *   | {kind: "note", key: string, notes: import("./fold").Note[], says: string}
 *   | Bubble} Row
 * @typedef {object} Bubble
 * @property {"message"} kind
 * @property {string} key stays the same from the first optimistic sight to the message read by all
 * @property {string} author
 * @property {boolean} own
 * @property {boolean} first in its run
 * @property {boolean} last in its run
 * @property {boolean} newest of one's own, where the progress is told in words
 * @property {number} at
 * @property {MessageForm | undefined} message
 * @property {Entry | undefined} entry
 */

const RUN_MS = 10 * 60_000; // a longer silence starts a new run, so that a name is never far

/**
 * @param {import("./fold").Log} log
 * @param {Entry[]} entries not yet in the log
 * @param {Map<string, string>} keys message id to the key that it had as an entry
 * @param {number} unreadFrom the mark stands before the first message of another after this `seq`; -1: no mark
 * @returns {Row[]}
 */
export function rows(log, entries, keys, unreadFrom) {
  /** @type {Row[]} */
  const all = [];
  /** @type {Map<string, string>} */
  const invitations = new Map();
  /** @type {import("./wire").SettingChanged | undefined} */
  let setting;
  let day = "";
  let marked = unreadFrom < 0;

  /** @param {number} at */
  const startDay = (at) => {
    const date = new Date(at).toDateString();
    if (date === day) return;
    day = date;
    all.push({ kind: "day", key: `day:${date}`, at });
  };

  /** @param {Omit<Bubble, "kind" | "first" | "last" | "newest">} bubble */
  const push = (bubble) => {
    const before = all.at(-1);
    const joins = before?.kind === "message" && before.author === bubble.author && bubble.at - before.at < RUN_MS;
    if (joins) before.last = false;
    all.push({ kind: "message", ...bubble, first: !joins, last: true, newest: false });
  };

  for (const item of log.items) {
    if (item.kind === "note") {
      if (!isTold(item.note, invitations)) continue;
      let says = "";
      if (item.note.type === "setting") {
        says = item.note.stage !== setting?.stage ? "stage" : item.note.title !== setting.title ? "title" : "";
        setting = item.note;
        if (!says) continue;
      }
      startDay(item.note.at);
      const before = all.at(-1);
      if (before?.kind === "note" && item.note.type === "joined" && before.notes.every(isPlainJoin) && isPlainJoin(item.note)) {
        before.notes.push(item.note);
      } else all.push({ kind: "note", key: `note:${item.seq}`, notes: [item.note], says });
      continue;
    }
    const { message } = item;
    startDay(message.at);
    if (!marked && item.seq > unreadFrom && message.author !== log.me) {
      marked = true;
      all.push({ kind: "unread", key: "unread" });
    }
    const key = keys.get(message.id) ?? message.id;
    push({ key, author: message.author, own: message.author === log.me, at: message.at, message, entry: undefined });
  }

  // The author's clock may be behind the server's; what is not sent yet is the newest all the same.
  const newest = log.items.at(-1);
  const floor = newest ? (newest.kind === "message" ? newest.message.at : newest.note.at) : 0;
  for (const entry of entries) {
    const at = Math.max(entry.at, floor);
    startDay(at);
    push({ key: entry.client_id, author: log.me, own: true, at, message: undefined, entry });
  }
  const own = all.findLast((row) => row.kind === "message" && row.own && row.message?.state !== "removed");
  if (own?.kind === "message") own.newest = true;
  return all;
}

/**
 * Whether a note is worth a line. Joining and leaving of an agent is told by `joined` and `left`; consent changes no state.
 * @param {import("./fold").Note} note
 * @param {Map<string, string>} invitations the last state told of each
 */
function isTold(note, invitations) {
  if (note.type !== "invitation") return true;
  const { id, state } = note.invitation;
  const before = invitations.get(id);
  invitations.set(id, state);
  return before !== state && state !== "joined" && state !== "left";
}

/** @param {import("./fold").Note} note */
function isPlainJoin(note) {
  return note.type === "joined" && note.member.role !== "agent";
}
