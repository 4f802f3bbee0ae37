import assert from "node:assert/strict";
import { test } from "node:test";

import { Log } from "../../server/static/chat/fold.js";
import { Outbox, ownerOf } from "../../server/static/chat/outbox.js";

class Memory {
  map = new Map();
  get length() { return this.map.size; }
  key(index) { return [...this.map.keys()][index] ?? null; }
  getItem(key) { return this.map.get(key) ?? null; }
  setItem(key, value) { this.map.set(key, value); }
  removeItem(key) { this.map.delete(key); }
}

function outbox(store = new Memory(), scope = "s") {
  let ids = 0;
  return new Outbox(store, scope, () => `k${store.length}-${++ids}`, () => 1000);
}
const accepted = (more = {}) => ({ type: "accepted", ref: "1", id: "m1", seq: 1, verdict: "allow", ...more });
const refused = (code, more = {}) => ({ type: "refused", ref: "1", code, message: "no", ...more });

function logWith(...messages) {
  const log = new Log("c");
  log.begin({ id: "c", title: "", stage: "enquiry", epoch: "e", last_seq: 0, read: 0, members: [] }, "ana");
  const events = messages.map((message, at) => ({ type: "posted", conversation: "c", seq: at + 1, version: at + 1, author: "ana", role: "buyer", at: 1000, ...message }));
  log.page({ type: "history", ref: "1", conversation: "c", events, more: false });
  return log;
}

test("what is written survives a reload, in its order and under the same client_id", () => {
  const store = new Memory();
  const before = outbox(store);
  const [first, second] = [before.add({ text: "one" }), before.add({ text: "two", reply_to: "m9" })];
  before.send(first, "c");
  const after = outbox(store);
  assert.deepEqual(after.entries.map(({ client_id, text, state, tried }) => [client_id, text, state, tried]), [
    [first.client_id, "one", "waiting", true],
    [second.client_id, "two", "waiting", false],
  ]);
});

test("two people on one machine do not see each other's words", () => {
  const store = new Memory();
  outbox(store, "ana").add({ text: "mine" });
  assert.equal(outbox(store, "luis").entries.length, 0);
});

test("rubbish under our key is passed over", () => {
  const store = new Memory();
  for (const [at, value] of ["", "null", "[]", "{}", '{"client_id":1}'].entries()) store.setItem(`tertulia:outbox:s:${at}`, value);
  assert.deepEqual(outbox(store).entries, []);
});

test("one post is on its way at a time, so that an author's order holds", () => {
  const box = outbox();
  const [first, second] = [box.add({ text: "one" }), box.add({ text: "two" })];
  assert.equal(box.next(), first);
  box.send(first, "c");
  assert.equal(box.next(), undefined);
  box.answer(first, accepted());
  assert.equal(box.next(), second);
});

test("the command carries what was given and nothing empty", () => {
  const box = outbox();
  assert.deepEqual(Object.keys(box.send(box.add({ text: "one" }), "c")).sort(), ["client_id", "conversation", "text", "type"]);
  const command = box.send(box.add({ text: "two", reply_to: "m1", suggestion: "s1", attachments: [{ url: "https://a.example", name: "a" }] }), "c");
  assert.deepEqual([command.reply_to, command.suggestion, command.attachments.length], ["m1", "s1", 1]);
});

test("after a cut the same entry goes again under the same client_id", () => {
  const box = outbox();
  const entry = box.add({ text: "one" });
  const sent = box.send(entry, "c");
  box.interrupted();
  assert.equal(box.next(), entry);
  assert.deepEqual(box.send(entry, "c"), sent);
});

for (const code of ["rate_limited", "unavailable", "storage_full"]) {
  test(`${code} passes: the entry waits and goes again`, () => {
    const box = outbox();
    const entry = box.add({ text: "one" });
    box.send(entry, "c");
    assert.equal(box.answer(entry, refused(code, { retry_after: 700 })), 700);
    assert.equal(box.next(), entry);
    box.send(entry, "c");
    assert.ok(box.answer(entry, refused(code)) > 0);
  });
}

