/**
 * What stands around the messages: the header, and the notices that lie over the top of the log without moving it.
 * @module
 */

import { button, h, icon, iconButton } from "./dom.js";

/** @typedef {import("./i18n").Voice} Voice */
/** @typedef {import("./fold").Log} Log */
/**
 * @typedef {object} Model
 * @property {Log} log
 * @property {Voice} voice
 * @property {string} role the reader's
 * @property {import("./connection").State} state
 * @property {number} code why the connection stopped
 * @property {boolean} offline known to be offline for longer than a blink
 * @property {boolean} forbidden the conversation is not the reader's
 * @property {boolean} rated
 * @property {import("./wire").Notice | null} told what the staff tells the reader
 * @property {number} now
 *
 * @typedef {object} Actions
 * @property {() => void} people
 * @property {() => void} invite
 * @property {() => void} leave
 * @property {() => void} again
 * @property {() => void} withdraw
 * @property {(share: boolean) => void} consent
 * @property {(score: number) => void} rate
 * @property {() => void} rateLater
 * @property {(notice: string) => void} noted
 */

/** Draws a part again only when what it shows has changed, so that focus and pointer stay where they are. */
class Part {
  constructor() {
    this.stamp = "";
  }
  /**
   * @param {HTMLElement} element
   * @param {string} stamp
   * @param {() => (Node | string)[]} draw
   */
  draw(element, stamp, draw) {
    if (this.stamp === stamp) return;
    this.stamp = stamp;
    element.replaceChildren(...draw());
  }
}

/**
 * The brand's presence, as everybody in the chat sees it.
 * @param {Log} log
 * @returns {"silent" | "waiting" | "here"}
 */
export function presenceOf(log) {
  if (log.invitation?.state === "requested") return "waiting";
  return agentOf(log) ? "here" : "silent";
}

/** @param {Log} log */
function agentOf(log) {
  return [...log.members].map((id) => log.people.get(id)).find((person) => person?.role === "agent");
}

/** Whether the reader is one of those whose chat it is. @param {string} role */
function isParty(role) {
  return role !== "agent" && role !== "bot" && role !== "staff";
}

export class Header {
  /** @param {Actions} actions */
  constructor(actions) {
    this.actions = actions;
    this.element = h("header", { class: "head" });
    this.part = new Part();
  }

  /** @param {Model} model */
  render(model) {
    const { log, voice, role } = model;
    const presence = presenceOf(log);
    const names = log.others().map((person) => person.name);
    const agent = agentOf(log)?.name ?? "";
    const known = log.member || log.loaded;
    const stamp = JSON.stringify([voice.lang, voice.brand, log.title, log.stage, names, presence, agent, role, known, model.forbidden]);
    this.part.draw(this.element, stamp, () => [
      h(
        "div",
        { class: "about" },
        h("h1", { dir: "auto" }, log.title || voice.say("chat")),
        known
          ? h(
              "button",
              { type: "button", class: "who", title: voice.say("people"), "aria-haspopup": "dialog", onclick: () => this.actions.people() },
              h("span", { class: "stage" }, voice.say(`stage.${log.stage}`)),
              icon("people"),
              h("bdi", {}, names.length ? voice.say("people.and", { names: names.map((name) => name.split(" ")[0]).join(", ") }) : voice.say("you")),
            )
          : h("span", { class: "who" }, "\u00a0"),
      ),
      ...(known && !model.forbidden ? this.#corner(model, presence) : []),
      ...(known && !model.forbidden
        ? [h("p", { class: `presence ${presence}` }, icon(presence === "waiting" ? "clock" : "agent"), h("span", {}, voice.say(`brand.${presence}`, { name: agent })))]
        : []),
    ]);
  }

  /** @param {Model} model @param {"silent" | "waiting" | "here"} presence @returns {HTMLElement[]} */
  #corner({ log, role, voice }, presence) {
    if (role === "agent") return log.member ? [h("button", { type: "button", class: "corner leave", "aria-label": voice.say("leave"), onclick: () => this.actions.leave() }, icon("leave"), h("span", { class: "wide" }, voice.say("leave")), h("span", { class: "narrow" }, voice.say("leave.short")))] : [];
    if (!isParty(role) || presence !== "silent" || !log.member) return [];
    return [
      h(
        "button",
        { type: "button", class: "corner invite", "aria-label": voice.say("invite"), "aria-haspopup": "dialog", onclick: () => this.actions.invite() },
        icon("invite"),
        h("span", { class: "wide" }, voice.say("invite")),
        h("span", { class: "narrow" }, voice.say("invite.short")),
      ),
    ];
  }
}

