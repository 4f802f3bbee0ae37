/**
 * The item in the middle, and what speaks for and against it at the right.
 * @module
 */

import { button, h, icon } from "../../chat/dom.js";
import { sign } from "../icons.js";
import { categoryOf, evidence, explained } from "./evidence.js";

/** @typedef {import("./review.js").Detail} Detail */
/** @typedef {import("../../chat/i18n.js").Voice} Voice */

const ROLES = new Set(["buyer", "seller", "provider", "agent", "bot"]);

/**
 * The message with its evidence, in the conversation around it.
 * @param {Detail} detail
 * @param {Voice} voice
 * @param {boolean} blurred
 */
export function conversation(detail, voice, blurred) {
  const { item, message, context } = detail;
  const findings = inOrder(detail.findings);
  const subject = h("p", { class: "words", dir: "auto" }, evidence(message.text, findings, message.masks ?? []));
  const card = h(
    "article",
    { class: `subject ${item.message_state}`, "aria-label": voice.say("item.message") },
    h("header", {}, person(message.author_name || message.author, message.role, voice), h("time", {}, voice.moment.format(message.at)), state(item.message_state, message, voice)),
    subject,
    findings.length ? explained(findings, message.text, voice) : h("p", { class: "muted none" }, voice.say("evidence.none")),
  );
  const around = context.length ? context.map((line) => (line.subject ? card : lineOf(line, voice))) : [card];
  if (!around.includes(card)) around.push(card);
  const element = h("div", { class: `conversation${blurred ? " blurred" : ""}` }, around);
  return { element, subject, card };
}

/** A clause as one says it: its id is made of words. @param {string} id */
export function called(id) {
  return id.replaceAll("_", " ");
}

/** What points at words by its place, then what is meant of the whole. @param {import("./review.js").Finding[]} findings */
export function inOrder(findings) {
  const spanned = (/** @type {import("./review.js").Finding} */ each) => each.end > each.start;
  return [...findings.filter(spanned).sort((a, b) => a.start - b.start || b.end - a.end), ...findings.filter((each) => !spanned(each))];
}

/** @param {any} line @param {Voice} voice */
export function lineOf(line, voice) {
  if (line.kind !== "posted") {
    const key = `context.${line.kind}`;
    return h("p", { class: "event muted" }, voice.say(voice.knows(key) ? key : "context.setting", { name: line.author_name || line.author || "", stage: line.detail?.stage ?? "" }));
  }
  return h(
    "div",
    { class: `line ${line.state}` },
    h("span", { class: "by" }, person(line.author_name || line.author, line.role, voice), h("time", {}, voice.clock.format(line.at))),
    h("p", { class: "words", dir: "auto" }, line.text || h("em", { class: "muted" }, voice.say("context.gone"))),
    line.state !== "visible" ? h("span", { class: "tag" }, voice.say(`state.${line.state}`)) : "",
  );
}

/** @param {string} name @param {string} role @param {Voice} voice */
export function person(name, role, voice) {
  return h("span", { class: `person ${role}`, title: ROLES.has(role) ? voice.say(`party.${role}`) : "" }, ROLES.has(role) ? icon(/** @type {any} */ (role)) : "", h("bdi", {}, name), ROLES.has(role) ? h("span", { class: "aside" }, voice.say(`party.${role}`)) : "");
}

/** @param {string} kind @param {any} message @param {Voice} voice */
function state(kind, message, voice) {
  return [
    h("span", { class: `tag state ${kind}` }, voice.say(`state.${kind}`)),
    message.edited_at ? h("span", { class: "tag" }, voice.say("state.edited")) : "",
    message.retracted ? h("span", { class: "tag" }, voice.say("state.retracted")) : "",
  ].filter(Boolean)[0];
}

/**
 * Why it is here: who or what spoke, scores, reports, the appeal.
 * @param {Detail} detail
 * @param {Voice} voice
 * @param {Record<string, number>} least the scores from which the classifiers find anything
 */
export function grounds(detail, voice, least) {
  const { item, clauses, scores, reports, appeal, decisions } = detail;
  const first = decisions.find((each) => each.by === "policy" && !each.dropped);
  const degraded = first?.degraded ?? [];
  const dropped = decisions.filter((each) => each.dropped);
  const [name, version] = item.policy.split("@");
  return h(
    "section",
    { class: "grounds" },
    h("h2", {}, voice.say("grounds")),
    h("div", { class: "causes" }, item.causes.map((cause) => h("span", { class: `tag cause ${cause}` }, voice.knows(`cause.${cause}`) ? voice.say(`cause.${cause}`) : cause)), first ? h("span", { class: "muted" }, voice.say("grounds.verdict", { verdict: voice.say(`verdict.${first.verdict}`) })) : ""),
    clauses.map((clause) => h("div", { class: "clause" }, h("p", {}, h("strong", {}, called(clause.id)), clause.verdict ? h("span", { class: "tag" }, voice.say(`verdict.${clause.verdict}`)) : "", clause.points ? h("span", { class: "muted" }, voice.say("points", { n: clause.points })) : ""), clause.text ? h("p", { class: "muted" }, clause.text) : "")),
    item.policy ? h("p", { class: "muted version", title: item.policy }, voice.say("grounds.policy", { name, version: (version ?? "").slice(0, 8) })) : "",
    degraded.length ? h("p", { class: "notice" }, voice.say("grounds.degraded", { stages: voice.join(degraded) })) : "",
    dropped.map((each) => h("p", { class: "notice" }, voice.say("grounds.dropped", { verdict: voice.say(`verdict.${each.verdict}`), time: voice.moment.format(each.at) }))),
    appeal?.state === "open" ? h("div", { class: "said" }, h("h3", {}, voice.say("appeal.says")), h("p", { dir: "auto" }, appeal.note || voice.say("appeal.wordless"))) : "",
    bars(scores, { ...least, ...thresholds(clauses) }, voice),
    reports.length ? h("div", { class: "said" }, h("h3", {}, voice.say("reports", { n: reports.length })), reports.map((each) => h("p", {}, h("span", { class: "tag" }, voice.knows(`reason.${each.reason}`) ? voice.say(`reason.${each.reason}`) : each.reason), " ", h("span", { dir: "auto" }, each.note)))) : "",
  );
}

