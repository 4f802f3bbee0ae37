/** The audit log: who did, saw and changed what. @module */

import { button, h } from "../../chat/dom.js";
import { field } from "../forms.js";
import { nothing } from "../forms.js";
import { sign } from "../icons.js";

const TYPED_MS = 250;

/** @param {HTMLElement} root @param {import("../main.js").Console} context */
export async function mount(root, context) {
  const { voice, api } = context;
  const asked = new URLSearchParams(location.search);
  const names = new Map((await api.get("/colleagues")).map((/** @type {any} */ one) => [one.id, one.name]));
  const fields = {
    actor: field(voice.say("audit.actor"), { value: asked.get("actor") ?? "", list: "audit-actors", autocomplete: "off" }),
    act: field(voice.say("audit.act"), { value: asked.get("act") ?? "", autocomplete: "off", placeholder: "staff, session.began" }),
    subject: field(voice.say("audit.subject"), { value: asked.get("subject") ?? "", autocomplete: "off" }),
    since: field(voice.say("audit.since"), { type: "date", value: asked.get("since") ?? "" }),
    until: field(voice.say("audit.until"), { type: "date", value: asked.get("until") ?? "" }),
  };
  const body = h("tbody");
  const more = button(voice.say("more"), { onclick: () => load(true) });
  const chain = h("span", { class: "chain", role: "status" });
  const empty = h("div", { hidden: true }, nothing(sign("audit"), voice.say("audit.none")));
  const csv = h("a", { class: "button", download: "", href: "/console/api/audit.csv" }, sign("download"), h("span", {}, voice.say("audit.export")));
  let before = 0;
  let turn = 0;

  const query = () => {
    const wanted = new URLSearchParams();
    for (const [name, { input }] of Object.entries(fields)) {
      if (!input.value) continue;
      // To the end of the last day, in the reader's own time.
      const day = input.type === "date" ? new Date(`${input.value}T00:00`).getTime() + (name === "until" ? 86_400_000 : 0) : 0;
      wanted.set(name, day ? String(day) : input.value.trim());
    }
    return wanted;
  };

  const load = async (further = false) => {
    const mine = ++turn;
    const wanted = query();
    csv.setAttribute("href", `/console/api/audit.csv?${wanted}`);
    if (further) wanted.set("before", String(before));
    try {
      const page = await api.get(`/audit?${wanted}`);
      if (mine !== turn) return;
      if (!further) body.replaceChildren();
      body.append(...page.entries.map(row));
      before = page.before;
      more.hidden = !before;
      empty.hidden = body.childElementCount > 0;
    } catch (problem) {
      context.toasts.show(context.told(problem), { tone: "bad" });
    }
  };

  const row = (/** @type {any} */ one) =>
    h("tr", {},
      h("td", { class: "number" }, String(one.seq)),
      h("td", {}, h("time", { datetime: new Date(one.at).toISOString() }, voice.moment.format(one.at))),
      h("td", { title: one.actor }, h("bdi", {}, names.get(one.actor) ?? (one.actor || "—"))),
      h("td", {}, h("code", {}, one.act)),
      h("td", { title: one.subject }, h("bdi", {}, names.get(one.subject) ?? one.subject)),
      h("td", { class: "detail" }, h("code", { dir: "ltr" }, Object.keys(one.detail).length ? JSON.stringify(one.detail) : "")));

  const verify = async () => {
    chain.textContent = voice.say("audit.verifying");
    const state = await api.get("/audit/state").catch(() => null);
    chain.classList.toggle("bad", Boolean(state?.broken_at));
    chain.textContent = !state ? voice.say("failed") : state.broken_at ? voice.say("audit.broken", { n: state.broken_at }) : voice.say("audit.holds", { n: state.entries });
    chain.title = state?.head ?? "";
  };

  let typing = 0;
  for (const { input } of Object.values(fields)) {
    input.addEventListener("input", () => (clearTimeout(typing), (typing = setTimeout(load, TYPED_MS))));
  }
  context.keys.page([{ keys: ["/"], label: voice.say("audit.filter"), group: voice.say("page.audit"), run: () => fields.act.input.focus() }]);
  root.replaceChildren(
    h("div", { class: "head" }, h("h1", {}, voice.say("page.audit")), chain, button(voice.say("audit.verify"), { onclick: verify }), csv),
    h("form", { class: "filters", role: "search", onsubmit: (/** @type {Event} */ event) => event.preventDefault() }, Object.values(fields).map(({ element }) => element), h("datalist", { id: "audit-actors" }, [...names].map(([id, name]) => h("option", { value: /** @type {string} */ (id) }, /** @type {string} */ (name))))),
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": voice.say("page.audit") }, h("table", { class: "table" }, h("thead", {}, h("tr", {}, ["seq", "at", "actor", "act", "subject", "detail"].map((each) => h("th", { scope: "col", class: each === "seq" ? "number" : "" }, voice.say(`audit.${each}`))))), body), empty),
    h("div", { class: "more" }, more),
  );
  await load();
  void verify();
  return () => clearTimeout(typing);
}
