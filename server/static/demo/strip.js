/**
 * What the staff see: every decision in the moment it falls, and what waits for a person.
 * @module
 */

import { button, h, icon } from "../chat/dom.js";
import { Connection, Interrupted } from "../chat/connection.js";
import { enter } from "./server.js";

/** @typedef {import("../chat/i18n.js").Voice} Voice */
/** @typedef {{category: string, score: number, start: number, end: number, source: string, step?: string}} Finding */
/**
 * @typedef {object} Decision an event `decided`, and what was done about it here
 * @property {"decided"} type
 * @property {string} conversation
 * @property {string} message
 * @property {number} [seq]
 * @property {number} at
 * @property {string} author
 * @property {import("../chat/wire").Role} role
 * @property {string} text
 * @property {"allow" | "flag" | "nudge" | "mask" | "hold" | "block"} verdict
 * @property {string} policy
 * @property {Finding[]} [findings]
 * @property {string[]} [clauses]
 * @property {string[]} [degraded]
 * @property {number} [us]
 * @property {"release" | "remove" | "other"} [settled]
 */

const KEPT = 60;
const EXCERPT = 160; // characters shown; around the first finding
const LEAD = 40; // characters before the first finding

/** @type {Record<Decision["verdict"], import("../chat/dom.js").IconName>} */
const SIGNS = { allow: "check", flag: "report", nudge: "advice", mask: "hidden", hold: "clock", block: "stop" };

/**
 * @typedef {object} Actions
 * @property {(state: import("../chat/connection.js").State, code: number) => void} state
 * @property {(decisions: Decision[]) => void} keep
 * @property {(waiting: number) => void} waiting how many messages wait for a person
 */