/** Where a score begins to count, by the clauses that spoke. @param {import("./review.js").Clause[]} clauses */
function thresholds(clauses) {
  return Object.assign({}, ...clauses.map(({ thresholds: each }) => each ?? {}));
}

/**
 * Scores from 0 to 1 as bars, with the threshold marked where there is one.
 * @param {Record<string, number>} scores
 * @param {Record<string, number>} marks
 * @param {Voice} voice
 */
export function bars(scores, marks, voice) {
  const shown = Object.entries(scores).sort(([, a], [, b]) => b - a);
  if (!shown.length) return "";
  return h(
    "dl",
    { class: "bars" },
    shown.map(([name, score]) => {
      const bar = h("i", { class: marks[name] !== undefined && score >= marks[name] ? "over" : null });
      bar.style.inlineSize = `${Math.round(score * 100)}%`;
      const mark = marks[name] === undefined ? null : h("b", { title: voice.say("threshold", { n: marks[name] }) });
      if (mark) mark.style.insetInlineStart = `${Math.round(marks[name] * 100)}%`;
      return h("div", {}, h("dt", {}, categoryOf(name, voice)), h("dd", { class: "meter", "aria-hidden": "true" }, bar, mark), h("dd", { class: "number" }, voice.number.format(Math.round(score * 100) / 100)));
    }),
  );
}

/**
 * What is known of the author.
 * @param {Detail} detail
 * @param {Voice} voice
 * @param {() => void} further asks for their other conversations
 */
export function record({ person: who, item }, voice, further) {
  const now = Date.now();
  const lasting = who.sanctions.filter((/** @type {any} */ each) => !each.lifted_at && (!each.until || each.until > now));
  const strikes = who.strikes.filter((/** @type {any} */ each) => !each.withdrawn_at && each.expires_at > now);
  return h(
    "section",
    { class: "record" },
    h("h2", {}, person(who.name || item.author_name, who.role, voice)),
    h(
      "dl",
      { class: "facts" },
      fact(voice.say("record.points"), h("span", { class: `points${who.points ? " some" : ""}`, "data-points": who.points }, voice.number.format(who.points))),
      fact(voice.say("record.strikes"), voice.number.format(strikes.length)),
      fact(voice.say("record.items"), voice.number.format(who.items.length)),
      fact(voice.say("record.conversations"), voice.number.format(who.conversations)),
    ),
    lasting.map((/** @type {any} */ each) => h("p", { class: "notice" }, voice.say(`sanction.${each.kind}`), each.until ? ` · ${voice.say("until", { time: voice.moment.format(each.until) })}` : "")),
    strikes.length ? h("ul", { class: "strikes" }, strikes.slice(0, 4).map((/** @type {any} */ each) => h("li", {}, h("code", {}, each.clause || "—"), h("span", { class: "muted" }, `${voice.say("points", { n: each.points })} · ${voice.ago(each.at, now)}`)))) : "",
    who.proposal?.act ? h("p", { class: "muted" }, voice.say("record.proposal", { act: voice.say(`sanction.${who.proposal.act}`), points: who.proposal.points })) : "",
    button(voice.say("record.elsewhere"), { class: "link", onclick: further }),
  );
}

/** @param {string} name @param {Node | string} value */
function fact(name, value) {
  return h("div", {}, h("dt", {}, name), h("dd", { class: "number" }, value));
}

/**
 * What staff did about it before.
 * @param {any[]} acts
 * @param {Voice} voice
 */
export function deeds(acts, voice) {
  if (!acts.length) return "";
  return h(
    "section",
    { class: "before" },
    h("h2", {}, voice.say("acts.before")),
    h("ul", {}, acts.map((each) => h("li", { class: each.undone_at ? "undone" : "" }, h("strong", {}, voice.say(`outcome.${each.outcome}`)), h("span", { class: "muted" }, ` ${each.actor_name} · ${voice.ago(each.at, Date.now())}`), each.reason ? h("p", { dir: "auto" }, each.reason) : ""))),
  );
}

/** Nothing is chosen, or there is nothing left. @param {Voice} voice @param {boolean} done @param {string} why nothing more is given for now */
export function idle(voice, done, why = "") {
  if (why) return h("div", { class: "nothing" }, sign("clock"), h("h2", {}, voice.say("budget")), h("p", {}, why));
  return h("div", { class: "nothing" }, sign(done ? "check" : "queue"), h("h2", {}, voice.say(done ? "queue.done" : "queue.choose")), h("p", {}, voice.say(done ? "queue.done.text" : "queue.choose.text")));
}
