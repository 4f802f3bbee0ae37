/** Appeals: the queue of those who ask for a second look, with what each policy makes of the original evidence. @module */

import { Queue } from "./queue.js";

/** @param {HTMLElement} root @param {import("../main.js").Console} context @param {string} at */
export function mount(root, context, at = "") {
  const page = new Queue(root, context, { cause: "appeal" }, "page.appeals");
  void page.begin(at);
  return () => page.end();
}
