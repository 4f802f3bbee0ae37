/** The trials of a draft: begun, followed, and told. @module */

import { button, h } from "../../chat/dom.js";
import { dialog } from "../dialogs.js";
import { field, toggle } from "../forms.js";
import { verdict } from "./draft.js";

const FOLLOW_MS = 1_000;
const KINDS = /** @type {const} */ (["caught", "released", "stricter", "milder"]);
const TABLES = /** @type {const} */ (["clauses", "languages", "roles"]);
const MOST_ROWS = 12;

export class Trials {
  #timer = 0;
  #closed = false;

  /**
   * @param {import("../lab.js").Lab} lab
   * @param {any} draft
   * @param {HTMLElement} pane
   * @param {() => Promise<void>} save what was written but not saved
   */
  constructor(lab, draft, pane, save) {
    this.lab = lab;
    this.draft = draft;
    this.save = save;
    this.list = h("div", { class: "trials" });
    const { voice } = lab;
    const days = field(voice.say("backtest.days"), { type: "number", min: "0", max: "3650", value: "30" });
    let judged = false;
    pane.replaceChildren(
      lab.writes
        ? h("div", { class: "begin" },
            h("section", {}, h("p", { class: "muted" }, voice.say("backtest.text")), days.element, toggle(voice.say("backtest.judged"), false, (on) => (judged = on)),
              button(voice.say("backtest"), { onclick: () => this.#begin("backtest", { days: Number(days.input.value) || 0, judged }) })),
            h("section", {}, h("p", { class: "muted" }, voice.say("shadow.text")), button(voice.say("shadow"), { onclick: () => this.#begin("shadow") })))
        : "",
      this.list,
    );
  }

  /** Show those of this draft, and follow the ones that run. */
  async load() {
    const { api } = this.lab.console;
    try {
      const { trials } = await api.get("/policies");
      const mine = trials.filter((/** @type {any} */ one) => one.draft === this.draft.id);
      const reports = await Promise.all(mine.slice(0, 6).map((/** @type {any} */ one) => api.get(`/policies/trials/${one.id}`)));
      if (this.#closed) return;
      const open = new Set([...this.list.querySelectorAll("details[open]")].map((each) => each.id));
      this.list.replaceChildren(...reports.map((report, n) => this.#told(report, open.size ? open.has(report.trial.id) : n === 0)));
      clearTimeout(this.#timer);
      if (reports.some(({ trial }) => trial.state === "running")) this.#timer = setTimeout(() => this.load(), FOLLOW_MS);
    } catch (problem) {
      this.lab.tell(problem);
    }
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** @param {"backtest" | "shadow"} what @param {object} [body] */
  async #begin(what, body) {
    try {
      await this.save();
      await this.lab.console.api.post(`/policies/drafts/${this.draft.id}/${what}`, body);
      await this.load();
    } catch (problem) {
      this.lab.tell(problem);
    }
  }

  /** @param {any} report @param {boolean} open */
  #told({ trial, tally, days }, open) {
    const { voice, console, writes } = this.lab;
    const running = trial.state === "running";
    const stop = async () => {
      await console.api.post(`/policies/trials/${trial.id}/stop`).catch(this.lab.tell);
      await this.load();
    };
    const load = tally.review.map((/** @type {number} */ n) => voice.number.format(Math.round((n / days) * 10) / 10));
    return h("details", { id: trial.id, class: "trial", open },
      h("summary", {},
        h("strong", {}, voice.say(`what.${trial.what}`)), h("span", { class: `tag ${running ? "live" : ""}` }, voice.say(`state.${trial.state}`)),
        h("span", { class: "muted" }, voice.moment.format(trial.started_at))),
      trial.problem && h("p", { class: "bad" }, trial.problem),
      h("p", { class: "muted" }, h("code", {}, `${trial.against} → ${trial.policy}`)),
      trial.what === "backtest" && running
        ? h("label", { class: "progress" }, h("progress", { max: String(trial.of || 1), value: String(tally.messages) }), h("span", {}, voice.say("progress", { done: tally.messages, of: trial.of })))
        : h("p", {}, voice.say("messages", { n: tally.messages })),
      h("dl", { class: "figures" },
        KINDS.map((kind) => h("div", { class: kind }, h("dt", {}, voice.say(kind)), h("dd", {}, voice.number.format(tally.changes[kind] ?? 0)))),
        h("div", {}, h("dt", {}, voice.say("load")), h("dd", {}, `${load[0]} → ${load[1]}`))),
      TABLES.map((name) => this.#table(name, tally[name])),
      writes && h("div", { class: "deeds" },
        KINDS.filter((kind) => tally.samples[kind]?.length).map((kind) => button(`${voice.say("samples")}: ${voice.say(kind)}`, { onclick: () => this.#samples(trial.id, kind) })),
        running && button(voice.say("stop"), { class: "danger", onclick: stop })));
  }

  /** @param {string} name @param {Record<string, Record<string, number>>} counts */
  #table(name, counts) {
    const { voice } = this.lab;
    const sum = (/** @type {Record<string, number>} */ row) => KINDS.reduce((total, kind) => total + (row[kind] ?? 0), 0);
    const rows = Object.entries(counts).filter(([, row]) => sum(row)).sort(([, a], [, b]) => sum(b) - sum(a)).slice(0, MOST_ROWS);
    if (!rows.length) return "";
    return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": voice.say(`by.${name}`) },
      h("table", { class: "table" }, h("caption", {}, voice.say(`by.${name}`)),
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, voice.say("name")), KINDS.map((kind) => h("th", { scope: "col", class: "number" }, voice.say(kind))))),
        h("tbody", {}, rows.map(([each, row]) => h("tr", {}, h("th", { scope: "row" }, each || "—"), KINDS.map((kind) => h("td", { class: "number" }, row[kind] ? voice.number.format(row[kind]) : "")))))));
  }

  /** @param {string} trial @param {string} kind */
  async #samples(trial, kind) {
    const { voice, console } = this.lab;
    try {
      const shown = await console.api.get(`/policies/trials/${trial}/samples/${kind}`);
      dialog(voice.say("samples.title", { change: voice.say(kind) }), console.voice, [
        shown.length
          ? h("ul", { class: "samples" }, shown.map((/** @type {any} */ { sample, text }) =>
              h("li", {},
                h("p", { dir: "auto", class: text === null ? "muted" : "said" }, text ?? voice.say("erased")),
                h("div", {}, verdict(sample.before), h("span", { "aria-hidden": "true" }, "→"), verdict(sample.after),
                  h("span", { class: "muted" }, [sample.role, sample.language, ...(kind === "released" || kind === "milder" ? sample.before_clauses ?? [] : sample.after_clauses ?? [])].filter(Boolean).join(" · "))))))
          : h("p", { class: "muted" }, voice.say("samples.none")),
      ], { className: "wide" });
    } catch (problem) {
      this.lab.tell(problem);
    }
  }
}
