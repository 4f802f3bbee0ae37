/**
 * Where people write: grows to five lines, keeps its draft, shows suggestions above and advice under itself. The lane of the
 * suggestions is there before they are: what comes into it moves nothing.
 * @module
 */

import { button, h, icon, iconButton, rove, words } from "./dom.js";

/** @typedef {import("./i18n").Voice} Voice */
/** @typedef {import("./wire").Attachment} Attachment */
/** @typedef {import("./wire").Suggestion} Suggestion */
/**
 * @typedef {object} Words
 * @property {string} text
 * @property {string} reply_to
 * @property {Attachment[]} attachments
 * @property {string} suggestion
 * @property {boolean} despite_advice whether its author has already thought twice
 *
 * @typedef {object} Actions
 * @property {(words: Words) => void} send
 * @property {(id: string, text: string) => void} saveEdit
 * @property {() => void} typing
 * @property {(text: string) => void} draft every change, to be kept
 * @property {(text: string) => void} pause the writer has stopped for a moment
 * @property {() => void} invite
 * @property {() => void} suggestionsOff
 * @property {() => void} dismissed what was suggested was put away
 * @property {() => void} editLast
 * @property {() => Promise<Attachment | null>} attach
 */

const LINES = 5;
const COUNT_FROM = 400; // characters left when the counter appears
const PAUSE_MS = 900;
const READ_MS = 1_500; // for a word of advice to be read: who sends the same words after that has thought twice
const SUGGESTIONS = 3;

