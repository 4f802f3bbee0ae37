/**
 * The calls that the page makes itself; everything else goes over the chat's own connections.
 * @module
 */

/** @param {string} path @param {object} body @param {string} token */
async function call(path, body, token = "") {
  const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
  const response = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

/**
 * A new chat with three people in it.
 * @param {import("../chat/i18n.js").Lang} lang
 * @param {string} listing
 * @returns {Promise<import("./memory.js").Started>}
 */
export function start(lang, listing) {
  return call("/demo/start", { lang, listing });
}

/**
 * What the platform would tell: the listing or the stage has changed.
 * @param {import("./memory.js").Started} started
 * @param {{ listing?: string, stage?: string }} change
 */
export function turn(started, change) {
  return call("/demo/setting", { lang: started.lang, ...change }, started.staff.token);
}

/**
 * Sign in to the console of this demo, without a password.
 * @param {import("./memory.js").Started} started
 * @param {"reviewer" | "lead"} role
 */
export function enter(started, role) {
  return call("/console/api/demo", { role, lang: started.lang }, started.staff.token);
}
