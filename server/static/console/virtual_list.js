/**
 * A list of which only what is seen is in the page: ten thousand rows scroll as ten do.
 *
 * Rows have one height. The list keeps the focus; `aria-activedescendant` tells which row is meant, and `aria-setsize` how
 * many there are though they are not in the page.
 * @module
 */

import { h } from "../chat/dom.js";

const SPARE = 6; // rows above and below what is seen

/** @template Item */
export class VirtualList {
  /** @type {Item[]} */
  items = [];
  #first = -1;
  #last = -1;
  #drawn = 0;
  /** @type {Map<string, {item: Item, stamp: string, element: HTMLElement}>} */
  #rows = new Map();

  /**
   * @param {object} options
   * @param {string} options.label
   * @param {number} options.height of a row in pixels
   * @param {(item: Item) => string} options.id
   * @param {(item: Item) => string} options.stamp a row is drawn again when it changes
   * @param {(item: Item) => (Node | string)[]} options.draw
   * @param {(item: Item, event: MouseEvent) => void} options.pick
   * @param {() => void} options.near the end of what is loaded comes into sight
   */
  constructor(options) {
    this.options = options;
    this.space = h("div", { class: "space", role: "presentation" });
    this.element = h("div", { class: "virtual", role: "listbox", tabindex: "0", "aria-label": options.label }, this.space);
    this.element.addEventListener("scroll", () => this.#later(), { passive: true });
    this.element.addEventListener("click", (event) => this.#clicked(event));
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.element);
    this.current = "";
    /** How many there are, loaded or not. */
    this.total = 0;
    this.more = false;
  }

  close() {
    this.observer.disconnect();
  }

  /** @param {Item[]} items @param {number} total @param {boolean} more whether there are others behind them */
  show(items, total, more) {
    this.items = items;
    this.total = Math.max(total, items.length);
    this.more = more;
    this.draw();
  }

  /** @param {string} id @param {boolean} [into] bring it into sight */
  choose(id, into = true) {
    this.current = id;
    const at = this.items.findIndex((item) => this.options.id(item) === id);
    if (into && at >= 0) {
      const { height } = this.options;
      const { scrollTop, clientHeight } = this.element;
      if (at * height < scrollTop) this.element.scrollTop = at * height;
      else if ((at + 1) * height > scrollTop + clientHeight) this.element.scrollTop = (at + 1) * height - clientHeight;
    }
    this.draw();
  }

  #later() {
    this.#drawn ||= requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.#drawn = 0;
    const { height, id, stamp, draw, near } = this.options;
    const { scrollTop, clientHeight } = this.element;
    this.#first = Math.max(0, Math.floor(scrollTop / height) - SPARE);
    this.#last = Math.min(this.items.length, Math.ceil((scrollTop + clientHeight) / height) + SPARE);
    this.space.style.height = `${(this.items.length + (this.more ? 3 : 0)) * height}px`;
    const kept = new Set();
    let active = "";
    for (let n = this.#first; n < this.#last; n++) {
      const item = this.items[n];
      const key = id(item);
      kept.add(key);
      const drawn = stamp(item);
      let row = this.#rows.get(key);
      if (!row) {
        row = { item, stamp: "", element: h("div", { role: "option", id: `row-${key}`, "data-id": key }) };
        this.#rows.set(key, row);
        this.space.append(row.element);
      }
      if (row.stamp !== drawn) row.element.replaceChildren(...draw(item));
      row.item = item;
      row.stamp = drawn;
      row.element.style.transform = `translateY(${n * height}px)`;
      row.element.setAttribute("aria-posinset", String(n + 1));
      row.element.setAttribute("aria-setsize", String(this.total));
      row.element.setAttribute("aria-selected", String(key === this.current));
      if (key === this.current) active = row.element.id;
    }
    for (const [key, { element }] of this.#rows) {
      if (kept.has(key)) continue;
      element.remove();
      this.#rows.delete(key);
    }
    this.element.setAttribute("aria-activedescendant", active);
    if (this.more && this.#last >= this.items.length - 20) near();
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const row = /** @type {HTMLElement} */ (event.target).closest?.("[data-id]");
    const found = row && this.#rows.get(/** @type {HTMLElement} */ (row).dataset.id ?? "");
    if (found) this.options.pick(found.item, event);
  }
}
