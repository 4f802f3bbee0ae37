import assert from "node:assert/strict";
import { test } from "node:test";

import { Log } from "../../server/static/chat/fold.js";

const member = (id, more = {}) => ({ id, name: id.toUpperCase(), role: "buyer", ...more });
const view = (more = {}) => ({ id: "c", title: "Bike", stage: "enquiry", epoch: "e1", last_seq: 0, read: 0, members: [member("ana"), member("luis", { role: "seller" }), member("rui")], ...more });
const posted = (seq, more = {}) => ({ type: "posted", conversation: "c", seq, id: `m${seq}`, author: "luis", role: "seller", text: `text ${seq}`, at: seq * 1000, version: seq, ...more });
const changed = (seq, of, more = {}) => ({ ...posted(of), type: "changed", seq, version: seq, message_seq: of, change: "edited", ...more });
const page = (events, more = false) => ({ type: "history", ref: "1", conversation: "c", events, more });
const range = (from, to) => Array.from({ length: to - from + 1 }, (_, at) => posted(from + at));
const seqs = (log) => log.items.map((item) => item.seq);

function loaded(events = range(1, 3), more = {}) {
  const log = new Log("c");
  log.begin(view({ last_seq: events.at(-1)?.seq ?? 0, ...more }), "ana");
  log.page(page(events));
  return log;
}

test("a log takes events in the order of their numbers", () => {
  const log = loaded();
  assert.equal(log.fold(posted(4)), "folded");
  assert.deepEqual(seqs(log), [1, 2, 3, 4]);
  assert.equal(log.last, 4);
});

test("an event already folded is ignored, however often it comes", () => {
  const log = loaded();
  for (const seq of [3, 1, 3]) assert.equal(log.fold(posted(seq, { text: "other" })), "ignored");
  assert.equal(log.messages.get("m3").text, "text 3");
  assert.deepEqual(seqs(log), [1, 2, 3]);
});

test("a number skipped is a gap, and what came after it waits for its turn", () => {
  const log = loaded();
  assert.equal(log.fold(posted(6)), "gap");
  assert.equal(log.fold(posted(5)), "gap");
  assert.deepEqual(seqs(log), [1, 2, 3]);
  assert.equal(log.fold(posted(4)), "folded");
  assert.deepEqual(seqs(log), [1, 2, 3, 4, 5, 6]);
});

test("the answer to since closes a gap", () => {
  const log = loaded();
  log.fold(posted(7));
  assert.equal(log.resumed({ type: "resumed", conversation: "c", after: 3, epoch: "e1", last_seq: 6, events: range(4, 6) }), "folded");
  assert.deepEqual(seqs(log), [1, 2, 3, 4, 5, 6, 7]);
});

test("an answer that ends before the gap does leaves the gap open", () => {
  const log = loaded();
  log.fold(posted(9));
  assert.equal(log.resumed({ type: "resumed", conversation: "c", after: 3, epoch: "e1", last_seq: 5, events: range(4, 5) }), "gap");
  assert.equal(log.last, 5);
});

test("an empty resume changes nothing", () => {
  const log = loaded();
  assert.equal(log.resumed({ type: "resumed", conversation: "c", after: 3, epoch: "e1", last_seq: 3 }), "folded");
  assert.deepEqual(seqs(log), [1, 2, 3]);
});

test("a hidden event takes its number and shows nothing", () => {
  const log = loaded();
  assert.equal(log.fold({ type: "hidden", conversation: "c", seq: 4 }), "folded");
  assert.equal(log.fold(posted(5)), "folded");
  assert.deepEqual(seqs(log), [1, 2, 3, 5]);
});

test("events that come before the history page wait for it", () => {
  const log = new Log("c");
  log.begin(view({ last_seq: 3 }), "ana");
  assert.equal(log.fold(posted(4)), "folded");
  assert.equal(log.fold(posted(5)), "folded");
  assert.deepEqual(seqs(log), []);
  assert.equal(log.page(page(range(1, 4))), "folded");
  assert.deepEqual(seqs(log), [1, 2, 3, 4, 5]);
});

test("a history page that misses what came live before it reveals the gap", () => {
  const log = new Log("c");
  log.begin(view({ last_seq: 3 }), "ana");
  log.fold(posted(6));
  assert.equal(log.page(page(range(1, 3))), "gap");
});

test("who joined between welcome and history is a member", () => {
  const log = new Log("c");
  log.begin(view({ last_seq: 1 }), "ana");
  const joined = { type: "joined", conversation: "c", seq: 2, at: 2, member: member("eva") };
  log.fold(joined);
  log.page(page([posted(1), joined]));
  assert.ok(log.members.has("eva"));
});

test("who left before the history was read does not come back by it", () => {
  const log = loaded([{ type: "joined", conversation: "c", seq: 1, at: 1, member: member("eva") }, { type: "left", conversation: "c", seq: 2, at: 2, participant: "eva" }, posted(3)]);
  assert.deepEqual([...log.members].sort(), ["ana", "luis", "rui"]);
  assert.equal(log.people.get("eva").name, "EVA");
});

test("an older page comes before what is held, and changes nobody's membership", () => {
  const log = loaded(range(51, 60));
  log.more = true;
  assert.equal(log.page(page([...range(1, 49), { type: "left", conversation: "c", seq: 50, at: 1, participant: "rui" }])), "folded");
  assert.equal(log.first, 1);
  assert.equal(log.items.length, 60);
  assert.deepEqual(seqs(log).slice(0, 3), [1, 2, 3]);
  assert.ok(log.members.has("rui"));
  assert.equal(log.more, false);
});

