/**
 * The calls to the server: JSON both ways, with the token that shows that a page of ours is asking.
 * @module
 */

/** What the server would not do. `more` holds what stands beside the code: `now` for a conflict, `field` for a bad request. */
export class Problem extends Error {
  /**
   * @param {number} status 0 when the server could not be reached
   * @param {string} code
   * @param {string} message
   * @param {Record<string, any>} more
   */
  constructor(status, code, message, more = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.more = more;
  }
}

export class Api {
  csrf = "";
  /** Called when the session has ended. @type {() => void} */
  ended = () => {};

  /**
   * @param {string} method
   * @param {string} path below /console/api
   * @param {unknown} [body]
   * @param {AbortSignal} [signal]
   * @returns {Promise<any>} the answer; null for an empty one
   * @throws {Problem}
   */
  async call(method, path, body, signal) {
    /** @type {Response} */
    let response;
    try {
      response = await fetch(`/console/api${path}`, {
        method,
        signal,
        headers: { "X-CSRF-Token": this.csrf, ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
    } catch (problem) {
      if (signal?.aborted) throw problem;
      throw new Problem(0, "offline", "");
    }
    if (response.ok) return response.status === 204 ? null : response.json();
    const { code = "internal", message = "", ...more } = (await response.json().catch(() => ({}))).error ?? {};
    if (response.status === 401 && path !== "/sign-in") this.ended();
    throw new Problem(response.status, code, message, more);
  }

  /** @param {string} path @param {AbortSignal} [signal] */
  get(path, signal) {
    return this.call("GET", path, undefined, signal);
  }

  /** @param {string} path @param {unknown} [body] */
  post(path, body) {
    return this.call("POST", path, body);
  }
}
