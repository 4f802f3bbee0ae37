/**
 * The tokens of `tokens.css`, for the shadow of the element: a page that embeds it links no style sheet of ours. A test keeps the two equal.
 * @module
 */

export const TOKENS = `:root,
:host {
  color-scheme: light dark;

  --font: var(--tertulia-font, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", sans-serif);
  --radius: var(--tertulia-radius, 12px);
  --radius-small: calc(var(--radius) / 2);

  --space-1: 4px;
  --space-2: 8px;
  --space-3: 12px;
  --space-4: 16px;
  --space-5: 24px;
  --space-6: 32px;

  --text-1: 12px;
  --text-2: 14px;
  --text-3: 16px;
  --text-4: 20px;
  --text-5: 24px;

  --surface: light-dark(#ffffff, #14191b);
  --sunken: light-dark(#f3f6f5, #0d1112);
  --raised: light-dark(#ffffff, #1d2426);
  --line: light-dark(#dde4e2, #2b3437);
  --text: light-dark(#15211f, #e6edeb);
  --muted: light-dark(#55635f, #9caba8);

  --accent: var(--tertulia-accent, light-dark(#0b6f63, #53c7b4));
  /* Black or white, whichever can be read on the accent: the host may choose any. */
  --on-accent: oklch(from var(--accent) clamp(0, (0.66 - l) * 1000, 1) 0 0);
  --accent-text: color-mix(in oklab, var(--accent) 82%, var(--text));
  --accent-soft: light-dark(oklch(from var(--accent) 0.945 min(c, 0.026) h), oklch(from var(--accent) 0.33 min(c, 0.045) h));

  --positive: light-dark(#1c6e3a, #7fcf9a);
  --caution: light-dark(#855300, #e6b566);
  --danger: light-dark(#b3261e, #ff9d94);
  --caution-soft: light-dark(#fdf4e3, #2b2417);
  --danger-soft: light-dark(#fdeceb, #331d1b);

  /* Roles carry a sign and a word as well; colour only helps. */
  --buyer: light-dark(#245bb0, #9dbdf5);
  --seller: light-dark(#8a4b08, #e8b077);
  --provider: light-dark(#6a3fa0, #c9aef0);
  --agent: var(--accent-text);
  --bot: var(--muted);

  --shadow: 0 1px 2px light-dark(rgb(13 30 27 / 0.08), rgb(0 0 0 / 0.4)), 0 8px 24px light-dark(rgb(13 30 27 / 0.12), rgb(0 0 0 / 0.5));
  --motion: 140ms;
}

@media (prefers-reduced-motion: reduce) {
  :root,
  :host {
    --motion: 0ms;
  }
}

:root[data-theme="light"],
:host([theme="light"]) {
  color-scheme: light;
}

:root[data-theme="dark"],
:host([theme="dark"]) {
  color-scheme: dark;
}
`;
