import assert from "node:assert/strict";
import { test } from "node:test";

import { afterClose, socketUrl, waitBefore } from "../../server/static/chat/connection.js";

for (const [code, sequel] of [
  [4000, "resume"], [4001, "resume"], [4005, "resume"], [4006, "resume"], [4007, "resume"],
  [1000, "resume"], [1001, "resume"], [1005, "resume"], [1006, "resume"], [1011, "resume"], [1012, "resume"],
  [4401, "refresh"], [4004, "refresh"],
  [4008, "later"], [4429, "later"], [4503, "later"],
  [4002, "stop"], [4003, "stop"], [4403, "stop"], [4409, "stop"],
]) {
  test(`close code ${code} means ${sequel}`, () => assert.equal(afterClose(code), sequel));
}

test("each attempt waits up to twice as long as the one before, and never longer than half a minute", () => {
  const longest = Array.from({ length: 12 }, (_, attempt) => waitBefore(attempt, "resume", 1));
  assert.deepEqual(longest.slice(0, 4), [500, 1000, 2000, 4000]);
  assert.equal(Math.max(...longest), 30_000);
});

test("half of every wait is left to chance", () => {
  for (let attempt = 0; attempt < 10; attempt++) assert.equal(waitBefore(attempt, "resume", 0) * 2, waitBefore(attempt, "resume", 1));
});

test("a server that asks for room gets five seconds at least", () => {
  assert.ok(waitBefore(0, "later", 0) >= 5_000);
});

for (const [server, url] of [
  ["https://chat.example", "wss://chat.example/v1/ws"],
  ["http://127.0.0.1:8000/", "ws://127.0.0.1:8000/v1/ws"],
  ["https://shop.example/chat", "wss://shop.example/chat/v1/ws"],
]) {
  test(`${server} is reached at ${url}`, () => assert.equal(socketUrl(server), url));
}
