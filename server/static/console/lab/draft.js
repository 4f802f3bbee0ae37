/** A draft: its text, what is to be said of it, its trials, and its way into force. @module */

import { button, h } from "../../chat/dom.js";
import { confirm, dialog } from "../dialogs.js";
import { field } from "../forms.js";
import { Editor } from "./editor.js";
import { Trials } from "./trials.js";

const CHECK_MS = 400; // after the last key
const PANES = /** @type {const} */ (["check", "clauses", "changes", "trials"]);

/** @param {HTMLElement} root @param {import("../lab.js").Lab} lab @param {string} id */
export async function draft(root, lab, id) {
  const { voice, console } = lab;
  let draft = await console.api.get(`/policies/drafts/${encodeURIComponent(id)}`);
  /** @type {any} */
  let checked = { marks: [], clauses: [], off: [], bases: [], policy: "", examples: 0 };
  /** @type {any[]} */
  let changes = [];
  let timer = 0;
  let turn = 0;

  const saved = h("span", { class: "muted", role: "status" });
  const panes = Object.fromEntries(PANES.map((name) => [name, h("div", { class: "pane", role: "tabpanel", id: `pane-${name}`, "aria-labelledby": `tab-${name}`, tabindex: "0", hidden: name !== "check" })]));
  const counts = Object.fromEntries(PANES.map((name) => [name, h("span", { class: "count" })]));
  const tabs = PANES.map((name) => h("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `pane-${name}`, "aria-selected": String(name === "check"), tabindex: name === "check" ? "0" : "-1", onclick: () => show(name) }, voice.say(name), counts[name]));
  const trials = new Trials(lab, draft, panes.trials, async () => void (editor.text !== draft.source && (await save())));
  const editor = new Editor(voice.say("editor"), draft.source, lab.writes, () => {
    tellSaved();
    clearTimeout(timer);
    timer = setTimeout(check, CHECK_MS);
  });

  const show = (/** @type {string} */ name) => {
    PANES.forEach((each, n) => {
      panes[each].hidden = each !== name;
      tabs[n].setAttribute("aria-selected", String(each === name));
      tabs[n].tabIndex = each === name ? 0 : -1;
    });
  };
  const roam = (/** @type {KeyboardEvent} */ event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const n = (PANES.findIndex((name) => !panes[name].hidden) + step + PANES.length) % PANES.length;
    show(PANES[n]);
    tabs[n].focus();
    event.preventDefault();
  };
  const tellSaved = () => (saved.textContent = voice.say(editor.text === draft.source ? "saved" : "unsaved"));

  const check = async () => {
    const mine = ++turn;
    const written = { source: editor.text, kind: draft.kind };
    try {
      const said = await console.api.post("/policies/check", written);
      const differs = said.policy ? await console.api.post("/policies/diff", written) : [];
      if (mine !== turn) return;
      [checked, changes] = [said, differs];
      editor.mark(checked.marks);
      panes.check.replaceChildren(...marks(lab, checked, editor));
      panes.clauses.replaceChildren(...clauses(lab, checked, editor));
      panes.changes.replaceChildren(...differences(lab, checked, changes));
      counts.check.textContent = checked.marks.length ? String(checked.marks.length) : "";
      counts.clauses.textContent = checked.clauses.length ? String(checked.clauses.length) : "";
      counts.changes.textContent = changes.length ? String(changes.length) : "";
      publishing.disabled = !checked.policy;
    } catch (problem) {
      lab.tell(problem);
    }
  };

  const save = async () => {
    try {
      draft = await console.api.call("PUT", `/policies/drafts/${draft.id}`, { source: editor.text, kind: draft.kind, revision: draft.revision });
      tellSaved();
      return true;
    } catch (problem) {
      lab.tell(problem);
      return false;
    }
  };

  const publish = async () => {
    if (editor.text !== draft.source && !(await save())) return;
    const now = await console.api.get(`/policies/kinds/${encodeURIComponent(draft.kind)}`);
    const note = field(voice.say("publish.note"), { required: true, maxlength: "500", autofocus: true, autocomplete: "off" }, voice.say("publish.note.hint"));
    const go = async (/** @type {Event} */ event) => {
      event.preventDefault();
      try {
        const published = await console.api.post(`/policies/drafts/${draft.id}/publish`, { note: note.input.value, revision: draft.revision, instead_of: now.own ? now.policy : "" });
        asked.close();
        console.toasts.show(voice.say("published", { policy: published.policy }));
        console.go(`policies/kinds/${draft.kind}`);
      } catch (problem) {
        note.problem(/** @type {any} */ (problem).code === "conflict" ? voice.say("conflict") : console.told(problem));
      }
    };
    const asked = dialog(`${voice.say("publish")}: ${lab.kind(draft.kind)}`, console.voice, [
      h("p", {}, voice.say("publish.text")),
      h("p", {}, voice.say("publish.changes", { n: changes.length })),
      checked.marks.length > 0 && h("p", { class: "caution" }, voice.say("publish.marks", { n: checked.marks.length })),
      h("form", { onsubmit: go }, note.element, h("div", { class: "deeds" }, h("button", { type: "submit", class: "primary" }, voice.say("publish")))),
    ]);
  };

  const discard = async () => {
    if (!(await confirm(console.voice, voice.say("discard.ask"), voice.say("discard.text"), voice.say("discard"), true))) return;
    try {
      await console.api.call("DELETE", `/policies/drafts/${draft.id}`);
      console.toasts.show(voice.say("discarded"));
      console.go("policies");
    } catch (problem) {
      lab.tell(problem);
    }
  };

  const publishing = button(voice.say("publish"), { class: "primary", onclick: publish });
  publishing.disabled = true;
  console.keys.page(
    lab.writes
      ? [
          { keys: ["Ctrl-s"], shown: "Ctrl S", label: voice.say("save"), group: voice.say("title"), run: () => void save() },
          { label: voice.say("publish"), group: voice.say("title"), run: () => void publish(), when: () => !publishing.disabled },
          { label: voice.say("discard"), group: voice.say("title"), run: () => void discard() },
        ]
      : [],
  );
  root.classList.add("lab");
  root.replaceChildren(
    h("div", { class: "head" },
      h("a", { href: "/console/policies" }, voice.say("back")),
      h("h1", {}, lab.kind(draft.kind)), saved,
      lab.writes && button(voice.say("discard"), { class: "danger", onclick: discard }),
      lab.writes && button(voice.say("save"), { onclick: save }),
      lab.writes && publishing),
    h("div", { class: "desk" }, editor.element,
      h("div", { class: "beside" }, h("div", { class: "tabs", role: "tablist", "aria-label": voice.say("title"), onkeydown: roam }, tabs), Object.values(panes))),
  );
  tellSaved();
  await Promise.all([check(), trials.load()]);
  const leaving = (/** @type {BeforeUnloadEvent} */ event) => void (editor.text !== draft.source && event.preventDefault());
  addEventListener("beforeunload", leaving);
  return () => {
    clearTimeout(timer);
    trials.close();
    removeEventListener("beforeunload", leaving);
    if (lab.writes && editor.text !== draft.source) void save();
  };
}

/** @param {import("../lab.js").Lab} lab @param {any} checked @param {Editor} editor */
function marks({ voice }, checked, editor) {
  const list = checked.marks.map((/** @type {any} */ mark) =>
    h("li", { class: mark.level },
      h("span", { class: "tag" }, voice.say(`check.${mark.level}`)),
      button(voice.say("line", { n: mark.line }), { class: "link", onclick: () => editor.jump(mark.line, mark.column) }),
      h("p", {}, [mark.file, mark.clause, mark.key].filter(Boolean).map((part) => h("code", {}, `${part} `)), mark.message)));
  return [
    checked.policy && h("p", {}, voice.say("check.good", { policy: checked.policy })),
    checked.policy && checked.examples > 0 && h("p", { class: "muted" }, voice.say("check.examples", { n: checked.examples - checked.marks.filter((/** @type {any} */ one) => one.key === "example").length })),
    list.length > 0 && h("ul", { class: "marks" }, list),
  ].filter(Boolean);
}

/** @param {import("../lab.js").Lab} lab @param {any} checked @param {Editor} editor */
function clauses({ voice }, checked, editor) {
  const rows = checked.clauses.map((/** @type {any} */ one) =>
    h("li", {},
      h("div", {},
        verdict(one.verdict),
        one.line ? button(one.id, { class: "link", onclick: () => editor.jump(one.line) }) : h("code", {}, one.id)),
      h("p", { class: "muted" }, [one.about.join(", "), ...Object.entries(one.conditions).map(([key, value]) => `${key} ${value}`)].join(" · ")),
      h("p", { class: "muted" }, voice.say("clause.from", { policy: one.origin }), one.changed_by.length > 0 && `, ${voice.say("clause.changed", { policy: one.changed_by.join(", ") })}`)));
  const off = checked.off.map((/** @type {[string, string]} */ [id, by]) => h("li", { class: "off" }, h("div", {}, h("code", {}, id)), h("p", { class: "muted" }, voice.say("clause.off", { policy: by }))));
  return rows.length ? [h("ul", { class: "clauses" }, rows, off)] : [h("p", { class: "muted" }, voice.say("changes.fault"))];
}

/** @param {import("../lab.js").Lab} lab @param {any} checked @param {any[]} changes */
function differences({ voice }, checked, changes) {
  if (!checked.policy) return [h("p", { class: "muted" }, voice.say("changes.fault"))];
  if (!changes.length) return [h("p", { class: "muted" }, voice.say("changes.none"))];
  return [
    h("ul", { class: "changes" }, changes.map((one) =>
      h("li", {},
        h("code", {}, [one.clause, one.key].filter(Boolean).join(".")),
        h("del", {}, one.before || voice.say("changes.nothing")),
        h("ins", {}, one.after || voice.say("changes.nothing"))))),
  ];
}

/** @param {string} verdict */
export function verdict(verdict) {
  return h("span", { class: `verdict ${verdict}` }, verdict);
}