export class Composer {
  /**
   * @param {Voice} voice
   * @param {Actions} actions
   * @param {number} limit characters
   */
  constructor(voice, actions, limit) {
    this.voice = voice;
    this.actions = actions;
    this.limit = limit;
    this.replyTo = "";
    this.editing = "";
    this.suggestion = "";
    /** @type {Attachment[]} */
    this.attachments = [];
    this.before = ""; // what was being written when an edit began
    this.pauseTimer = 0;
    this.advised = { text: "", at: 0 };

    this.chips = h("div", { class: "chips", role: "toolbar", hidden: true, onkeydown: (/** @type {KeyboardEvent} */ event) => this.#chipKey(event) });
    this.lane = h("div", { class: "lane", hidden: true }, this.chips);
    this.offered = false;
    this.context = h("div", { class: "context", hidden: true });
    this.staged = h("ul", { class: "staged", hidden: true });
    this.field = h("textarea", {
      rows: "1", dir: "auto", enterkeyhint: "send", autocomplete: "off",
      oninput: () => this.#typed(),
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.#key(event),
    });
    this.clip = iconButton("attach", "", { class: "clip", hidden: true, onclick: () => this.#attach() });
    this.sendButton = h("button", { type: "submit", class: "send" }, icon("send"));
    this.hint = h("span", { class: "aside", id: "hint" });
    this.advice = h("div", { class: "advice", role: "status" });
    this.count = h("div", { class: "characters", role: "status" });
    this.closed = h("p", { class: "closed", hidden: true });
    this.form = h(
      "form",
      { class: "composer", onsubmit: (/** @type {Event} */ event) => this.#submit(event) },
      this.context, this.staged,
      h("div", { class: "line" }, this.clip, h("div", { class: "box" }, this.field), this.sendButton),
      this.hint,
      h("div", { class: "under" }, this.advice, this.count),
    );
    this.element = h("div", { class: "foot" }, this.form, this.closed);
    this.field.setAttribute("aria-describedby", "hint");
    new ResizeObserver(() => this.#grow()).observe(this.form);
    this.speak(voice);
  }

  /** @param {Voice} voice */
  speak(voice) {
    this.voice = voice;
    this.field.placeholder = voice.say("composer");
    this.field.setAttribute("aria-label", voice.say("composer"));
    this.hint.textContent = voice.say("composer.hint");
    this.closed.textContent = voice.say("composer.left");
    for (const [element, key] of /** @type {const} */ ([[this.sendButton, "send"], [this.clip, "attach"]])) {
      element.setAttribute("aria-label", voice.say(key));
      element.title = voice.say(key);
    }
    this.chips.setAttribute("aria-label", voice.say("suggestions"));
    this.#measure();
  }

  /** @param {boolean} open whether the reader may write here */
  allow(open) {
    this.form.hidden = !open;
    this.closed.hidden = open;
    this.#reserve();
  }

  /** @param {boolean} on whether words are suggested to the reader */
  offer(on) {
    this.offered = on;
    this.#reserve();
  }

  /** A lane for suggestions where some may come, and none where none will. */
  #reserve() {
    this.lane.hidden = !this.offered || this.form.hidden;
    if (this.lane.hidden) this.suggest([]);
  }

  focus() {
    this.field.focus({ preventScroll: true });
  }

  get text() {
    return this.field.value;
  }

  /** @param {string} text */
  fill(text) {
    this.field.value = text;
    this.#grow();
    this.#measure();
    this.actions.draft(this.editing ? this.before : text);
  }

  /** Words come back to be written again. What is being written stays, behind them. @param {string} text */
  takeBack(text) {
    const current = this.field.value.trim();
    this.fill(current ? `${text}\n${current}` : text);
    this.focus();
    this.field.setSelectionRange(text.length, text.length);
  }

  /**
   * @param {string} id
   * @param {string} name
   * @param {string} text
   */
  reply(id, name, text) {
    if (this.editing) this.#endEdit();
    this.replyTo = id;
    this.#showContext("reply", this.voice.say("reply.to", { name }), text, this.voice.say("reply.cancel"), () => this.#endReply());
    this.focus();
  }

  /** @param {string} id @param {string} text */
  edit(id, text) {
    if (!this.editing) this.before = this.field.value;
    this.#endReply();
    this.editing = id;
    this.#showContext("edit", this.voice.say("edit.editing"), text, this.voice.say("edit.cancel"), () => this.#endEdit());
    this.fill(text);
    this.focus();
    this.field.setSelectionRange(text.length, text.length);
  }

  /**
   * Offer words to answer with. Nothing is ever sent by itself.
   * @param {Suggestion[]} suggestions
   * @param {string} lang in which they are
   * @returns {boolean} whether they are shown: who is writing already is left alone
   */
  suggest(suggestions, lang = "") {
    if (suggestions.length && (this.lane.hidden || this.field.value || this.editing)) return false;
    const had = this.chips.contains(/** @type {ShadowRoot} */ (this.chips.getRootNode()).activeElement ?? null);
    this.chips.hidden = !suggestions.length;
    const chips = suggestions.slice(0, SUGGESTIONS).map((suggestion, at) => {
      const invites = isInvite(suggestion);
      return h(
        "button",
        { type: "button", class: invites ? "chip invite" : "chip", tabindex: at ? "-1" : "0", dir: "auto", lang: invites ? null : lang || null, title: invites ? null : suggestion.text, onclick: () => this.#take(suggestion) },
        invites ? icon("invite") : null,
        invites ? this.voice.say("invite") : suggestion.text,
      );
    });
    const off = button(this.voice.say("suggestions.off"), { class: "quiet", tabindex: "-1", onclick: () => this.#switchOff() });
    const dismiss = iconButton("close", this.voice.say("suggestions.dismiss"), { class: "quiet", tabindex: "-1", onclick: () => this.#dismiss() });
    this.chips.replaceChildren(...(chips.length ? [h("div", { class: "offer" }, chips, off), dismiss] : []));
    if (had) this.focus();
    return chips.length > 0;
  }

  /**
   * Say what would become of the words as they stand.
   * @param {import("./wire").Reason[]} reasons
   * @param {string[]} rewrites
   * @param {string} [text] the words, if their author may send them all the same
   */
  advise(reasons, rewrites, text = "") {
    this.advised = { text, at: Date.now() };
    const texts = [...new Set(reasons.map((reason) => reason.message).filter(Boolean))];
    this.advice.replaceChildren(
      ...(texts.length ? [icon("advice"), h("span", { dir: "auto" }, texts.join(" "))] : []),
      ...(texts.length ? rewrites.map((text) => button(text, { class: "chip", dir: "auto", onclick: () => { this.fill(text); this.advise([], []); this.focus(); } })) : []),
    );
  }

  /** @param {boolean} possible whether the host can bring files */
  offerFiles(possible) {
    this.clip.hidden = !possible;
  }

  #typed() {
    this.#grow();
    this.#measure();
    if (!this.editing) this.actions.draft(this.field.value);
    if (this.field.value.trim()) this.actions.typing();
    else this.advise([], []);
    if (!this.field.value) this.suggestion = "";
    clearTimeout(this.pauseTimer);
    this.pauseTimer = setTimeout(() => this.actions.pause(this.field.value.trim()), PAUSE_MS);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    // A word being composed by an input method ends with Enter too.
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey) return this.#submit(event);
    if (event.key === "Escape") {
      if (this.editing) this.#endEdit();
      else if (this.replyTo) this.#endReply();
      else if (!this.chips.hidden) this.#dismiss();
      else return;
      event.stopPropagation();
    }
    if (event.key === "ArrowUp" && !this.field.value && !this.editing) {
      event.preventDefault();
      this.actions.editLast();
    }
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    const text = this.field.value.trim() || (this.attachments[0]?.name ?? "");
    if (!text || characters(text) > this.limit) return;
    clearTimeout(this.pauseTimer);
    const despite_advice = text === this.advised.text && Date.now() - this.advised.at >= READ_MS;
    const words = { text, reply_to: this.replyTo, attachments: this.attachments, suggestion: this.suggestion, despite_advice };
    this.advise([], []);
    if (this.editing) {
      const id = this.editing;
      this.#endEdit();
      this.actions.saveEdit(id, text);
    } else {
      this.attachments = [];
      this.suggestion = "";
      this.#endReply();
      this.#drawStaged();
      this.suggest([]);
      this.fill("");
      this.actions.send(words);
    }
    this.focus();
  }

  #endReply() {
    this.replyTo = "";
    this.context.hidden = true;
  }

  #endEdit() {
    this.editing = "";
    this.context.hidden = true;
    this.advise([], []);
    this.fill(this.before);
    this.before = "";
  }

  /**
   * @param {import("./dom").IconName} name
   * @param {string} title
   * @param {string} text
   * @param {string} cancel
   * @param {() => void} end
   */
  #showContext(name, title, text, cancel, end) {
    this.context.hidden = false;
    this.context.replaceChildren(
      icon(name),
      h("div", {}, h("strong", { dir: "auto" }, title), h("span", { dir: "auto" }, words(text.slice(0, 200), this.voice.say("covered")).map((part) => (part instanceof HTMLAnchorElement ? part.textContent : part)))),
      iconButton("close", cancel, { onclick: () => { end(); this.focus(); } }),
    );
  }

  /** @param {Suggestion} suggestion */
  #take(suggestion) {
    if (isInvite(suggestion)) return this.actions.invite();
    this.suggestion = suggestion.id;
    this.suggest([]);
    this.fill(suggestion.text);
    this.focus();
    this.field.setSelectionRange(suggestion.text.length, suggestion.text.length);
  }

  #dismiss() {
    this.suggest([]);
    this.actions.dismissed();
    this.focus();
  }

  #switchOff() {
    this.suggest([]);
    this.actions.suggestionsOff();
    this.focus();
  }

  /** @param {KeyboardEvent} event */
  #chipKey(event) {
    if (event.key === "Escape") {
      event.stopPropagation();
      return this.#dismiss();
    }
    rove(event, /** @type {HTMLElement[]} */ ([...this.chips.querySelectorAll("button")]));
  }

  async #attach() {
    const attachment = await this.actions.attach();
    if (attachment) this.attachments = [...this.attachments, attachment];
    this.#drawStaged();
    this.#measure();
    this.focus();
  }

