/** One's own account: language, looks, keys, password, and where one is signed in. @module */

import { button, h } from "../../chat/dom.js";
import { choice, toggle } from "../forms.js";
import { passwordForm } from "../password_form.js";

/** @param {HTMLElement} root @param {import("../main.js").Console} context */
export async function mount(root, context) {
  const { voice, api, me } = context;
  const list = h("ul", { class: "rows" });
  const draw = async () => {
    const { here, sessions } = await api.get("/sessions");
    list.replaceChildren(
      ...sessions.map((/** @type {any} */ one) =>
        h(
          "li",
          {},
          h("div", {}, h("strong", {}, browserOf(one.browser) || voice.say(`via.${one.via}`)), one.mark === here ? h("span", { class: "tag" }, voice.say("sessions.here")) : ""),
          h("span", { class: "muted" }, `${one.address} · ${voice.say("sessions.seen", { ago: voice.ago(one.seen_at, Date.now()) })}`),
          one.mark === here
            ? button(voice.say("sign_out"), { onclick: () => context.signOut() })
            : button(voice.say("sessions.end"), { onclick: () => api.call("DELETE", `/sessions/${one.mark}`).then(draw, (problem) => context.toasts.show(context.told(problem), { tone: "bad" })) }),
        ),
      ),
    );
  };
  const lang = choice(voice.say("language"), [["es", "Español"], ["en", "English"], ["pt", "Português"]], me.lang);
  lang.input.addEventListener("change", () => prefer({}, /** @type {any} */ (lang.input.value)));
  const theme = choice(voice.say("theme"), [["", voice.say("theme.system")], ["light", voice.say("theme.light")], ["dark", voice.say("theme.dark")]], me.preferences.theme ?? "");
  theme.input.addEventListener("change", () => prefer({ theme: theme.input.value || undefined }));
  const prefer = (/** @type {any} */ change, /** @type {any} */ to = undefined) => context.prefer(change, to).catch((problem) => context.toasts.show(context.told(problem), { tone: "bad" }));
  await draw();
  root.replaceChildren(
    h("h1", {}, voice.say("page.account")),
    h("p", { class: "muted" }, `${me.name} · ${me.id.replace(/^staff:/, "")} · ${voice.say(`role.${me.role}`)}`),
    h("div", { class: "columns" },
      h("section", { class: "card" }, h("h2", {}, voice.say("preferences")), lang.element, theme.element,
        toggle(voice.say("preferences.blur"), Boolean(me.preferences.blur), (blur) => prefer({ blur })),
        toggle(voice.say("preferences.keys"), me.preferences.keys !== false, (keys) => prefer({ keys }))),
      h("section", { class: "card" }, h("h2", {}, voice.say("password")), passwordForm(context, () => (context.toasts.show(voice.say("password.changed")), void draw()))),
    ),
    h("section", { class: "card" }, h("h2", {}, voice.say("sessions")), list),
  );
}

/** A browser's name out of what it says of itself, which is long and mostly untrue. @param {string} agent */
function browserOf(agent) {
  const name = /(Edg|OPR|Firefox|Chrome|Safari)\//.exec(agent)?.[1];
  const system = /(Windows|Android|iPhone|iPad|Mac OS X|Linux)/.exec(agent)?.[1];
  const called = { Edg: "Edge", OPR: "Opera" }[name ?? ""] ?? name;
  return [called, system?.replace(" OS X", "")].filter(Boolean).join(" · ");
}
