/**
 * How good the review is: volume, false alarms, overturned appeals, agreement, waiting; second looks and golden items.
 * @module
 */

import { button, h } from "../../chat/dom.js";
import { chart } from "../charts.js";
import { dialog } from "../dialogs.js";
import { bones, choice, field, nothing } from "../forms.js";
import { sign } from "../icons.js";
import { evidence, explained } from "../queue/evidence.js";
import { called, inOrder, lineOf } from "../queue/panes.js";

const DAY_MS = 86_400_000;
const SPANS = [7, 30, 90];
const OUTCOMES = ["release", "mask", "remove"];

/** @param {HTMLElement} root @param {import("../main.js").Console} context */
export async function mount(root, context) {
  const { voice, api, me } = context;
  const leads = me.role === "lead" || me.role === "admin";
  const reviews = me.role !== "auditor";
  /** @type {(() => void)[]} */
  const ends = [];
  const names = new Map((await api.get("/colleagues")).map((/** @type {any} */ one) => [one.id, one.name]));
  const figures = h("div", { class: "figures" }, bones(3));
  const side = h("div", { class: "figures" });
  let days = 30;
  const spans = h("div", { class: "chips plainly", role: "group", "aria-label": voice.say("quality.time") }, SPANS.map((each) => h("button", { type: "button", class: "chip", "aria-pressed": String(each === days), onclick: () => show(each) }, voice.say("days", { n: each }))));

  const show = async (/** @type {number} */ span) => {
    days = span;
    [...spans.children].forEach((chip, n) => chip.setAttribute("aria-pressed", String(SPANS[n] === span)));
    for (const end of ends.splice(0)) end();
    const until = Date.now();
    const told = await api.get(`/review/figures?since=${until - span * DAY_MS}&until=${until}`);
    const times = told.days.map((/** @type {any} */ day) => day.at);
    const volume = await chart(voice.say("quality.volume"), times, [
      { name: voice.say("quality.opened"), colour: "accent", values: told.days.map((/** @type {any} */ day) => day.opened) },
      { name: voice.say("quality.decided"), colour: "provider", values: told.days.map((/** @type {any} */ day) => sum(Object.values(day.decided))) },
    ], voice.lang);
    const outcomes = await chart(voice.say("quality.outcomes"), times, [
      { name: voice.say("outcome.release"), colour: "positive", values: told.days.map((/** @type {any} */ day) => day.decided.release ?? 0) },
      { name: voice.say("outcome.mask"), colour: "caution", values: told.days.map((/** @type {any} */ day) => day.decided.mask ?? 0) },
      { name: voice.say("outcome.remove"), colour: "danger", values: told.days.map((/** @type {any} */ day) => day.decided.remove ?? 0) },
    ], voice.lang);
    ends.push(volume.close, outcomes.close);
    figures.replaceChildren(
      h("dl", { class: "tiles" },
        tile(voice.say("quality.decided"), voice.number.format(sum(Object.values(told.outcomes))), ""),
        tile(voice.say("quality.false"), part(told.false_alarms), bounds(told.false_alarms)),
        tile(voice.say("quality.overturned"), part(told.overturned), bounds(told.overturned)),
        tile(voice.say("quality.kappa"), told.agreement.kappa === null ? "—" : voice.number.format(Math.round(told.agreement.kappa * 100) / 100), voice.say("quality.pairs", { n: told.agreement.pairs })),
        tile(voice.say("quality.waiting"), told.waiting.items ? duration(told.waiting.median_ms) : "—", told.waiting.items ? voice.say("quality.p90", { time: duration(told.waiting.p90_ms) }) : voice.say("quality.untold"))),
      h("div", { class: "columns" }, h("section", { class: "card" }, volume.element), h("section", { class: "card" }, outcomes.element)),
      lines(voice.say("quality.by_clause"), told.by_clause, called),
      lines(voice.say("quality.by_language"), told.by_language, (key) => key.toUpperCase()),
      told.people.length ? table(voice.say("quality.people"), ["quality.who", "quality.decided", "quality.kappa", "quality.golden", "quality.overturned"], told.people.map((/** @type {any} */ one) => [names.get(one.staff) ?? one.staff, voice.number.format(one.decided), one.second_looks.kappa === null ? "—" : voice.number.format(Math.round(one.second_looks.kappa * 100) / 100), one.golden.of ? percent(one.golden.share) : "—", one.overturned.of ? percent(one.overturned.share) : "—"])) : "",
    );
  };

  const percent = (/** @type {number} */ share) => new Intl.NumberFormat(voice.lang, { style: "percent", maximumFractionDigits: share < 0.1 ? 1 : 0 }).format(share);
  const part = (/** @type {any} */ share) => (share.of ? percent(share.share) : "—");
  const bounds = (/** @type {any} */ share) => (share.of ? voice.say("quality.bounds", { of: share.of, low: percent(share.low), high: percent(share.high) }) : voice.say("quality.untold"));
  const duration = (/** @type {number} */ ms) => (ms < 3_600_000 ? voice.say("minutes", { n: Math.round(ms / 60_000) }) : voice.say("hours", { n: Math.round(ms / 3_600_000) }));
  const lines = (/** @type {string} */ title, /** @type {any[]} */ all, /** @type {(key: string) => string} */ name) =>
    all.length ? table(title, ["quality.which", "quality.decided", "quality.false", "quality.waiting"], all.map((one) => [one.key ? name(one.key) : "—", voice.number.format(one.decided), one.false_alarms.of ? percent(one.false_alarms.share) : "—", duration(one.waiting.median_ms)])) : "";
  const table = (/** @type {string} */ title, /** @type {string[]} */ heads, /** @type {string[][]} */ rows) =>
    h("section", { class: "card" }, h("h2", {}, title), h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title }, h("table", { class: "table" }, h("thead", {}, h("tr", {}, heads.map((key, n) => h("th", { scope: "col", class: n ? "number" : "" }, voice.say(key))))), h("tbody", {}, rows.map(([first, ...rest]) => h("tr", {}, h("th", { scope: "row" }, h("bdi", {}, first)), rest.map((cell) => h("td", { class: "number" }, cell))))))));

  const drawSide = async () => {
    const [disagreements, golden, settings] = await Promise.all([
      leads ? api.get("/review/second-looks/disagreements").then((/** @type {any} */ told) => told.disagreements) : [],
      leads ? api.get("/review/golden").then((/** @type {any} */ told) => told.golden) : [],
      api.get("/review/settings"),
    ]);
    side.replaceChildren(
      disagreements.length ? h("section", { class: "card" }, h("h2", {}, voice.say("quality.disagreements")), h("ul", { class: "pairs-list" }, disagreements.map((/** @type {any} */ one) =>
        h("li", {}, h("p", { class: "words", dir: "auto" }, one.text), h("p", { class: "muted" }, `${one.golden ? voice.say("quality.golden") : one.decider_name}: ${voice.say(`outcome.${one.outcome}`)} · ${one.reviewer_name}: ${voice.say(`outcome.${one.answer}`)}`),
          h("div", { class: "deeds" }, h("a", { class: "button", href: `/console/queue/${encodeURIComponent(one.message)}` }, voice.say("quality.see")), button(voice.say("quality.settle"), { onclick: () => act(api.post(`/review/second-looks/${encodeURIComponent(one.id)}/settle`)) })))))) : "",
      leads ? h("section", { class: "card" }, h("div", { class: "head" }, h("h2", {}, voice.say("quality.goldens"))), h("p", { class: "muted" }, voice.say("quality.goldens.text")),
        golden.length ? h("ul", { class: "pairs-list" }, golden.map((/** @type {any} */ one) => h("li", {}, h("p", { class: "words", dir: "auto" }, one.text), h("p", { class: "muted" }, `${voice.say(`outcome.${one.outcome}`)}${one.clause ? ` · ${called(one.clause)}` : ""}`), h("div", { class: "deeds" }, button(voice.say("quality.golden.forget"), { onclick: () => act(api.call("DELETE", `/review/golden/${encodeURIComponent(one.message)}`)) }))))) : "") : "",
      me.role === "admin" ? settingsCard(settings) : "",
    );
  };

  const act = async (/** @type {Promise<any>} */ doing) => {
    try {
      await doing;
      await drawSide();
    } catch (problem) {
      context.toasts.show(context.told(problem), { tone: "bad" });
    }
  };

  const settingsCard = (/** @type {any} */ settings) => {
    const looks = field(voice.say("settings.looks"), { type: "number", min: 0, max: 100, step: 1, value: Math.round(settings.second_looks * 100) }, voice.say("settings.looks.hint"));
    const severe = field(voice.say("settings.severe"), { type: "number", min: 0, max: 1000, step: 1, value: settings.severe_an_hour }, voice.say("settings.severe.hint"));
    const ladder = choice(voice.say("settings.ladder"), [["suggest", voice.say("settings.ladder.suggest")], ["apply", voice.say("settings.ladder.apply")]], settings.ladder_mode);
    const stands = field(voice.say("settings.stands"), { type: "number", min: 1, max: 3650, step: 1, value: settings.stands_days }, voice.say("settings.stands.hint"));
    const form = h("form", {}, h("div", { class: "pairs" }, looks.element, severe.element, ladder.element, stands.element), h("div", { class: "deeds" }, h("button", { type: "submit", class: "primary" }, voice.say("save"))));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void act(api.call("PUT", "/review/settings", { ...settings, second_looks: Number(looks.input.value) / 100, severe_an_hour: Number(severe.input.value), ladder_mode: ladder.input.value, stands_days: Number(stands.input.value) }).then(() => context.toasts.show(voice.say("saved"))));
    });
    return h("section", { class: "card" }, h("h2", {}, voice.say("settings")), form);
  };

  /** One after another is decided blindly: nothing tells what anybody decided before, and nothing happens to the message. */
  const secondLook = async () => {
    const { look } = await api.post("/review/second-looks/next");
    if (!look) return void context.toasts.show(voice.say("quality.looks.none"));
    const findings = inOrder(look.findings);
    const clause = choice(voice.say("reasons"), [["", "—"], ...look.clauses.map((/** @type {any} */ each) => /** @type {[string, string]} */ ([each.id, called(each.id)]))], look.clauses[0]?.id ?? "");
    const answer = async (/** @type {string} */ outcome) => {
      try {
        await api.post(`/review/second-looks/${encodeURIComponent(look.id)}`, { outcome, clause: outcome === "release" ? "" : clause.input.value });
        shown.close();
        await secondLook();
      } catch (problem) {
        context.toasts.show(context.told(problem), { tone: "bad" });
      }
    };
    const shown = dialog(voice.say("quality.look"), voice, [
      h("p", { class: "muted" }, voice.say("quality.look.text")),
      h("div", { class: "conversation" }, look.context.map((/** @type {any} */ line) => (line.subject ? h("div", { class: "subject" }, h("p", { class: "words", dir: "auto" }, evidence(look.message.text, findings)), explained(findings, look.message.text, voice)) : lineOf(line, voice))), look.context.some((/** @type {any} */ line) => line.subject) ? "" : h("div", { class: "subject" }, h("p", { class: "words", dir: "auto" }, evidence(look.message.text, findings)))),
      clause.element,
      h("div", { class: "deeds" }, OUTCOMES.map((outcome) => button(voice.say(`act.${outcome}`), { class: outcome === "release" ? "primary" : outcome === "remove" ? "danger" : "", onclick: () => answer(outcome) }))),
    ], { className: "wide" });
  };

  const look = () => void secondLook().catch((problem) => context.toasts.show(context.told(problem), { tone: "bad" }));
  if (reviews) context.keys.page([{ keys: ["l"], label: voice.say("quality.look"), group: voice.say("page.quality"), run: look }]);
  root.replaceChildren(
    h("div", { class: "head" }, h("h1", {}, voice.say("page.quality")), spans, reviews && h("button", { type: "button", class: "primary", onclick: look }, sign("eye"), h("span", {}, voice.say("quality.look")))),
    figures,
    side,
  );
  try {
    await Promise.all([show(days), drawSide()]);
  } catch (problem) {
    figures.replaceChildren(nothing(sign("help"), context.told(problem)));
  }
  return () => ends.forEach((end) => end());
}

/** @param {any[]} numbers @returns {number} */
function sum(numbers) {
  return numbers.reduce((all, each) => all + each, 0);
}

/** @param {string} name @param {string} value @param {string} more */
function tile(name, value, more) {
  return h("div", {}, h("dt", {}, name), h("dd", { class: "value" }, value), h("dd", { class: "muted" }, more));
}