export class Notices {
  /** @param {Actions} actions */
  constructor(actions) {
    this.actions = actions;
    this.net = h("div", { class: "notice net", role: "status", hidden: true });
    this.brand = h("section", { class: "notice brand", hidden: true });
    this.staff = h("section", { class: "notice staff", role: "status", hidden: true });
    this.element = h("div", { class: "notices" }, this.net, this.staff, this.brand);
    this.staffPart = new Part();
    this.netPart = new Part();
    this.brandPart = new Part();
  }

  /** @param {Model} model */
  render(model) {
    this.#renderNet(model);
    this.#renderStaff(model);
    this.#renderBrand(model);
  }

  /** @param {Model} model */
  #renderNet({ state, code, offline, forbidden, voice }) {
    const kind = forbidden ? "forbidden" : state === "stopped" ? "stopped" : offline ? "offline" : "";
    this.net.hidden = !kind;
    this.net.dataset.kind = kind;
    this.netPart.draw(this.net, `${kind}|${code}|${voice.lang}`, () => {
      if (!kind) return [];
      const [text, label] =
        kind === "offline" ? [voice.say("net.offline"), "net.retry"]
        : kind === "forbidden" || code === 4403 ? [voice.say("stop.forbidden"), ""]
        : code === 4409 ? [voice.say("stop.elsewhere"), "stop.here"]
        : code === 4401 || code === 4004 ? [voice.say("stop.unauthenticated"), ""]
        : [voice.say("stop.error"), "net.retry"];
      return [icon(kind === "offline" ? "offline" : "stop"), h("span", {}, text), ...(label ? [button(voice.say(label), { class: "link", onclick: () => this.actions.again() })] : [])];
    });
  }

  /** What the staff tells the reader alone, until they say that they have read it. @param {Model} model */
  #renderStaff({ told, voice }) {
    this.staff.hidden = !told;
    this.staffPart.draw(this.staff, JSON.stringify([told, voice.lang]), () => {
      if (!told) return [];
      return [
        icon("report"),
        h("div", {}, h("strong", {}, voice.say("notice.title")), h("span", { dir: "auto" }, told.text)),
        button(voice.say("notice.read"), { onclick: () => this.actions.noted(told.id) }),
      ];
    });
  }

  /** @param {Model} model */
  #renderBrand(model) {
    const { log, voice, role, rated, now } = model;
    const { invitation, me } = log;
    const open = invitation?.state === "requested" || invitation?.state === "joined";
    const kind =
      !invitation || !isParty(role) || !log.member || !log.loaded ? ""
      : open && invitation.by !== me && !Object.hasOwn(invitation.consents ?? {}, me) ? "consent"
      : invitation.state === "requested" ? (invitation.by === me ? "waiting" : "")
      : invitation.state === "left" && invitation.joined_at && !rated ? "rate"
      : "";
    this.brand.hidden = !kind;
    const ago = kind === "waiting" && invitation ? voice.ago(invitation.at, now) : "";
    this.brandPart.draw(this.brand, JSON.stringify([kind, voice.lang, voice.brand, invitation?.id, ago]), () => {
      if (!kind || !invitation) return [];
      this.brand.setAttribute("aria-label", voice.say("invite"));
      if (kind === "waiting") {
        return [
          icon("clock"),
          h("div", {}, h("strong", {}, voice.say("invite.waiting")), h("span", {}, voice.say("invite.waiting.since", { ago }))),
          button(voice.say("invite.withdraw"), { onclick: () => this.actions.withdraw() }),
        ];
      }
      if (kind === "consent") {
        const topic = `topic.${invitation.topic}`;
        return [
          icon("agent"),
          h(
            "div",
            {},
            h("strong", { dir: "auto" }, voice.say("consent.title", { name: log.people.get(invitation.by)?.name ?? voice.say("someone") })),
            h("span", {}, voice.say("consent.text", { topic: voice.say(voice.knows(topic) ? topic : "topic.other") })),
            h("div", { class: "choices" }, button(voice.say("consent.yes"), { class: "strong", onclick: () => this.actions.consent(true) }), button(voice.say("consent.no"), { onclick: () => this.actions.consent(false) })),
          ),
        ];
      }
      return [
        icon("star"),
        h(
          "div",
          {},
          h("strong", { dir: "auto" }, voice.say("rate.title", { name: invitation.agent_name || voice.brand })),
          h("div", { class: "stars" }, [1, 2, 3, 4, 5].map((n) => iconButton("star", voice.say("rate.stars", { n }), { onclick: () => this.actions.rate(n) }))),
        ),
        iconButton("close", voice.say("later"), { class: "quiet", onclick: () => this.actions.rateLater() }),
      ];
    });
  }
}
