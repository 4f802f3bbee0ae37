/**
 * Building elements by hand: text becomes text nodes, never markup, so nobody's words can become a part of the page.
 * @module
 */

/** @typedef {Node | string | null | undefined | false} Child */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, unknown>} properties `class`, `on<event>` and `aria-*`, `data-*`, `role` and the like are set as such; null, undefined and false are left out
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(.../** @type {(Node | string)[]} */ (children.flat().filter((child) => child || child === "")));
  return element;
}

/** Outlines of 24 by 24, drawn with the text's colour. */
const PATHS = {
  send: "M4 12 20 4l-5 16-3.5-6.5zM11.5 13.5 20 4",
  attach: "m20 11-8.5 8.5a5 5 0 0 1-7-7L13 4a3.4 3.4 0 0 1 4.8 4.8L9.5 17a1.7 1.7 0 0 1-2.4-2.4L15 6.8",
  more: "M6 12h.01M12 12h.01M18 12h.01",
  reply: "m9 7-5 5 5 5M4 12h9a7 7 0 0 1 7 7",
  edit: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  retract: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  report: "M6 21V4M6 5h12l-3 4 3 4H6",
  smile: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M8.5 14a4 4 0 0 0 7 0M9 9.5h.01M15 9.5h.01",
  close: "m6 6 12 12M18 6 6 18",
  down: "M12 5v14M6 13l6 6 6-6",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M12 7v5l3 2",
  check: "m5 13 4 4L19 7",
  checks: "m2 13 4 4L16 7M11 16l1 1L22 7",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12M12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6",
  hidden: "m4 4 16 16M9.5 5.8A9 9 0 0 1 12 5.5c6 0 9.5 6.5 9.5 6.5a15 15 0 0 1-2.6 3.3M6 7.5A15 15 0 0 0 2.5 12S6 18.5 12 18.5a9 9 0 0 0 4-.9",
  stop: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M12 7.5v5.5M12 16.5h.01",
  advice: "M9 18h6M10 21h4M8.5 15a6 6 0 1 1 7 0c-.6.5-.9 1-1 3h-5c-.1-2-.4-2.5-1-3",
  offline: "m4 4 16 16M8 16a5.5 5.5 0 0 1 7 0M5 12.5A10 10 0 0 1 9 10M19 12.5a10 10 0 0 0-4.5-2.8M12 20h.01",
  invite: "M9.5 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7M3 20a6.5 6.5 0 0 1 13 0M18 8v6M15 11h6",
  leave: "M14 4H5v16h9M10 12h11M17 8l4 4-4 4",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
  star: "m12 4 2.5 5.2 5.7.8-4.1 4 1 5.7-5.1-2.7-5.1 2.7 1-5.7-4.1-4 5.7-.8z",
  people: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7M2.5 20a6.5 6.5 0 0 1 13 0M16 4.3a3.5 3.5 0 0 1 0 6.4M18 14.5a6.5 6.5 0 0 1 3.5 5.5",
  buyer: "M6 8h12l1.5 13h-15zM9 10.5V7a3 3 0 0 1 6 0v3.5",
  seller: "M4 4h8l8.5 8.5-8 8L4 12zM8.5 8.5h.01",
  provider: "M14.5 6.5a4.5 4.5 0 0 1 5.8 5.7l-2.5-2.5-2.6.7-.7-2.6zM15 11.5l-8 8a1.8 1.8 0 0 1-2.5-2.5l8-8",
  agent: "M12 3 20 6v6c0 4.5-3.5 7.5-8 9-4.5-1.5-8-4.5-8-9V6zM8.5 12l2.5 2.5 4.5-4.5",
  bot: "M5 9h14v10H5zM12 9V5M9 13.5h.01M15 13.5h.01M12 4.5h.01",
};

/** @typedef {keyof typeof PATHS} IconName */

const SVG = "http://www.w3.org/2000/svg";

/**
 * A decoration: what it means is always said in words beside it or in a label.
 * @param {IconName} name
 * @returns {SVGElement}
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", `icon i-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/**
 * @param {string} text
 * @param {Record<string, unknown>} properties
 */
export function button(text, properties = {}) {
  return h("button", { type: "button", ...properties }, text);
}

/**
 * A button that shows an icon; its label is for readers, and for the pointer as a tip.
 * @param {IconName} name
 * @param {string} label
 * @param {Record<string, unknown>} properties
 */
export function iconButton(name, label, properties = {}) {
  return h("button", { type: "button", "aria-label": label, title: label, ...properties }, icon(name));
}

const LINK = /https?:\/\/[^\s<>"'█]+[^\s<>"'█.,;:!?)\]]/g;
const COVERED = /█+/g;

/**
 * Somebody's words: links can be followed, covered parts are told to those who cannot see them.
 * @param {string} text
 * @param {string} covered the word read out for a covered part
 * @returns {(Node | string)[]}
 */
export function words(text, covered) {
  return pieces(text, COVERED, (bar) =>
    h("span", { class: "covered", role: "img", "aria-label": covered }, "\u2007".repeat(Math.min(bar.length, 12))),
  ).flatMap((piece) =>
    typeof piece === "string"
      ? pieces(piece, LINK, (url) => h("a", { href: url, target: "_blank", rel: "noopener noreferrer nofollow ugc" }, url))
      : [piece],
  );
}

/**
 * @param {string} text
 * @param {RegExp} pattern
 * @param {(found: string) => Node} make
 * @returns {(Node | string)[]}
 */
function pieces(text, pattern, make) {
  /** @type {(Node | string)[]} */
  const all = [];
  let end = 0;
  for (const found of text.matchAll(pattern)) {
    if (found.index > end) all.push(text.slice(end, found.index));
    all.push(make(found[0]));
    end = found.index + found[0].length;
  }
  if (end < text.length) all.push(text.slice(end));
  return all;
}

/**
 * A link that a browser may follow: nothing but http and https, whatever the wire said.
 * @param {string} url
 */
export function isWeb(url) {
  return /^https?:\/\//i.test(url);
}

const EMOJI_ONLY = /^(?:\p{Extended_Pictographic}(?:\p{Emoji_Modifier}|\uFE0F|\u200D\p{Extended_Pictographic})*\s*){1,3}$/u;

/** One to three emoji and nothing else, which are shown larger. @param {string} text */
export function isEmojiOnly(text) {
  return EMOJI_ONLY.test(text);
}

/**
 * Move the focus within a row of buttons by arrow keys.
 * @param {KeyboardEvent} event
 * @param {HTMLElement[]} stops
 * @returns {boolean} whether the key was one of ours
 */
export function rove(event, stops) {
  const from = stops.indexOf(/** @type {HTMLElement} */ (event.target));
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const to = event.key === "Home" ? 0 : event.key === "End" ? stops.length - 1 : step ? from + step : -1;
  if (from < 0 || !stops[to]) return false;
  event.preventDefault();
  stops[from].tabIndex = -1;
  stops[to].tabIndex = 0;
  stops[to].focus();
  return true;
}
