/**
 * The console: who is there, the bar above all pages, and the page below it.
 *
 * A page is a module in `pages/` that exports `mount(root, context)`. It fills `root`, registers its commands by
 * `context.keys.page([...])`, and returns a function that lets go of what it holds. See docs/console.md.
 * @module
 */

import { h } from "../chat/dom.js";
import { Voice, nearest } from "../chat/i18n.js";
import { Api, Problem } from "./api.js";
import { palette, sheet } from "./dialogs.js";
import { bones, nothing } from "./forms.js";
import { sign } from "./icons.js";
import { Keys } from "./keys.js";
import { Live } from "./live.js";
import { Toasts } from "./toasts.js";

/**
 * @typedef {object} Me
 * @property {string} id
 * @property {string} name
 * @property {"reviewer" | "lead" | "admin" | "auditor"} role
 * @property {"es" | "en" | "pt"} lang
 * @property {string} tenant
 * @property {string} csrf
 * @property {boolean} provisional
 * @property {Record<string, any>} preferences
 */

/** Pages in their order, with the roles that see them in the bar. */
const PAGES = /** @type {const} */ ([
  ["queue", ["reviewer", "lead", "admin"]],
  ["appeals", ["reviewer", "lead", "admin"]],
  ["quality", ["reviewer", "lead", "admin", "auditor"]],
  ["policies", ["reviewer", "lead", "admin", "auditor"]],
  ["audit", ["admin", "auditor"]],
  ["staff", ["admin", "auditor"]],
]);
/** Where a page's module is, if it is not `pages/<name>.js`. @type {Record<string, string>} */
const MODULES = { policies: "./lab.js" };
const PREFERRED = "tertulia:console";

export class Console {
  /** @type {Me} */
  // @ts-ignore  set before any page is mounted
  me;
  api = new Api();
  keys = new Keys();
  toasts = new Toasts();
  live = new Live(this.api);
  /** @type {Voice} */
  // @ts-ignore  set before anything is shown
  voice;
  #leave = () => {};
  #mounting = 0;

