/**
 * The element's own style. Sizes follow the element's width, not the window's: three of them fit side by side.
 * @module
 */

export const STYLES = `
:host {
  display: block;
  position: relative;
  container-type: inline-size;
  block-size: 100%;
  min-block-size: 320px;
  overflow: hidden;
  background: var(--surface);
  color: var(--text);
  font: var(--text-2) / 1.4 var(--font);
  border-radius: var(--radius);
  -webkit-text-size-adjust: 100%;
}
:host([hidden]) { display: none; }
*, *::before, *::after { box-sizing: border-box; }
[hidden] { display: none !important; }
h1, h2, p, ul, fieldset { margin: 0; padding: 0; border: 0; list-style: none; }
button, textarea, input { font: inherit; color: inherit; letter-spacing: inherit; }
button { border: 0; background: none; padding: 0; cursor: pointer; touch-action: manipulation; }
button:disabled { cursor: default; }
:focus { outline: none; }
:focus-visible { outline: 2px solid var(--accent-text); outline-offset: -2px; }
a { color: var(--accent-text); text-underline-offset: 2px; }
.icon { inline-size: 1.25em; block-size: 1.25em; flex: none; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }
.i-more, .i-smile, .i-bot, .i-offline { stroke-width: 2.2; }
.aside { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.link { position: relative; color: var(--accent-text); font-weight: 600; text-decoration: underline; text-underline-offset: 2px; }
.link::after { content: ""; position: absolute; inset: -6px; }

.chat { display: flex; flex-direction: column; block-size: 100%; }

/* ---- header */
.head { display: grid; grid-template-columns: minmax(0, 1fr) auto; align-items: center; column-gap: var(--space-2); padding: var(--space-2) var(--space-4) 0; border-block-end: 1px solid var(--line); }
.about { min-inline-size: 0; padding-block: 2px; }
.head h1 { font-size: var(--text-3); font-weight: 650; line-height: 1.3; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; unicode-bidi: isolate; }
.who { display: flex; align-items: center; gap: 6px; max-inline-size: 100%; min-block-size: 24px; color: var(--muted); font-size: 13px; text-align: start; border-radius: var(--radius-small); }
.who .stage { flex: none; max-inline-size: 24ch; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; padding-inline: 7px; border-radius: 99px; background: var(--sunken); color: var(--text); font-size: var(--text-1); line-height: 20px; }
.who bdi { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.who:hover bdi { text-decoration: underline; }
.corner { display: inline-flex; align-items: center; gap: 6px; min-block-size: 36px; padding-inline: 14px; border-radius: 99px; border: 1px solid var(--line); color: var(--accent-text); font-weight: 600; white-space: nowrap; transition: background var(--motion); }
.corner:hover { background: var(--accent-soft); border-color: transparent; }
.corner .narrow { display: none; }
.presence { grid-column: 1 / -1; display: flex; align-items: center; gap: 6px; min-block-size: 28px; color: var(--muted); font-size: var(--text-1); }
.presence span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.presence.here { color: var(--accent-text); font-weight: 600; }
.presence.waiting { color: var(--caution); }

/* ---- log */
.middle { position: relative; flex: 1; min-block-size: 0; background: var(--sunken); }
.log { position: absolute; inset: 0; overflow-y: auto; overscroll-behavior: contain; scrollbar-width: thin; scrollbar-color: var(--line) transparent; }
.rows { padding: 0 var(--space-3) var(--space-1); }
.top { min-block-size: 40px; display: grid; place-content: center; text-align: center; color: var(--muted); font-size: var(--text-1); }
.day, .note, .unread { display: flex; justify-content: center; text-align: center; padding-block: var(--space-2); color: var(--muted); font-size: var(--text-1); }
.day span { padding: 3px 12px; border-radius: 99px; background: var(--surface); font-weight: 600; }
.note span { max-inline-size: 90%; overflow-wrap: anywhere; }
.unread { align-items: center; gap: var(--space-3); color: var(--accent-text); font-weight: 600; }
.unread::before, .unread::after { content: ""; flex: 1; border-block-start: 1px solid color-mix(in oklab, var(--accent) 40%, transparent); }

.message { display: flex; gap: var(--space-2); padding: 1px 2px; border-radius: var(--radius-small); content-visibility: auto; contain-intrinsic-block-size: auto 44px; scroll-margin-block: 48px; }
/* Estimated heights that become real ones above the reader need a browser that anchors what is read. */
@supports not (overflow-anchor: auto) { .message { content-visibility: visible; } }
.message.first { padding-block-start: var(--space-2); }
.message.own { justify-content: flex-end; }
.body { display: flex; flex-direction: column; align-items: flex-start; min-inline-size: 0; max-inline-size: calc(100% - 36px); flex: 1; }
.own .body { align-items: flex-end; max-inline-size: 100%; }
.by { display: flex; flex-wrap: wrap; align-items: center; gap: 2px 6px; padding: 0 4px 3px; font-size: 13px; line-height: 1.3; max-inline-size: 100%; }
.name { font-weight: 650; overflow-wrap: anywhere; }
.role { display: inline-flex; align-items: center; gap: 3px; color: var(--muted); font-size: var(--text-1); white-space: nowrap; }
.role .icon { align-self: center; inline-size: 14px; block-size: 14px; }
.buyer .role .icon, .role.buyer .icon { color: var(--buyer); }
.seller .role .icon, .role.seller .icon { color: var(--seller); }
.provider .role .icon, .role.provider .icon { color: var(--provider); }
.agent .role, .role.agent { color: var(--agent); font-weight: 600; }

.avatar { flex: none; display: grid; place-content: center; inline-size: 28px; block-size: 28px; border-radius: 50%; font-size: 11px; font-weight: 700; letter-spacing: 0.02em; color: var(--role-colour); background: color-mix(in oklab, var(--role-colour) 15%, var(--surface)); --role-colour: var(--muted); }
.avatar.buyer { --role-colour: var(--buyer); }
.avatar.seller { --role-colour: var(--seller); border-radius: 9px; }
.avatar.provider { --role-colour: var(--provider); border-radius: 50% 50% 50% 9px; }
.avatar.agent { background: var(--accent); color: var(--on-accent); border-radius: 9px 9px 50% 50%; }
.avatar.bot { border-radius: 4px; }
.avatar.gap { visibility: hidden; block-size: 1px; }

.body > .line { display: flex; align-items: flex-start; gap: 4px; max-inline-size: 100%; min-inline-size: 0; }
.own .line { flex-direction: row-reverse; }
.bubble { min-inline-size: 0; padding: 7px 12px; border-radius: var(--radius); background: var(--raised); font-size: 15px; line-height: 1.4; unicode-bidi: isolate; box-shadow: 0 1px 1px light-dark(rgb(13 30 27 / 0.06), rgb(0 0 0 / 0.25)); -webkit-touch-callout: none; }
.own .bubble { background: var(--accent-soft); }
.agent.other .bubble { box-shadow: inset 3px 0 0 var(--accent), 0 1px 1px light-dark(rgb(13 30 27 / 0.06), rgb(0 0 0 / 0.25)); }
.agent.other .bubble:dir(rtl) { box-shadow: inset -3px 0 0 var(--accent); }
.other .bubble { border-start-start-radius: 4px; }
.own .bubble { border-start-end-radius: 4px; }
.first.other .bubble { border-start-start-radius: var(--radius); }
.first.own .bubble { border-start-end-radius: var(--radius); }
.last.other .bubble { border-end-start-radius: 4px; }
.last.own .bubble { border-end-end-radius: 4px; }
.bubble[data-state="waiting"], .bubble[data-state="sending"] { opacity: 0.75; }
.bubble[data-state="held"], .bubble[data-state="advised"], .bubble[data-state="refused"] { background: var(--surface); box-shadow: none; outline: 1px dashed var(--muted); outline-offset: -1px; }
.text { white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: plaintext; }
.text.large { font-size: 34px; line-height: 1.2; }
.text.removed { display: flex; align-items: center; gap: 6px; color: var(--muted); font-style: italic; }
.covered { border-radius: 4px; background: repeating-linear-gradient(-45deg, color-mix(in oklab, var(--muted) 55%, transparent) 0 3px, color-mix(in oklab, var(--muted) 34%, transparent) 3px 6px); user-select: none; }

.quote { display: block; inline-size: 100%; margin-block: 2px 6px; padding: 5px 10px; border-radius: var(--radius-small); border-inline-start: 3px solid var(--accent); background: color-mix(in oklab, var(--muted) 11%, transparent); font-size: 13px; text-align: start; }
.quote .name { display: block; font-size: var(--text-1); }
.quote > span { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden; overflow-wrap: anywhere; }

.attachments { display: grid; gap: 4px; margin-block: 4px 2px; }
.attachments a { display: flex; align-items: center; gap: 8px; min-block-size: 40px; padding: 4px 10px; border-radius: var(--radius-small); background: color-mix(in oklab, var(--muted) 11%, transparent); color: inherit; text-decoration: none; font-size: var(--text-2); }
.attachments a:hover .name { text-decoration: underline; }
.attachments .name { font-weight: 500; overflow-wrap: anywhere; }
.attachments .size { margin-inline-start: auto; color: var(--muted); font-size: var(--text-1); white-space: nowrap; }

.reactions { display: flex; flex-wrap: wrap; gap: 4px; margin-block-start: -3px; padding-inline: 6px; position: relative; }
.own .reactions { justify-content: flex-end; }
.reactions button { position: relative; display: inline-flex; align-items: center; gap: 4px; min-block-size: 24px; padding: 0 7px; border-radius: 99px; border: 1px solid var(--line); background: var(--surface); font-size: 13px; line-height: 1; }
.reactions button[aria-pressed="true"] { border-color: var(--accent); background: var(--accent-soft); }
.reactions span { color: var(--muted); font-size: var(--text-1); }
.edited { padding-inline: 4px; color: var(--muted); font-size: 11px; }

.status { display: flex; gap: 5px; max-inline-size: min(100%, 46ch); padding: 3px 4px 2px; color: var(--muted); font-size: var(--text-1); line-height: 1.4; text-align: start; overflow-wrap: anywhere; }
.status > .icon { inline-size: 15px; block-size: 15px; margin-block-start: 1px; }
.status .i-eye { color: var(--accent-text); }
.status strong { color: var(--text); font-weight: 600; }
.status.held > .icon, .status.advised > .icon, .status.offline > .icon, .status.masked > .icon { color: var(--caution); }
.status.refused, .status.advised { padding: var(--space-2) var(--space-3); margin-block-start: 4px; border-radius: var(--radius-small); background: var(--caution-soft); color: var(--text); font-size: 13px; }
.status.refused > .icon { color: var(--caution); }
.reasons { display: block; padding-block: 2px 4px; color: var(--text); }
.reasons > span { display: block; }
.choices { display: flex; flex-wrap: wrap; gap: 6px; margin-block-start: 8px; }
.choices button, .rewrites button { min-block-size: 32px; padding: 4px 14px; border-radius: 99px; border: 1px solid color-mix(in oklab, var(--muted) 45%, transparent); background: var(--surface); font-weight: 600; font-size: 13px; }
.choices button:hover, .rewrites button:hover { border-color: var(--accent-text); }
.choices .strong { background: var(--accent); border-color: transparent; color: var(--on-accent); }
.rewrites { display: flex; flex-direction: column; align-items: flex-start; gap: 4px; margin-block-start: 6px; color: var(--muted); font-size: var(--text-1); }
.rewrites button { color: var(--text); font-weight: 500; text-align: start; border-radius: var(--radius); overflow-wrap: anywhere; }

.tools { display: none; flex: none; flex-direction: column; align-items: flex-start; padding-block-start: 2px; visibility: hidden; color: var(--muted); font-size: 11px; line-height: 1; }
.own .tools { align-items: flex-end; }
.tool { display: flex; }
.tool button { display: grid; place-content: center; inline-size: 26px; block-size: 24px; border-radius: 6px; font-size: 14px; }
.tool button:hover { background: color-mix(in oklab, var(--muted) 16%, transparent); color: var(--text); }
.tools time { padding-inline: 5px; }
@media (hover: hover) {
  .tools { display: flex; }
  .message:hover .tools, .message:focus-visible .tools { visibility: visible; }
}
.shown .bubble { animation: found 1.2s; }
@keyframes found { 30% { background: color-mix(in oklab, var(--accent) 35%, var(--surface)); } }
@media (prefers-reduced-motion: reduce) { .shown .bubble { animation: none; outline: 2px solid var(--accent); } }

.blank { position: absolute; inset: 0; display: flex; flex-direction: column; justify-content: flex-end; gap: 10px; padding: var(--space-4) var(--space-3); color: var(--muted); pointer-events: none; }
.blank:has(.i-smile) { align-items: center; justify-content: center; text-align: center; }
.blank .i-smile { inline-size: 40px; block-size: 40px; stroke-width: 1.3; opacity: 0.7; }
.blank p { max-inline-size: 30ch; }
.bone { block-size: 38px; border-radius: var(--radius); background: color-mix(in oklab, var(--muted) 12%, transparent); }
.bone:nth-of-type(odd) { inline-size: 56%; }
.bone:nth-of-type(even) { inline-size: 68%; align-self: flex-end; }
.bone:last-child { inline-size: 40%; }

.jump { position: absolute; inset-block-end: var(--space-3); inset-inline-end: var(--space-3); display: grid; place-content: center; inline-size: 44px; block-size: 44px; border-radius: 50%; background: var(--raised); box-shadow: var(--shadow); }
.jump .count { position: absolute; inset-block-start: -6px; inset-inline-end: -4px; min-inline-size: 22px; padding-inline: 6px; border-radius: 99px; background: var(--accent); color: var(--on-accent); font-size: var(--text-1); font-weight: 700; line-height: 22px; }

/* ---- notices */
.notices { position: absolute; inset-block-start: 0; inset-inline: 0; display: grid; }
.notice { display: flex; align-items: flex-start; gap: 10px; padding: 10px var(--space-4); background: var(--raised); border-block-end: 1px solid var(--line); font-size: 13px; line-height: 1.4; }
.notice > .icon { inline-size: 20px; block-size: 20px; color: var(--accent-text); }
.notice > div { flex: 1; min-inline-size: 0; display: flex; flex-direction: column; overflow-wrap: anywhere; }
.notice strong { font-weight: 650; }
.notice > button:not(.link, .quiet) { flex: none; align-self: center; min-block-size: 36px; padding-inline: 14px; border-radius: 99px; border: 1px solid var(--line); font-weight: 600; }
.notice.net { align-items: center; padding-block: 6px; background: var(--caution-soft); }
.notice.net > .icon { inline-size: 18px; block-size: 18px; color: var(--caution); }
.notice.net .link { margin-inline-start: auto; flex: none; }
.notice .quiet { display: grid; place-content: center; inline-size: 32px; block-size: 32px; border-radius: 50%; color: var(--muted); }
.notice .quiet .icon { inline-size: 16px; block-size: 16px; }
.notice .stars { display: flex; margin-inline-start: -8px; }
.notice .stars button { display: grid; place-content: center; inline-size: 40px; block-size: 36px; color: var(--muted); }
.notice .stars .icon { inline-size: 24px; block-size: 24px; }
.notice .stars button:hover .icon, .notice .stars button:has(~ button:hover) .icon { fill: var(--accent); color: var(--accent); }
.toast { position: absolute; inset-block-end: var(--space-3); inset-inline: 0; margin-inline: auto; inline-size: fit-content; max-inline-size: calc(100% - 32px); padding: 8px 16px; border-radius: 99px; background: var(--text); color: var(--surface); font-size: 13px; opacity: 0; pointer-events: none; transition: opacity var(--motion); }
.toast.shown { opacity: 1; }

/* ---- composer */
.typing { flex: none; block-size: 20px; padding-inline: var(--space-4); background: var(--sunken); color: var(--muted); font-size: var(--text-1); line-height: 18px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; unicode-bidi: isolate; }
.foot { border-block-start: 1px solid var(--line); padding-block-end: env(safe-area-inset-bottom); }
.lane { flex: none; block-size: 42px; background: var(--sunken); }
.chips { display: flex; align-items: center; block-size: 100%; padding-inline-end: var(--space-2); }
.offer { flex: 1; min-inline-size: 0; display: flex; align-items: center; gap: 6px; padding: 2px var(--space-4) 2px var(--space-3); overflow-x: auto; scrollbar-width: none; mask-image: linear-gradient(to right, #000 calc(100% - 20px), transparent); }
.offer:dir(rtl) { mask-image: linear-gradient(to left, #000 calc(100% - 20px), transparent); }
.chip { flex: none; max-inline-size: 80%; min-block-size: 34px; padding: 4px 14px; border-radius: 99px; border: 1px solid color-mix(in oklab, var(--accent) 45%, var(--line)); background: var(--surface); color: var(--accent-text); font-size: var(--text-2); text-align: start; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.chip:hover { background: var(--accent-soft); }
.chip.invite { display: inline-flex; align-items: center; gap: 6px; border-style: dashed; }
.chips .quiet { flex: none; display: grid; place-content: center; min-inline-size: 32px; block-size: 32px; border-radius: 99px; color: var(--muted); }
.offer .quiet { padding-inline: 10px; font-size: var(--text-1); white-space: nowrap; }
.chips .quiet:hover { background: var(--sunken); }
.context { display: flex; align-items: center; gap: 10px; margin: var(--space-2) var(--space-3) 0; padding: 4px 4px 4px 10px; border-radius: var(--radius-small); border-inline-start: 3px solid var(--accent); background: var(--sunken); font-size: 13px; }
.context > .icon { color: var(--accent-text); }
.context > div { flex: 1; min-inline-size: 0; }
.context strong, .context div > span { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.context strong { font-size: var(--text-1); font-weight: 650; }
.context div > span { color: var(--muted); }
.context button, .staged button { flex: none; display: grid; place-content: center; inline-size: 36px; block-size: 36px; border-radius: 50%; color: var(--muted); }
.staged { display: flex; flex-wrap: wrap; gap: 6px; padding: var(--space-2) var(--space-3) 0; }
.staged li { display: flex; align-items: center; gap: 6px; max-inline-size: 100%; padding-inline-start: 10px; border-radius: 99px; background: var(--sunken); font-size: 13px; }
.staged .name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-weight: 500; }
.composer > .line { display: flex; align-items: flex-end; gap: var(--space-1); padding: var(--space-2) var(--space-2) var(--space-2) var(--space-3); }
.box { flex: 1; min-inline-size: 0; display: flex; padding-block: 10px; overflow: hidden; border-radius: calc(var(--radius) + 8px); background: var(--sunken); box-shadow: inset 0 0 0 1px var(--line); }
.box:focus-within { box-shadow: inset 0 0 0 2px var(--accent-text); }
.box textarea { flex: 1; min-inline-size: 0; border: 0; background: none; resize: none; padding: 0 14px; font-size: 16px; line-height: 24px; overflow-wrap: anywhere; unicode-bidi: plaintext; scrollbar-width: thin; outline: none; }
textarea::placeholder { color: var(--muted); opacity: 1; }
.send, .clip { flex: none; display: grid; place-content: center; inline-size: 44px; block-size: 44px; border-radius: 50%; font-size: 18px; color: var(--muted); }
.clip { margin-inline-start: -8px; }
.send { transition: background var(--motion), color var(--motion); }
.send:enabled { background: var(--accent); color: var(--on-accent); }
.send:focus-visible { outline-offset: 2px; }
.under { display: flex; gap: var(--space-2); padding-inline: var(--space-4); font-size: var(--text-1); color: var(--muted); }
.under:has(.advice:not(:empty), .characters:not(:empty)) { padding-block-end: var(--space-2); }
.advice { flex: 1; display: flex; flex-wrap: wrap; gap: 6px; min-inline-size: 0; color: var(--text); overflow-wrap: anywhere; }
.advice > span { flex: 1; min-inline-size: 60%; }
.advice .icon { color: var(--caution); inline-size: 16px; block-size: 16px; }
.characters { margin-inline-start: auto; white-space: nowrap; font-variant-numeric: tabular-nums; }
.characters.over { color: var(--danger); font-weight: 600; }
.closed { padding: var(--space-4); text-align: center; color: var(--muted); }

/* ---- dialogs and menus */
.overlay { position: absolute; inset: 0; z-index: 1; display: grid; place-items: center; padding: var(--space-4); background: light-dark(rgb(10 20 18 / 0.35), rgb(0 0 0 / 0.55)); }
.overlay.menu { background: transparent; padding: 0; }
.card { display: flex; flex-direction: column; inline-size: min(420px, 100%); max-block-size: 100%; overflow-y: auto; overscroll-behavior: contain; padding: var(--space-4); border-radius: calc(var(--radius) + 4px); background: var(--raised); box-shadow: var(--shadow); gap: var(--space-3); }
.card form { display: grid; gap: var(--space-3); }
.card .title { display: flex; align-items: center; justify-content: space-between; gap: var(--space-2); margin-block: -6px; }
.card h2 { font-size: 18px; font-weight: 650; line-height: 1.3; }
.title button { flex: none; display: grid; place-content: center; inline-size: 44px; block-size: 44px; margin-inline-end: -12px; border-radius: 50%; color: var(--muted); }
legend, .note-field > span { padding: 0; margin-block-end: 6px; font-weight: 600; font-size: 13px; }
.option, .check { display: flex; align-items: center; gap: 10px; min-block-size: 40px; cursor: pointer; }
.option:not(:first-of-type) { border-block-start: 1px solid var(--line); }
.option input, .check input { flex: none; inline-size: 18px; block-size: 18px; margin: 0; accent-color: var(--accent); }
.note-field { display: grid; }
.note-field textarea { padding: 10px 12px; border: 1px solid var(--line); border-radius: var(--radius-small); background: var(--surface); font-size: 16px; resize: none; overflow-wrap: anywhere; }
.note-field small { margin-block-start: 4px; color: var(--muted); font-size: var(--text-1); }
.sees { display: flex; gap: 10px; padding: 10px 12px; border-radius: var(--radius-small); background: var(--sunken); font-size: 13px; }
.sees .icon { color: var(--accent-text); margin-block-start: 1px; }
.ends { display: flex; flex-wrap: wrap; justify-content: flex-end; gap: var(--space-2); padding-block-start: var(--space-1); }
.ends button { min-block-size: 44px; padding-inline: 18px; border-radius: 99px; font-weight: 600; }
.ends button:hover { background: var(--sunken); }
.ends .primary { background: var(--accent); color: var(--on-accent); }
.ends .danger { background: var(--danger); color: light-dark(#fff, #2a0d0a); }
.ends button:focus-visible { outline-offset: 2px; }
.people li { display: flex; align-items: center; gap: 10px; min-block-size: 52px; }
.people li > div { display: flex; flex-direction: column; flex: 1; min-inline-size: 0; }
.online { color: var(--positive); font-size: var(--text-1); }
.online::before { content: ""; display: inline-block; inline-size: 8px; block-size: 8px; margin-inline-end: 5px; border-radius: 50%; background: currentColor; }
.card .stars { display: flex; justify-content: center; }
.star { position: relative; display: grid; place-content: center; inline-size: 52px; block-size: 52px; cursor: pointer; color: var(--muted); border-radius: 50%; }
.star input { position: absolute; inset: 0; opacity: 0; margin: 0; cursor: pointer; }
.star:has(:focus-visible) { outline: 2px solid var(--accent-text); outline-offset: -2px; }
.star .icon { inline-size: 34px; block-size: 34px; }
.star:has(:checked) .icon, .star:has(~ .star :checked) .icon { fill: var(--accent); color: var(--accent); }
.scale { display: flex; justify-content: space-between; margin-block-start: -10px; padding-inline: 20px; color: var(--muted); font-size: var(--text-1); }
.menu-card { position: absolute; inset-block-start: var(--top); left: var(--left); inline-size: 260px; padding: 6px; border-radius: var(--radius); background: var(--raised); box-shadow: var(--shadow); border: 1px solid var(--line); }
.emoji { display: flex; justify-content: space-between; padding-block-end: 4px; margin-block-end: 4px; border-block-end: 1px solid var(--line); }
.emoji button { inline-size: 40px; block-size: 40px; border-radius: 50%; font-size: 22px; line-height: 1; }
.emoji button:hover { background: var(--sunken); }
.emoji [aria-checked="true"] { background: var(--accent-soft); box-shadow: inset 0 0 0 1px var(--accent); }
.menu-card [role="menuitem"] { display: flex; align-items: center; gap: 12px; inline-size: 100%; min-block-size: 40px; padding-inline: 10px; border-radius: var(--radius-small); text-align: start; }
.menu-card [role="menuitem"]:hover { background: var(--sunken); }
.menu-card [role="menuitem"] .icon { color: var(--muted); }
.menu-card .danger, .menu-card .danger .icon { color: var(--danger); }
.heading { padding: 8px 10px 4px; color: var(--muted); font-size: var(--text-1); overflow-wrap: anywhere; }

/* ---- narrow: a phone, or a column as wide as one */
@container (max-width: 520px) {
  .head { padding-inline: var(--space-3); }
  .corner .wide { display: none; }
  .corner .narrow { display: inline; }
  .overlay.dialog { place-items: end center; padding: var(--space-6) 0 0; }
  .overlay.dialog .card { inline-size: 100%; border-end-start-radius: 0; border-end-end-radius: 0; padding-block-end: max(var(--space-4), env(safe-area-inset-bottom)); }
  .composer > .line { padding-inline-start: var(--space-2); }
}
@container (min-width: 760px) {
  .rows { padding-inline: max(var(--space-4), calc((100cqi - 760px) / 2)); }
  .bubble { max-inline-size: 56ch; }
}
@media (hover: none), (pointer: coarse) {
  .who, .corner, .choices button, .rewrites button, .chip, .chips .quiet, .notice > button:not(.link, .quiet) { min-block-size: 44px; }
  .link::after { inset: -14px -4px; }
  .reactions button::after { content: ""; position: absolute; inset: -6px 0; }
  .attachments a { min-block-size: 44px; }
  .lane { block-size: 48px; }
  .chips > .quiet { min-inline-size: 44px; }
  .notice .quiet, .context button, .staged button { inline-size: 44px; block-size: 44px; }
  .notice .stars button { inline-size: 44px; block-size: 44px; }
  .reactions button { min-block-size: 32px; min-inline-size: 44px; justify-content: center; }
  .option, .check, .menu-card [role="menuitem"] { min-block-size: 48px; }
  .body > .line { max-inline-size: 88%; }
  .overlay.menu { background: light-dark(rgb(10 20 18 / 0.35), rgb(0 0 0 / 0.55)); }
  .menu-card { inset-block: auto 0; left: 0; inline-size: 100%; padding: var(--space-3); border-end-start-radius: 0; border-end-end-radius: 0; }
  .emoji button { inline-size: 48px; block-size: 48px; font-size: 26px; }
}
@media (forced-colors: active) {
  .bubble, .chip, .corner, .send, .box { border: 1px solid; }
}
`;
