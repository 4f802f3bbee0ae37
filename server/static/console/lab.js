/**
 * The policies' page: what is in force, drafts with live checks, trials on what was and is being said, versions.
 *
 * `/console/policies` is the overview, `/console/policies/drafts/<id>` a draft, `/console/policies/kinds/<kind>` the versions
 * for a kind of conversation.
 * @module
 */

import { h } from "../chat/dom.js";
import { Voice } from "../chat/i18n.js";
import { draft } from "./lab/draft.js";
import { overview } from "./lab/overview.js";
import { versions } from "./lab/versions.js";

/**
 * @typedef {object} Lab
 * @property {import("./main.js").Console} console
 * @property {Voice} voice
 * @property {boolean} writes whether this person may change anything
 * @property {(id: string) => string} name somebody's name
 * @property {(kind: string) => string} kind a kind of conversation, as people say it
 * @property {(problem: unknown) => void} tell that something went wrong
 */

/** @param {HTMLElement} root @param {import("./main.js").Console} context @param {string} rest of the address */
export async function mount(root, context, rest) {
  await styled();
  const [words, people] = await Promise.all([
    import(`./lab/words/${context.voice.lang}.js`),
    context.api.get("/colleagues").catch(() => []),
  ]);
  const names = new Map(people.map((/** @type {any} */ one) => [one.id, one.name]));
  const voice = new Voice(context.voice.lang, words.default);
  /** @type {Lab} */
  const lab = {
    console: context,
    voice,
    writes: ["lead", "admin"].includes(context.me.role),
    name: (id) => names.get(id) ?? id.replace(/^staff:/, ""),
    kind: (kind) => (kind === "default" ? voice.say("kind.default") : voice.say("kind.one", { kind })),
    tell: (problem) => {
      const stale = /** @type {any} */ (problem)?.code === "conflict";
      context.toasts.show(stale ? voice.say("conflict") : context.told(problem), { tone: "bad" });
    },
  };
  const [what, id] = [rest.slice(0, rest.indexOf("/")), rest.slice(rest.indexOf("/") + 1)];
  if (what === "drafts") return draft(root, lab, id);
  if (what === "kinds") return versions(root, lab, id);
  return overview(root, lab);
}

/** The page's own style sheet, once. */
function styled() {
  if (document.querySelector("link[href$='/lab.css']")) return Promise.resolve();
  return new Promise((resolve) => {
    const link = h("link", { rel: "stylesheet", href: "/static/console/lab/lab.css" });
    link.addEventListener("load", () => resolve(undefined));
    link.addEventListener("error", () => resolve(undefined));
    document.head.append(link);
  });
}