export class Strip {
  /** @param {Actions} actions */
  constructor(actions) {
    this.actions = actions;
    /** @type {Voice | null} */
    this.voice = null;
    /** @type {Decision[]} newest first */
    this.decisions = [];
    /** @type {Map<string, string>} names of the people by their id */
    this.names = new Map();
    /** @type {Connection | null} */
    this.connection = null;
    /** @type {import("./memory.js").Started} */
    // @ts-ignore  until a chat is watched there is nothing to click
    this.started = null;
    this.title = h("span");
    this.pace = h("span", { class: "pace" });
    this.empty = h("p", { class: "empty" });
    this.list = h("ol", { class: "decisions" });
    this.scroll = h("div", { class: "scroll", tabindex: "0" }, this.empty, this.list);
    this.speaker = h("div", { class: "aside", role: "status" });
    this.console = h("span");
    this.roles = /** @type {const} */ (["reviewer", "lead"]).map((role) => ({ role, element: button("", { disabled: true, onclick: () => this.#enter(role) }) }));
    this.element = h(
      "section",
      { class: "panel strip" },
      h("h2", { class: "head", id: "name-staff" }, icon("eye"), this.title, this.pace),
      this.scroll,
      h("p", { class: "console" }, this.console, this.roles.map(({ element }) => element)),
      this.speaker,
    );
  }

  /** The console of this demo, in a tab of its own. @param {"reviewer" | "lead"} role */
  async #enter(role) {
    // Opened before the answer: a browser lets a tab be opened only by the click itself.
    const tab = open("about:blank", "tertulia-console");
    try {
      await enter(this.started, role);
      if (tab) tab.location.href = "/console/queue";
    } catch {
      tab?.close();
    }
  }

  /**
   * Watch a chat.
   * @param {import("./memory.js").Started} started
   * @param {Decision[]} decisions what fell before
   */
  watch(started, decisions) {
    this.names = new Map([...started.people, started.agent].map(({ id, name }) => [id, name]));
    this.started = started;
    for (const { element } of this.roles) element.disabled = false;
    this.decisions = decisions;
    this.connection?.close();
    this.connection = new Connection(location.origin, {
      token: () => started.staff.token,
      refresh: undefined,
      resume: () => [],
      event: (event) => this.#hear(/** @type {any} */ (event)),
      state: this.actions.state,
    });
    this.connection.open();
    this.#draw();
  }

  /** @param {Voice} voice */
  speak(voice) {
    this.voice = voice;
    this.title.textContent = voice.say("staff.title");
    this.empty.textContent = voice.say("staff.empty");
    this.pace.title = voice.say("staff.median.title");
    this.console.textContent = voice.say("staff.console");
    for (const { role, element } of this.roles) element.textContent = voice.say(`staff.console.${role}`);
    this.scroll.setAttribute("aria-label", voice.say("staff.title"));
    this.#draw();
  }

  /** @param {Decision} decision */
  #hear(decision) {
    if (decision.type !== "decided" || !this.voice) return;
    this.decisions = [decision, ...this.decisions].slice(0, KEPT);
    const row = this.#row(decision, this.voice);
    row.classList.add("new");
    this.list.prepend(row);
    while (this.list.childElementCount > KEPT) this.list.lastElementChild?.remove();
    if (decision.verdict !== "allow") {
      const name = this.names.get(decision.author) ?? decision.author;
      this.speaker.textContent = this.voice.say("staff.spoken", { name, verdict: this.voice.say(`verdict.${decision.verdict}`) });
    }
    this.#changed();
  }

  #changed() {
    this.actions.keep(this.decisions);
    this.#count();
  }

  #count() {
    const times = this.decisions.map(({ us = 0 }) => us).sort((a, b) => a - b);
    this.empty.hidden = times.length > 0;
    this.list.hidden = !times.length;
    this.pace.textContent = times.length ? this.voice?.say("staff.median", { n: times[times.length >> 1] }) ?? "" : "";
    this.actions.waiting(this.decisions.filter(waits).length);
  }

  #draw() {
    const { voice } = this;
    if (!voice) return;
    this.list.replaceChildren(...this.decisions.map((decision) => this.#row(decision, voice)));
    this.#count();
  }

  /** @param {Decision} decision @param {Voice} voice */
  #row(decision, voice) {
    const { verdict, findings = [], clauses = [] } = decision;
    const foot = h("div", { class: "act" });
    const row = h(
      "li",
      { class: `decision ${verdict}` },
      h("span", { class: "verdict" }, icon(SIGNS[verdict]), voice.say(`verdict.${verdict}`)),
      h("span", { class: "by" }, h("span", { class: `sign ${decision.role}` }, decision.role in ROLES ? icon(decision.role) : null), h("bdi", {}, this.names.get(decision.author) ?? decision.author)),
      h("span", { class: "us", title: voice.say("staff.us") }, voice.say("staff.micro", { n: decision.us ?? 0 })),
      h("p", { class: "said", dir: "auto" }, excerpt(decision.text, findings)),
      clauses.length || findings.length ? h("dl", { class: "why" }, this.#why(decision, voice)) : null,
      foot,
    );
    this.#drawAct(decision, voice, foot);
    return row;
  }

  /** @param {Decision} decision @param {Voice} voice */
  #why({ findings = [], clauses = [], degraded = [], policy }, voice) {
    const seen = findings.map(({ category, score, source }) =>
      h("div", { class: "found" }, h("dt", {}, voice.say(`category.${category}`)), h("dd", { class: "score" }, score.toFixed(2)), h("dd", { class: "source" }, source)),
    );
    const spoken = clauses.map((clause) => h("div", { class: "clause", title: policy }, h("dt", {}, voice.say("staff.clause")), h("dd", {}, h("code", {}, clause))));
    const late = degraded.map((stage) => h("div", { class: "clause" }, h("dt", {}, "!"), h("dd", {}, h("code", {}, stage))));
    return [...spoken, ...seen, ...late];
  }

  /** @param {Decision} decision @param {Voice} voice @param {HTMLElement} foot @param {string} [problem] */
  #drawAct(decision, voice, foot, problem = "") {
    foot.hidden = decision.verdict !== "hold";
    if (foot.hidden) return;
    if (decision.settled) {
      foot.replaceChildren(h("span", { class: "settled" }, icon("check"), voice.say(`staff.done.${decision.settled}`)));
      return;
    }
    /** @param {"release" | "remove"} act */
    const deed = (act) => button(voice.say(`staff.${act}`), { class: act, onclick: () => this.#resolve(decision, act, foot) });
    foot.replaceChildren(deed("release"), deed("remove"), problem ? h("span", { class: "problem", role: "alert" }, problem) : "");
  }

  /** @param {Decision} decision @param {"release" | "remove"} act @param {HTMLElement} foot */
  async #resolve(decision, act, foot) {
    const { voice, connection } = this;
    if (!voice || !connection) return;
    const { conversation, message } = decision;
    for (const each of foot.querySelectorAll("button")) each.disabled = true;
    try {
      const answer = await connection.ask({ type: "resolve", conversation, message, act });
      // An edited message is held again under its own id: one answer settles both.
      for (const each of this.decisions) if (each.message === message) each.settled = answer.type === "accepted" ? act : "other";
      this.#draw();
      this.#changed();
      this.scroll.focus({ preventScroll: true });
    } catch (problem) {
      if (!(problem instanceof Interrupted)) throw problem;
      this.#drawAct(decision, voice, foot, voice.say("staff.offline"));
    }
  }
}

const ROLES = { buyer: 1, seller: 1, provider: 1, agent: 1, bot: 1 };

/** @param {Decision} decision */
function waits({ verdict, settled }) {
  return verdict === "hold" && !settled;
}

/**
 * Somebody's words with what was found underlined. The server counts characters, JavaScript the halves of some.
 * @param {string} text
 * @param {Finding[]} findings
 * @returns {(Node | string)[]}
 */
export function excerpt(text, findings) {
  const letters = Array.from(text);
  const spans = findings.filter(({ start, end }) => end > start).sort((a, b) => a.start - b.start);
  const from = letters.length > EXCERPT && spans.length ? Math.max(0, spans[0].start - LEAD) : 0;
  const to = Math.min(letters.length, from + EXCERPT);
  /** @type {(Node | string)[]} */
  const pieces = from ? ["…"] : [];
  let at = from;
  for (const { start, end } of spans) {
    const begin = Math.max(start, at);
    const stop = Math.min(end, to);
    if (stop <= begin) continue;
    pieces.push(letters.slice(at, begin).join(""), h("mark", {}, letters.slice(begin, stop).join("")));
    at = stop;
  }
  pieces.push(letters.slice(at, to).join(""), to < letters.length ? "…" : "");
  return pieces;
}
