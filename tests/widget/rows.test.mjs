import assert from "node:assert/strict";
import { test } from "node:test";

import { Log } from "../../server/static/chat/fold.js";
import { rows } from "../../server/static/chat/rows.js";

const MINUTE = 60_000;
const NOON = new Date(2026, 2, 10, 12).getTime();

function logOf(...events) {
  const log = new Log("c");
  log.begin({ id: "c", title: "", stage: "enquiry", epoch: "e", last_seq: 0, read: 0, members: [] }, "ana");
  log.page({ type: "history", ref: "1", conversation: "c", more: false, events: events.map((event, at) => ({ type: "posted", conversation: "c", seq: at + 1, id: `m${at + 1}`, version: at + 1, role: "buyer", text: "t", at: NOON + at * MINUTE, ...event })) });
  return log;
}
const say = (author, more = {}) => ({ author, ...more });
const shape = (log, entries = [], unreadFrom = -1, keys = new Map()) =>
  rows(log, entries, keys, unreadFrom).map((row) => (row.kind === "message" ? `${row.author}${row.first ? " first" : ""}${row.last ? " last" : ""}` : row.kind));

test("messages of one author form a run", () => {
  assert.deepEqual(shape(logOf(say("luis"), say("luis"), say("ana"))), ["day", "luis first", "luis last", "ana first last"]);
});

test("a long silence starts a new run", () => {
  assert.deepEqual(shape(logOf(say("luis"), say("luis", { at: NOON + 30 * MINUTE }))), ["day", "luis first last", "luis first last"]);
});

test("a new day starts with its name and a new run", () => {
  assert.deepEqual(shape(logOf(say("luis"), say("luis", { at: NOON + 24 * 60 * MINUTE }))), ["day", "luis first last", "day", "luis first last"]);
});

test("the mark stands before the first message of another after the last one read", () => {
  assert.deepEqual(shape(logOf(say("luis"), say("ana"), say("luis"), say("rui")), [], 1), ["day", "luis first last", "ana first last", "unread", "luis first last", "rui first last"]);
});

test("without a message of another after it there is no mark", () => {
  assert.deepEqual(shape(logOf(say("luis"), say("ana")), [], 1), ["day", "luis first last", "ana first last"]);
});

test("what waits to be sent comes last, whatever the author's clock says", () => {
  const entry = { client_id: "k1", at: 5, text: "x", state: "waiting", reply_to: "" };
  assert.deepEqual(shape(logOf(say("luis"), say("ana")), [entry]), ["day", "luis first last", "ana first", "ana last"]);
});

test("a message keeps the key that it had while it was being sent", () => {
  const log = logOf(say("ana"));
  assert.equal(rows(log, [], new Map([["m1", "k1"]]), -1).at(-1).key, "k1");
});

test("progress is told at the newest of one's own messages that has words", () => {
  const log = logOf(say("ana"), say("ana"), say("luis"), say("ana", { state: "removed", text: "" }));
  assert.deepEqual(rows(log, [], new Map(), -1).filter((row) => row.newest).map((row) => row.message.id), ["m2"]);
});

const joined = (id, role = "buyer") => ({ type: "joined", member: { id, name: id, role } });
const invitation = (state, id = "i1") => ({ type: "invitation", invitation: { id, state, by: "ana" } });

test("people who join together are told together, an agent alone", () => {
  const told = rows(logOf(joined("a"), joined("b"), joined("c"), joined("marta", "agent")), [], new Map(), -1).filter((row) => row.kind === "note");
  assert.deepEqual(told.map((row) => row.notes.length), [3, 1]);
});

test("of an invitation its request and its end without an agent are told, once", () => {
  const told = (...states) => rows(logOf(...states.map((state) => invitation(state))), [], new Map(), -1).filter((row) => row.kind === "note").map((row) => row.notes[0].invitation.state);
  assert.deepEqual(told("requested", "requested", "joined", "joined", "left"), ["requested"]);
  assert.deepEqual(told("requested", "withdrawn"), ["requested", "withdrawn"]);
});

test("a setting tells what has changed, and nothing where the reader sees no difference", () => {
  const setting = (stage, title) => ({ type: "setting", stage, title });
  const told = rows(logOf(setting("ordered", "Bike"), setting("ordered", "Blue bike"), setting("ordered", "Blue bike"), setting("delivered", "Blue bike")), [], new Map(), -1);
  assert.deepEqual(told.filter((row) => row.kind === "note").map((row) => row.says), ["stage", "title", "stage"]);
});

test("a thousand messages are laid out in a few milliseconds", () => {
  const log = logOf(...Array.from({ length: 5_000 }, (_, at) => say(["luis", "ana", "rui"][at % 3])));
  rows(log, [], new Map(), -1);
  const start = performance.now();
  assert.equal(rows(log, [], new Map(), 100).filter((row) => row.kind === "message").length, 5_000);
  assert.ok(performance.now() - start < 250);
});
