import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

import { STYLES } from "../../server/static/chat/styles.js";
import { TOKENS } from "../../server/static/chat/tokens.js";

const folder = new URL("../../server/static/", import.meta.url);
const read = (name) => readFileSync(new URL(name, folder), "utf8");

test("the element and the pages have the same tokens", () => {
  assert.equal(TOKENS.trim(), read("tokens.css").replace(/^\/\*.*?\*\/\n/s, "").trim());
});

test("every custom property that the style reads exists", () => {
  const defined = new Set([...(TOKENS + STYLES).matchAll(/(--[\w-]+):/g)].map(([, name]) => name));
  const placed = new Set(["--top", "--left", "--tertulia-accent", "--tertulia-font", "--tertulia-radius"]);
  for (const [, name] of (TOKENS + STYLES).matchAll(/var\((--[\w-]+)/g)) assert.ok(defined.has(name) || placed.has(name), name);
});

test("nobody's words can become markup", () => {
  for (const name of ["tertulia-chat.js", ...readdirSync(new URL("chat/", folder)).map((file) => `chat/${file}`).filter((file) => file.endsWith(".js"))]) {
    assert.doesNotMatch(read(name), /innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|\beval\b|new Function/, name);
  }
});

test("the code that a chat loads at first is under 40 KiB, compressed; comments cost a host that keeps them 10 KiB more", () => {
  const seen = new Set();
  const load = (name) => {
    if (seen.has(name)) return 0;
    seen.add(name);
    const text = read(name);
    const code = text.replace(/^ *\/\*\*[^]*?\*\/\n/gm, "").replace(/^ *\/\/.*\n/gm, "");
    const imports = [...text.matchAll(/^import .* from "(.+)";$/gm)].map(([, from]) => new URL(from, new URL(name, folder)).href.slice(folder.href.length));
    return imports.reduce((sum, each) => sum + load(each), gzipSync(code, { level: 9 }).length);
  };
  const total = load("tertulia-chat.js") + Math.max(...["es", "en", "pt"].map((lang) => load(`chat/words/${lang}.js`)));
  assert.ok(seen.size > 10);
  assert.ok(total < 40 * 1024, `${total} bytes`);
});
