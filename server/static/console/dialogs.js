/**
 * What lies over the page: questions, the sheet of keys, the palette. The focus stays in it and goes back where it was.
 * @module
 */

import { button, h } from "../chat/dom.js";
import { sign } from "./icons.js";

/** @typedef {import("../chat/i18n.js").Voice} Voice */

let ids = 0;

/**
 * @param {string} title
 * @param {Voice} voice
 * @param {(Node | string | null | false)[]} content
 * @param {{className?: string, onclose?: () => void}} [options]
 * @returns {HTMLDialogElement} shown, and gone from the page once closed
 */
export function dialog(title, voice, content, { className = "", onclose } = {}) {
  const before = /** @type {HTMLElement | null} */ (document.activeElement);
  const id = `dialog-${++ids}`;
  const element = h(
    "dialog",
    { class: `dialog ${className}`, "aria-labelledby": id },
    h(
      "header",
      {},
      h("h2", { id }, title),
      h("button", { type: "button", class: "plain", "aria-label": voice.say("close"), title: voice.say("close"), onclick: () => element.close() }, sign("close")),
    ),
    h("div", { class: "content" }, content),
  );
  element.addEventListener("click", (event) => event.target === element && element.close());
  element.addEventListener("close", () => {
    element.remove();
    onclose?.();
    if (before?.isConnected) before.focus({ preventScroll: true });
  });
  document.body.append(element);
  element.showModal();
  return element;
}

/**
 * Ask before something that cannot easily be taken back.
 * @param {Voice} voice
 * @param {string} title
 * @param {string} text
 * @param {string} deed
 * @param {boolean} [danger]
 * @returns {Promise<boolean>}
 */
export function confirm(voice, title, text, deed, danger = false) {
  return new Promise((resolve) => {
    let yes = false;
    const element = dialog(
      title,
      voice,
      [
        h("p", {}, text),
        h(
          "div",
          { class: "deeds" },
          button(voice.say("cancel"), { onclick: () => element.close() }),
          button(deed, { class: danger ? "danger" : "primary", autofocus: true, onclick: () => ((yes = true), element.close()) }),
        ),
      ],
      { onclose: () => resolve(yes) },
    );
  });
}

/** The sheet of keys. @param {Voice} voice @param {import("./keys.js").Command[]} commands */
export function sheet(voice, commands) {
  /** @type {Map<string, HTMLElement[]>} */
  const groups = new Map();
  for (const { keys, shown, label, group } of commands) {
    if (!keys?.length) continue;
    const keysShown = (shown ? [shown] : keys.slice(0, 1)).map((key) => h("kbd", {}, key.replace("Ctrl-", "Ctrl ").replace(/ ([a-z])$/, (_, k) => ` ${k.toUpperCase()}`)));
    const row = h("div", {}, h("dt", {}, keysShown), h("dd", {}, label));
    groups.set(group, [...(groups.get(group) ?? []), row]);
  }
  dialog(
    voice.say("keys"),
    voice,
    [h("div", { class: "groups" }, [...groups].map(([name, rows]) => h("section", {}, h("h3", {}, name), h("dl", {}, rows))))],
    { className: "sheet" },
  );
}

/** The palette: whatever can be done here, found by its name. @param {Voice} voice @param {import("./keys.js").Command[]} commands */
export function palette(voice, commands) {
  const can = commands.filter(({ hidden, when }) => !hidden && (when?.() ?? true));
  let found = can;
  let at = 0;
  const list = h("ul", { role: "listbox", id: "palette-list", "aria-label": voice.say("palette") });
  const field = h("input", {
    type: "text", role: "combobox", class: "field", "aria-controls": "palette-list", "aria-expanded": "true", "aria-autocomplete": "list",
    "aria-label": voice.say("palette.find"), placeholder: voice.say("palette.find"), autocomplete: "off", spellcheck: "false", autofocus: true,
  });
  const run = (/** @type {number} */ n) => {
    const command = found[n];
    if (!command) return;
    element.close();
    command.run();
  };
  const draw = () => {
    const words = fold(field.value).split(/\s+/);
    found = can.filter(({ label, group }) => words.every((word) => fold(`${label} ${group}`).includes(word)));
    at = Math.max(0, Math.min(at, found.length - 1));
    list.replaceChildren(
      ...found.map(({ label, group, keys, shown }, n) =>
        h(
          "li",
          { role: "option", id: `palette-${n}`, "aria-selected": String(n === at), onclick: () => run(n) },
          h("span", {}, label),
          h("span", { class: "muted" }, group),
          keys?.length ? h("kbd", {}, shown ?? keys[0]) : "",
        ),
      ),
    );
    if (!found.length) list.append(h("li", { class: "muted none", role: "option", "aria-disabled": "true", "aria-selected": "false" }, voice.say("palette.none")));
    field.setAttribute("aria-activedescendant", found.length ? `palette-${at}` : "");
    list.children[at]?.scrollIntoView({ block: "nearest" });
  };
  field.addEventListener("input", () => ((at = 0), draw()));
  field.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter") run(at);
    else if (step && found.length) at = (at + step + found.length) % found.length;
    else return;
    event.preventDefault();
    if (step) draw();
  });
  const element = dialog(voice.say("palette"), voice, [field, list], { className: "palette" });
  draw();
  field.focus();
}

/** @param {string} text */
function fold(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}
