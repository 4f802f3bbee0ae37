/**
 * Single keys and chords: what they do on this page, so that the sheet and the palette can tell it too.
 * @module
 */

/**
 * @typedef {object} Command
 * @property {string} label in the reader's language
 * @property {string[]} [keys] as `KeyboardEvent.key` names them; `Ctrl-k` for a chord. Without keys it is in the palette only
 * @property {string} [shown] how the keys are shown, where it is not the keys themselves
 * @property {string} group a heading of the sheet
 * @property {(event?: KeyboardEvent) => void} run
 * @property {() => boolean} [when] whether it can be done now
 * @property {boolean} [hidden] not in the palette, as moving up and down
 * @property {boolean} [repeats] done again and again while the key is held; whatever decides something is not
 */

const EDITABLE = "input:not([type=checkbox]):not([type=radio]):not([type=button]), textarea, select, [contenteditable]";

export class Keys {
  /** @type {Command[]} */
  #everywhere = [];
  /** @type {Command[]} */
  #page = [];
  /** Single keys may be turned off: they get in the way of speech input. */
  single = true;

  constructor() {
    addEventListener("keydown", (event) => this.#pressed(event));
  }

  /** @param {Command[]} commands */
  everywhere(commands) {
    this.#everywhere = commands;
  }

  /** The commands of the page that is shown; another page's are forgotten. @param {Command[]} commands */
  page(commands) {
    this.#page = commands;
  }

  /** All commands, the page's first. */
  all() {
    return [...this.#page, ...this.#everywhere];
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.defaultPrevented || event.isComposing || event.altKey) return;
    const chord = event.ctrlKey || event.metaKey;
    const target = /** @type {Element | null} */ (event.composedPath()[0] ?? null);
    if (!chord && (!this.single || target?.matches?.(EDITABLE) || document.querySelector("dialog[open]"))) return;
    // Space and Enter belong to what has the focus.
    if (!chord && (event.key === " " || event.key === "Enter") && target?.matches?.("a, button, summary")) return;
    const pressed = chord ? `Ctrl-${event.key.toLowerCase()}` : event.key;
    const command = this.all().find(({ keys, when }) => keys?.includes(pressed) && (when?.() ?? true));
    if (!command) return;
    event.preventDefault();
    if (event.repeat && !command.repeats) return;
    command.run(event);
  }
}