  constructor() {
    this.bar = h("header", { class: "bar" });
    this.main = h("main", { id: "main", tabindex: "-1" });
    this.offline = h("div", { class: "offline", role: "status", hidden: true });
    this.api.ended = () => this.#ended();
    this.live.on("state", (online) => this.#connected(online));
    addEventListener("popstate", () => this.#show());
    document.addEventListener("click", (event) => this.#clicked(event));
    this.#remember();
  }

  async start() {
    try {
      const { me } = await this.api.get("/sign-in");
      if (me) return await this.enter(me);
      await this.#speak(nearest(this.#kept().lang, ...navigator.languages));
      return await this.signIn();
    } catch (problem) {
      await this.#speak(nearest(this.#kept().lang, ...navigator.languages));
      document.body.replaceChildren(this.main);
      return this.main.replaceChildren(nothing(sign("lock"), this.told(problem), "", this.voice.say("retry"), () => location.reload()));
    }
  }

  /** Somebody is there. @param {Me} me */
  async enter(me) {
    this.me = me;
    this.api.csrf = me.csrf;
    this.#remember();
    await this.#speak(me.lang);
    if (me.provisional) return this.#door("password");
    if (/^\/console\/?(sign-in)?$/.test(location.pathname)) history.replaceState(null, "", `/console/${this.#home()}`);
    this.keys.single = me.preferences.keys !== false;
    this.keys.everywhere(this.#commands());
    document.body.replaceChildren(h("a", { class: "skip", href: "#main" }, this.voice.say("skip")), this.bar, this.offline, this.main, this.toasts.element);
    this.#drawBar();
    void this.live.open();
    return this.#show();
  }

  /** Nobody is there. */
  signIn() {
    return this.#door("sign_in");
  }

  async signOut() {
    await this.api.post("/sign-out").catch(() => {});
    location.assign("/console/queue");
  }

  /** Go to another page without loading everything anew. @param {string} path below /console/ */
  go(path) {
    if (`/console/${path}` !== location.pathname + location.search) history.pushState(null, "", `/console/${path}`);
    void this.#show();
  }

  /** Keep what somebody has chosen, here and on the server. @param {Record<string, any>} change @param {"es" | "en" | "pt"} [lang] */
  async prefer(change, lang = this.me.lang) {
    this.me = { ...this.me, lang, preferences: { ...this.me.preferences, ...change } };
    this.#remember();
    this.keys.single = this.me.preferences.keys !== false;
    await this.api.call("PUT", "/preferences", { preferences: this.me.preferences, lang });
    if (lang !== this.voice.lang) await this.enter(this.me);
  }

  /** @param {string} title */
  title(title) {
    document.title = title ? `${title} · Tertulia` : "Tertulia";
  }

  /** What to tell about something that went wrong. @param {unknown} problem */
  told(problem) {
    if (!(problem instanceof Problem)) {
      console.error(problem);
      return this.voice.say("failed");
    }
    const key = `problem.${problem.code}`;
    return this.voice.knows(key) ? this.voice.say(key) : problem.message || this.voice.say("failed");
  }

  // ------------------------------------------------------------------------------------------------------ inside

  #home() {
    return this.me.role === "auditor" ? "audit" : "queue";
  }

  /** @param {"es" | "en" | "pt"} lang */
  async #speak(lang) {
    const words = (await import(`./words/${lang}.js`)).default;
    this.voice = new Voice(lang, words);
    document.documentElement.lang = lang;
  }

  /** @param {"sign_in" | "password"} name */
  async #door(name) {
    this.#leave();
    this.#leave = () => {};
    this.live.close();
    this.keys.page([]);
    this.keys.everywhere([]);
    document.body.replaceChildren(this.main, this.toasts.element);
    const page = await import(name === "sign_in" ? "./pages/sign_in.js" : "./pages/password.js");
    page.mount(this.main, this);
  }

  async #show() {
    const [name, ...rest] = location.pathname.replace(/^\/console\/?/, "").split("/");
    const turn = ++this.#mounting;
    this.#leave();
    this.#leave = () => {};
    this.keys.page([]);
    for (const link of this.bar.querySelectorAll("nav a")) {
      if (link.getAttribute("href") === `/console/${name}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    this.title(this.voice.knows(`page.${name}`) ? this.voice.say(`page.${name}`) : "");
    const root = h("div", { class: `page ${name}` }, bones());
    this.main.replaceChildren(root);
    try {
      const page = await import(MODULES[name] ?? `./pages/${name}.js`);
      if (turn !== this.#mounting) return;
      const leave = await page.mount(root, this, decodeURIComponent(rest.join("/")));
      if (turn !== this.#mounting) return void leave?.();
      this.#leave = leave ?? (() => {});
    } catch (problem) {
      if (turn !== this.#mounting) return;
      const forbidden = problem instanceof Problem && problem.status === 403;
      root.replaceChildren(
        nothing(sign(forbidden ? "lock" : "help"), this.told(problem), forbidden ? this.voice.say("forbidden.text") : "", forbidden ? "" : this.voice.say("retry"), forbidden ? undefined : () => this.#show()),
      );
    }
  }

  #drawBar() {
    const { voice, me } = this;
    const dark = this.#isDark();
    this.bar.replaceChildren(
      h("a", { class: "brand", href: `/console/${this.#home()}` }, h("img", { src: "/static/demo/icon.svg", alt: "", width: "24", height: "24" }), h("span", {}, "Tertulia")),
      h(
        "nav",
        { "aria-label": voice.say("pages") },
        PAGES.filter(([, roles]) => /** @type {readonly string[]} */ (roles).includes(me.role)).map(([name]) =>
          h("a", { href: `/console/${name}` }, sign(name), h("span", {}, voice.say(`page.${name}`))),
        ),
      ),
      h("div", { class: "corner" },
        h("button", { type: "button", class: "plain find", "aria-label": voice.say("palette"), title: `${voice.say("palette")} · Ctrl K`, onclick: () => palette(this.voice, this.keys.all()) }, sign("search")),
        h("button", { type: "button", class: "plain theme", "aria-label": voice.say(dark ? "theme.light" : "theme.dark"), title: voice.say(dark ? "theme.light" : "theme.dark"), onclick: () => this.#turnTheme() }, sign(dark ? "sun" : "moon")),
        h("button", { type: "button", class: "plain keys", "aria-label": voice.say("keys"), title: `${voice.say("keys")} · ?`, onclick: () => sheet(this.voice, this.keys.all()) }, sign("help")),
        h("a", { class: "me", href: "/console/account", title: `${me.name} · ${voice.say(`role.${me.role}`)}` }, h("span", { class: "avatar", "aria-hidden": "true" }, initials(me.name)), h("span", { class: "aside" }, voice.say("page.account"))),
      ),
    );
  }

  /** @returns {import("./keys.js").Command[]} */
  #commands() {
    const { voice } = this;
    const everywhere = voice.say("keys.everywhere");
    return [
      { keys: ["Ctrl-k"], shown: "Ctrl K", label: voice.say("palette"), group: everywhere, hidden: true, run: () => palette(this.voice, this.keys.all()) },
      { keys: ["?"], label: voice.say("keys"), group: everywhere, run: () => sheet(this.voice, this.keys.all()) },
      ...PAGES.filter(([, roles]) => /** @type {readonly string[]} */ (roles).includes(this.me.role)).map(([name]) => ({ label: voice.say(`page.${name}`), group: voice.say("pages"), run: () => this.go(name) })),
      { label: voice.say("page.account"), group: voice.say("pages"), run: () => this.go("account") },
      { label: voice.say("theme.turn"), group: everywhere, run: () => this.#turnTheme() },
      { label: voice.say("sign_out"), group: everywhere, run: () => void this.signOut() },
    ];
  }

  #isDark() {
    const theme = this.me?.preferences.theme;
    return theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }

  #turnTheme() {
    void this.prefer({ theme: this.#isDark() ? "light" : "dark" }).catch(() => {});
    this.#drawBar();
  }

  /** @returns {{lang?: string, theme?: string}} */
  #kept() {
    try {
      return JSON.parse(localStorage.getItem(PREFERRED) ?? "{}");
    } catch {
      return {};
    }
  }

  /** Before the server has answered, the page looks and speaks as it did last time. */
  #remember() {
    const kept = this.me ? { lang: this.me.lang, theme: this.me.preferences.theme } : this.#kept();
    if (this.me) localStorage.setItem(PREFERRED, JSON.stringify(kept));
    if (kept.theme) document.documentElement.dataset.theme = kept.theme;
    else delete document.documentElement.dataset.theme;
  }

  #ended() {
    if (!this.me) return;
    this.toasts.show(this.voice.say("ended"));
    // @ts-ignore  nobody is there any more
    this.me = undefined;
    this.api.csrf = "";
    void this.signIn();
  }

  /** @param {boolean} online */
  #connected(online) {
    this.offline.hidden = online;
    this.offline.textContent = online ? "" : this.voice.say("offline");
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const link = /** @type {Element} */ (event.target).closest?.("a[href^='/console/']");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button || link.hasAttribute("download")) return;
    event.preventDefault();
    this.go(/** @type {string} */ (link.getAttribute("href")).slice("/console/".length));
    if (link.closest("nav")) this.main.focus({ preventScroll: true });
  }
}

/** The first letters of the first and the last of somebody's names. @param {string} name */
export function initials(name) {
  const letters = name.split(/\s+/).map((word) => word.match(/[\p{L}\p{N}]/u)?.[0] ?? "").filter(Boolean);
  return ((letters[0] ?? "?") + (letters.length > 1 ? letters.at(-1) : "")).toUpperCase();
}

void new Console().start();
