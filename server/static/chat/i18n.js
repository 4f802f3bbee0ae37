/**
 * The element's own words, in the reader's language, and the formats of dates and lists.
 *
 * A key that ends in `.one` and `.other` is chosen by `{n}`; `{brand}` is the host's name for the brand. Only the language
 * that somebody reads is loaded.
 * @module
 */

/** @typedef {"es" | "en" | "pt"} Lang */
/** @typedef {import("./words/es.js").Words} Words */

/** @type {Lang[]} */
export const LANGS = ["es", "en", "pt"];
const PORTUGUESE_BRAND = "a marca";

/** @param {Lang} lang @returns {Promise<Words>} */
export async function wordsOf(lang) {
  return (await import(`./words/${lang}.js`)).default;
}

/**
 * The nearest language that we speak.
 * @param {...(string | null | undefined)} wishes BCP 47 tags, most wanted first
 * @returns {Lang}
 */
export function nearest(...wishes) {
  for (const wish of wishes) {
    const lang = LANGS.find((known) => wish?.toLowerCase().split("-")[0] === known);
    if (lang) return lang;
  }
  return "en";
}

/** Speaks one language. */
export class Voice {
  /**
   * @param {Lang} lang
   * @param {Partial<Words>} words
   * @param {string} brand the host's name for the brand, or nothing
   */
  constructor(lang, words, brand = "") {
    this.lang = lang;
    this.words = /** @type {Record<string, string>} */ (words);
    this.brand = brand || words.brand || "";
    this.plural = new Intl.PluralRules(lang);
    this.list = new Intl.ListFormat(lang, { type: "conjunction" });
    this.number = new Intl.NumberFormat(lang);
    this.clock = new Intl.DateTimeFormat(lang, { hour: "2-digit", minute: "2-digit" });
    this.moment = new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeStyle: "short" });
    this.weekday = new Intl.DateTimeFormat(lang, { weekday: "long", day: "numeric", month: "long" });
    this.date = new Intl.DateTimeFormat(lang, { day: "numeric", month: "long", year: "numeric" });
    this.relative = new Intl.RelativeTimeFormat(lang, { numeric: "auto", style: "short" });
  }

  /**
   * @param {string} key
   */
  knows(key) {
    return Object.hasOwn(this.words, key);
  }

  /**
   * @param {string} key of a sentence, or the stem of a pair `.one`, `.other`
   * @param {Record<string, string | number>} values
   * @returns {string} with a capital at its start where the brand's name comes first; nothing for a key that we have no words for
   */
  say(key, values = {}) {
    const pattern = this.words[key] ?? this.words[`${key}.${this.plural.select(Number(values.n)) === "one" ? "one" : "other"}`] ?? "";
    const filled = pattern.replace(/\{(\w+)\}/g, (_, name) => {
      const value = name === "brand" ? this.brand : values[name];
      return typeof value === "number" ? this.number.format(value) : String(value);
    });
    const text = this.brand === PORTUGUESE_BRAND ? contract(filled) : filled;
    return pattern.startsWith("{") && key !== "react.by" ? text.charAt(0).toLocaleUpperCase(this.lang) + text.slice(1) : text;
  }

  /** @param {string[]} names */
  join(names) {
    return this.list.format(names);
  }

  /**
   * @param {number} at
   * @param {number} now
   */
  day(at, now) {
    const days = Math.round((midnight(now) - midnight(at)) / 86_400_000);
    if (days === 0) return this.say("today");
    if (days === 1) return this.say("yesterday");
    const text = (days > 1 && days < 180 ? this.weekday : this.date).format(at);
    return text.charAt(0).toLocaleUpperCase(this.lang) + text.slice(1);
  }

  /**
   * @param {number} at
   * @param {number} now
   */
  ago(at, now) {
    const minutes = Math.max(0, Math.round((now - at) / 60_000));
    if (minutes < 60) return this.relative.format(-minutes, "minute");
    if (minutes < 48 * 60) return this.relative.format(-Math.round(minutes / 60), "hour");
    return this.relative.format(-Math.round(minutes / 1440), "day");
  }
}

/**
 * Portuguese joins `de` and `a` with the article of "a marca"; a name of the host's own stays as it is.
 * @param {string} text
 */
function contract(text) {
  return text.replace(/\bde a marca\b/g, "da marca").replace(/ a a marca\b/g, " à marca");
}

/** @param {number} at */
function midnight(at) {
  return new Date(at).setHours(0, 0, 0, 0);
}
