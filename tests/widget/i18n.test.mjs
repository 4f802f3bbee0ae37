import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { LANGS, nearest, Voice, wordsOf } from "../../server/static/chat/i18n.js";

const folder = new URL("../../server/static/", import.meta.url);
const all = Object.fromEntries(await Promise.all(LANGS.map(async (lang) => [lang, await wordsOf(lang)])));
const holes = (text) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
const sources = ["tertulia-chat.js", ...readdirSync(new URL("chat/", folder)).filter((name) => name.endsWith(".js")).map((name) => `chat/${name}`)]
  .map((name) => readFileSync(new URL(name, folder), "utf8"))
  .join("\n");

for (const lang of LANGS) {
  test(`${lang} has every sentence of es, with the same holes`, () => {
    assert.deepEqual(Object.keys(all[lang]), Object.keys(all.es));
    for (const [key, text] of Object.entries(all[lang])) {
      assert.ok(text.trim(), key);
      assert.deepEqual(holes(text), holes(all.es[key]), key);
    }
  });
}

test("no sentence of one language was left in another", () => {
  const same = Object.keys(all.en).filter((key) => all.en[key].length > 8 && (all.en[key] === all.es[key] || all.en[key] === all.pt[key]));
  assert.deepEqual(same, []);
});

test("every sentence that the code names exists", () => {
  const named = [...sources.matchAll(/\bsay\("([\w.]+)"/g), ...sources.matchAll(/"((?:report|appeal|rate|consent|net|stop)\.\w+)"/g)].map(([, key]) => key);
  assert.ok(named.length > 60);
  for (const key of named) assert.ok(key in all.es || `${key}.other` in all.es, key);
});

test("every role, stage, state of an invitation and refusal has its sentence", () => {
  const voice = new Voice("es", all.es);
  const roles = ["buyer", "seller", "provider", "agent", "bot"].map((role) => `role.${role}`);
  const stages = ["enquiry", "negotiation", "ordered", "delivered", "dispute"].map((stage) => `stage.${stage}`);
  const notes = ["requested", "withdrawn", "expired"].map((state) => `note.${state}`);
  const codes = ["too_long", "not_found", "forbidden", "muted", "rate_limited", "unavailable", "storage_full"].map((code) => `problem.${code}`);
  for (const key of [...roles, ...stages, ...notes, ...codes]) assert.ok(voice.knows(key), key);
});

for (const [wishes, lang] of [[["pt-BR"], "pt"], [["es-MX"], "es"], [["de", "es"], "es"], [["de"], "en"], [[null, undefined, ""], "en"], [["EN-gb"], "en"]]) {
  test(`${JSON.stringify(wishes)} reads ${lang}`, () => assert.equal(nearest(...wishes), lang));
}

for (const [lang, brand, key, values, said] of [
  ["es", "", "invite", {}, "Invitar a la marca"],
  ["es", "Mercado Sol", "brand.silent", {}, "Mercado Sol no está en el chat"],
  ["es", "", "brand.silent", {}, "La marca no está en el chat"],
  ["pt", "", "role.agent", {}, "Equipe da marca"],
  ["pt", "", "note.requested", { name: "Ana" }, "Ana convidou a marca"],
  ["pt", "", "note.withdrawn", { name: "Ana" }, "Ana cancelou o convite à marca"],
  ["pt", "Casa Azul", "role.agent", {}, "Equipe de Casa Azul"],
  ["en", "", "unread", { n: 1 }, "1 new message"],
  ["en", "", "unread", { n: 1234 }, "1,234 new messages"],
  ["es", "", "state.read.of", { n: 2, of: 3 }, "Leído por 2 de 3"],
  ["es", "", "note.joined", { n: 2, names: "Ana y Luis" }, "Ana y Luis se han unido"],
  ["en", "", "typing.1", { a: "{b}" }, "{b} is typing…"],
  ["en", "", "no.such.key", {}, ""],
]) {
  test(`${lang}: ${said || key}`, () => assert.equal(new Voice(lang, all[lang], brand).say(key, values), said));
}

test("days are told as people tell them", () => {
  const voice = new Voice("es", all.es);
  const now = new Date(2026, 2, 10, 12).getTime();
  const day = 86_400_000;
  assert.deepEqual([0, 1, 3, 400].map((days) => voice.day(now - days * day, now)), ["Hoy", "Ayer", "Sábado, 7 de marzo", "3 de febrero de 2025"]);
});
