/**
 * What the browser remembers of the demo: one chat a language, so that going back to a language goes on with its chat.
 * @module
 */

import { storage } from "../chat/outbox.js";

/** @typedef {import("../chat/i18n.js").Lang} Lang */
/**
 * @typedef {object} Seat
 * @property {string} id
 * @property {string} name
 * @property {import("../chat/wire").Role | "staff"} role
 * @property {string} token
 *
 * @typedef {object} Started what the server answered, and what was switched since
 * @property {string} conversation
 * @property {Lang} lang
 * @property {string} listing
 * @property {string} stage
 * @property {Record<string, string>} hints
 * @property {Seat[]} people
 * @property {Seat} agent
 * @property {Seat} staff
 */

const store = storage();
const LANG = "tertulia:demo:lang";

/** @param {Lang} lang */
export const keyOf = (lang) => `tertulia:demo:${lang}`;

/** @param {string} key @returns {any} */
function parse(key) {
  try {
    return JSON.parse(store.getItem(key) ?? "null");
  } catch {
    return null; // not ours
  }
}

/** The language chosen on the page, if any. */
export const chosenLang = () => store.getItem(LANG);

/** @param {Lang} lang */
export const chooseLang = (lang) => store.setItem(LANG, lang);

/** @param {Lang} lang @returns {Started | null} */
export function recall(lang) {
  const started = parse(keyOf(lang));
  return started?.people?.length && started.agent && started.staff && started.hints ? started : null;
}

/** @param {Started} started */
export const remember = (started) => store.setItem(keyOf(started.lang), JSON.stringify(started));

/** @param {Started} started @returns {import("./strip.js").Decision[]} newest first; nothing of another chat */
export function recallDecisions(started) {
  const kept = parse(`${keyOf(started.lang)}:decisions`);
  return kept?.of === started.staff.token && Array.isArray(kept.decisions) ? kept.decisions : [];
}

/** @param {Started} started @param {import("./strip.js").Decision[]} decisions */
export const rememberDecisions = (started, decisions) =>
  store.setItem(`${keyOf(started.lang)}:decisions`, JSON.stringify({ of: started.staff.token, decisions }));