for (const code of ["policy", "muted", "too_long", "not_found", "forbidden", "idempotency_conflict"]) {
  test(`${code} keeps the words for their author, and the next message goes on`, () => {
    const store = new Memory();
    const box = outbox(store);
    const [entry, next] = [box.add({ text: "one" }), box.add({ text: "two" })];
    box.send(entry, "c");
    const reasons = [{ clause: "x", category: "contact", message: "why", action: "edit" }];
    assert.equal(box.answer(entry, refused(code, { reasons })), 0);
    assert.deepEqual([entry.state, entry.code, entry.reasons], ["refused", code, reasons]);
    assert.equal(box.next(), next);
    assert.equal(outbox(store).entries[0].state, "refused");
  });
}

test("advice waits for its author; insisting sends the same post despite it", () => {
  const box = outbox();
  const entry = box.add({ text: "one" });
  const first = box.send(entry, "c");
  box.answer(entry, { type: "advised", ref: "1", advice: "nudge", reasons: [], rewrites: ["softer"] });
  assert.deepEqual([entry.state, entry.rewrites, box.next()], ["advised", ["softer"], undefined]);
  box.insist(entry);
  assert.deepEqual(box.send(entry, "c"), { ...first, despite_advice: true });
});

test("an accepted entry goes when its message is in the log, and leaves nothing behind", () => {
  const store = new Memory();
  const box = outbox(store);
  const entry = box.add({ text: "one" });
  box.send(entry, "c");
  box.answer(entry, accepted());
  assert.deepEqual([...box.settle(logWith())], []);
  assert.deepEqual([...box.settle(logWith({ id: "m1", text: "one" }))], [[entry.client_id, "m1"]]);
  assert.deepEqual([box.entries.length, store.length], [0, 0]);
});

test("an accepted entry whose message is further up than what is loaded goes as well", () => {
  const box = outbox();
  const entry = box.add({ text: "one" });
  box.send(entry, "c");
  box.answer(entry, accepted({ id: "m0", seq: 1 }));
  box.settle(logWith({ id: "x", text: "other" }));
  assert.equal(box.entries.length, 0);
});

test("words that came back with the events missed are not shown twice while they are sent again", () => {
  const box = outbox();
  const entry = box.add({ text: "one" });
  box.send(entry, "c");
  box.interrupted();
  const log = logWith({ id: "m1", text: "one" });
  assert.deepEqual([...box.settle(log)], [[entry.client_id, "m1"]]);
  assert.equal(box.entries.length, 1);
  box.send(entry, "c");
  box.answer(entry, accepted());
  box.settle(log);
  assert.equal(box.entries.length, 0);
});

test("the same words said twice are two messages", () => {
  const box = outbox();
  for (const entry of [box.add({ text: "one" }), box.add({ text: "one" })]) {
    box.send(entry, "c");
    box.interrupted();
  }
  assert.equal(box.settle(logWith({ id: "m1", text: "one" })).size, 1);
  assert.equal(box.settle(logWith({ id: "m1", text: "one" }, { id: "m2", text: "one" })).size, 2);
});

test("words never sent, or of somebody else, or of long ago are not taken for a message", () => {
  const box = outbox();
  box.add({ text: "one" });
  assert.equal(box.settle(logWith({ id: "m1", text: "one" })).size, 0);
  box.send(box.entries[0], "c");
  assert.equal(box.settle(logWith({ id: "m1", text: "one", author: "luis" })).size, 0);
  assert.equal(box.settle(logWith({ id: "m1", text: "one", at: -100_000 })).size, 0);
});

test("what another tab has finished goes here too, unless it is on its way from here", () => {
  const box = outbox();
  const [first, second] = [box.add({ text: "one" }), box.add({ text: "two" })];
  box.send(first, "c");
  assert.equal(box.changedElsewhere(`tertulia:outbox:s:${first.client_id}`, null), false);
  assert.equal(box.changedElsewhere(`tertulia:outbox:s:${second.client_id}`, null), true);
  assert.equal(box.changedElsewhere("something else", null), false);
  assert.deepEqual(box.entries, [first]);
});

test("the owner is read from a token", () => {
  const token = (claims) => `h.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.s`;
  assert.equal(ownerOf(token({ sub: "ana", tenant: "t1" })), "t1/ana");
  assert.equal(ownerOf(token({ sub: "josé 🚲", tenant: "t1" })), "t1/josé 🚲");
  for (const bad of ["", "ana", "a.b.c", token({}), token(null)]) assert.equal(ownerOf(bad), "", bad);
});