test("an older page asked for twice is taken once", () => {
  const log = loaded(range(11, 20));
  log.page(page(range(1, 10)));
  log.page(page(range(1, 10)));
  assert.equal(log.items.length, 20);
});

test("a change gives a message another form and keeps its place", () => {
  const log = loaded();
  log.fold(changed(4, 2, { text: "edited", edited_at: 9, reactions: { "👍": ["ana"] } }));
  assert.deepEqual(seqs(log), [1, 2, 3]);
  const message = log.messages.get("m2");
  assert.deepEqual([message.text, message.seq, message.version, message.reactions], ["edited", 2, 4, { "👍": ["ana"] }]);
});

test("a change empties what it leaves out", () => {
  const log = loaded([posted(1, { reactions: { "👍": ["ana"] }, reasons: [{ clause: "c", category: "x", message: "m", action: "" }] })]);
  log.fold(changed(2, 1, { change: "reacted" }));
  assert.deepEqual([log.messages.get("m1").reactions, log.messages.get("m1").reasons], [{}, []]);
});

test("an older version never replaces a newer one", () => {
  const log = loaded([posted(11, { version: 15, text: "current" })]);
  log.page(page([changed(10, 11, { version: 10, text: "former" })]));
  assert.equal(log.messages.get("m11").text, "current");
});

test("a change of a message that is not loaded is left to the history", () => {
  const log = loaded(range(11, 12));
  assert.equal(log.fold(changed(13, 4, { text: "edited" })), "folded");
  assert.equal(log.messages.has("m4"), false);
  log.page(page([posted(4, { version: 13, text: "edited" })]));
  assert.equal(log.messages.get("m4").text, "edited");
});

test("a removed message keeps its place without its words", () => {
  const log = loaded();
  log.fold(changed(4, 2, { text: "", state: "removed", change: "removed" }));
  assert.deepEqual([log.messages.get("m2").state, log.messages.get("m2").text, seqs(log)], ["removed", "", [1, 2, 3]]);
});

test("a held message that is released appears at its own place", () => {
  const log = loaded([posted(1), { type: "hidden", conversation: "c", seq: 2 }, posted(3)]);
  log.fold(changed(4, 2, { change: "released" }));
  assert.deepEqual(log.items.map((item) => item.message.id), ["m1", "m2", "m3"]);
});

test("a reset forgets the events and keeps the people", () => {
  const log = loaded();
  log.fold(posted(9));
  log.reset({ type: "reset", conversation: "c", reason: "epoch_changed", epoch: "e2", last_seq: 2 });
  assert.deepEqual([log.loaded, log.items.length, log.early.size, log.epoch], [false, 0, 0, "e2"]);
  assert.equal(log.people.get("luis").name, "LUIS");
  assert.equal(log.page(page([posted(1), posted(2)])), "folded");
  assert.deepEqual(seqs(log), [1, 2]);
});

test("an invitation outside the log, as agents hear of it, is not folded", () => {
  const log = loaded();
  assert.equal(log.fold({ type: "invitation", conversation: "c", seq: 0, at: 1, invitation: {} }), "ignored");
});

test("the setting, the members and the invitation follow the log", () => {
  const log = loaded();
  log.fold({ type: "setting", conversation: "c", seq: 4, at: 1, title: "New", stage: "ordered", listing: "phones" });
  log.fold({ type: "left", conversation: "c", seq: 5, at: 1, participant: "ana" });
  log.fold({ type: "invitation", conversation: "c", seq: 6, at: 1, invitation: { id: "i", state: "requested" } });
  assert.deepEqual([log.title, log.stage, log.listing, log.member, log.invitation.state], ["New", "ordered", "phones", false, "requested"]);
});

test("unread are the messages of others after the reader's mark", () => {
  const log = loaded([...range(1, 3), posted(4, { author: "ana" }), posted(5), posted(6, { state: "removed", text: "" })], { read: 2 });
  assert.equal(log.unread(), 2);
  log.receipt("ana", 5);
  assert.equal(log.unread(), 0);
});

test("a message is sent, then delivered to all, then read by some", () => {
  const log = loaded([posted(1)]);
  log.fold(posted(2, { author: "ana" }));
  assert.equal(log.progress(2).state, "sent");
  log.presence("luis", true);
  assert.equal(log.progress(2).state, "sent");
  log.presence("rui", true);
  assert.equal(log.progress(2).state, "delivered");
  log.receipt("rui", 2);
  assert.deepEqual([log.progress(2).state, log.progress(2).readers.map(({ id }) => id), log.progress(2).of], ["read", ["rui"], 2]);
  log.fold(posted(3, { author: "ana" }));
  assert.equal(log.progress(3).state, "delivered");
});

test("bots are not counted among the readers", () => {
  const log = loaded([posted(1)], { members: [member("ana"), member("luis"), member("bot", { role: "bot" })] });
  assert.equal(log.progress(1).of, 1);
});

test("any order and any repetition of the live stream ends in the same log", () => {
  let seed = 7;
  const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  for (let round = 0; round < 200; round++) {
    const log = loaded([]);
    const truth = range(1, 20);
    const stream = [...truth, ...truth].filter(() => random() > 0.3).sort(() => random() - 0.5);
    for (const event of stream) log.fold(event);
    log.resumed({ type: "resumed", conversation: "c", after: log.last, epoch: "e1", last_seq: 20, events: truth.filter(({ seq }) => seq > log.last) });
    assert.deepEqual(seqs(log), truth.map(({ seq }) => seq), `round ${round}`);
    assert.equal(log.early.size, 0);
  }
});
