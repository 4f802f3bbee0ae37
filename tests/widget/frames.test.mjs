import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Log } from "../../server/static/chat/fold.js";
import { Outbox } from "../../server/static/chat/outbox.js";

const frames = readFileSync(new URL("../data/frames.jsonl", import.meta.url), "utf8").trim().split("\n").map((line) => JSON.parse(line));
const commands = frames.flatMap(({ command }) => (command ? [command] : []));
const events = frames.flatMap(({ event }) => (event ? [event] : []));
const of = (type) => events.filter((event) => event.type === type);
const IN_THE_LOG = ["posted", "changed", "hidden", "joined", "left", "setting", "invitation"];

test("every example of an event of the log folds in the order of its number", () => {
  const [welcome] = of("welcome");
  const log = new Log(welcome.conversations[0].id);
  log.begin(welcome.conversations[0], welcome.participant);
  log.page({ type: "history", ref: "1", conversation: log.conversation, events: [], more: false });
  log.last = welcome.conversations[0].last_seq;
  const examples = events.filter((event) => IN_THE_LOG.includes(event.type) && event.seq > log.last).sort((a, b) => a.seq - b.seq);
  for (const event of examples) assert.equal(log.fold(event), "folded", JSON.stringify(event));
  assert.equal(log.last, examples.at(-1).seq);
  assert.equal(log.messages.get("m-13").version, 17);
  assert.equal(log.people.get("rui").role, "provider");
  assert.ok(!log.members.has("rui"));
  assert.equal(log.stage, "ordered");
  assert.equal(log.invitation.state, "requested");
});

test("the examples of resume, reset and history fold", () => {
  const log = new Log(of("resumed")[0].conversation);
  log.page(of("history")[0]);
  log.resumed(of("resumed")[0]);
  assert.equal(log.last, 14);
  log.reset(of("reset")[0]);
  assert.deepEqual([log.epoch, log.items.length], ["e2", 0]);
});

test("every example of an answer ends an entry's waiting", () => {
  for (const answer of [...of("accepted"), ...of("refused"), ...of("advised")]) {
    const map = new Map();
    const box = new Outbox({ length: 0, key: () => null, getItem: () => null, setItem: (key, value) => map.set(key, value), removeItem: () => {} }, "s", () => "k", () => 1);
    const entry = box.add({ text: "one" });
    box.send(entry, "c");
    box.answer(entry, answer);
    assert.notEqual(entry.state, "sending", JSON.stringify(answer));
  }
});

test("the element's post has the fields of the example, ref aside", () => {
  const full = commands.find((command) => command.type === "post" && command.despite_advice);
  const box = new Outbox({ length: 0, key: () => null, getItem: () => null, setItem: () => {}, removeItem: () => {} }, "s", () => full.client_id, () => 1);
  const entry = box.add({ text: full.text, reply_to: full.reply_to, attachments: full.attachments, suggestion: full.suggestion });
  box.insist(entry);
  assert.deepEqual({ ...box.send(entry, full.conversation), ref: full.ref }, full);
});

test("the element sends no command that has no example", () => {
  const source = readFileSync(new URL("../../server/static/tertulia-chat.js", import.meta.url), "utf8");
  const known = new Map(commands.map((command) => [command.type, Object.keys(command)]));
  const sent = [...source.matchAll(/\{ type: "(\w+)"([^}]*)\}/g)];
  assert.ok(sent.length >= 12);
  for (const [, type, rest] of sent) {
    const fields = [...rest.replaceAll("...this.#here", "conversation: 1").matchAll(/(\w+)(?=:|,|\s*$)/g)].map(([, name]) => name);
    assert.ok(known.has(type), type);
    const allowed = new Set(commands.filter((command) => command.type === type).flatMap((command) => Object.keys(command)));
    for (const [, name] of rest.replaceAll("...this.#here", "conversation: 1").matchAll(/(?:^|,)\s*(\w+)/g)) assert.ok(allowed.has(name), `${type}.${name} of ${fields}`);
  }
});