  #drawStaged() {
    this.staged.hidden = !this.attachments.length;
    this.staged.replaceChildren(
      ...this.attachments.map((attachment) =>
        h(
          "li",
          {},
          icon("file"),
          h("bdi", { class: "name" }, attachment.name),
          iconButton("close", this.voice.say("attachment.remove", { name: attachment.name }), {
            onclick: () => {
              this.attachments = this.attachments.filter((other) => other !== attachment);
              this.#drawStaged();
              this.#measure();
            },
          }),
        ),
      ),
    );
  }

  #grow() {
    const { field } = this;
    const style = getComputedStyle(field);
    const padding = parseFloat(style.paddingTop) + parseFloat(style.paddingBottom);
    const most = parseFloat(style.lineHeight) * LINES + padding;
    field.style.height = "auto";
    const height = Math.min(field.scrollHeight, most || Infinity);
    if (height) field.style.height = `${height}px`;
    field.style.overflowY = field.scrollHeight > height + 1 ? "auto" : "hidden";
  }

  #measure() {
    const left = this.limit - characters(this.field.value.trim());
    const text = left < 0 ? this.voice.say("count.over", { n: -left }) : left <= COUNT_FROM ? this.voice.say("count", { n: left }) : "";
    if (this.count.textContent !== text) this.count.textContent = text;
    this.count.classList.toggle("over", left < 0);
    this.field.setAttribute("aria-invalid", String(left < 0));
    this.sendButton.disabled = left < 0 || (!this.field.value.trim() && !this.attachments.length);
  }
}

/** The server counts characters, not the halves that JavaScript stores some of them in. @param {string} text */
export function characters(text) {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** @param {Suggestion} suggestion */
function isInvite(suggestion) {
  return suggestion.action === "invite" || suggestion.stance === "invite";
}
