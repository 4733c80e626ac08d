// @ts-check
/** Requests to the API: time limit, sign-in, and what a refusal becomes. */

import { ApiError } from './errors.js';
import { retryAfterMs } from './time.js';

const TIMEOUT_MS = 30_000;

/**
 * @typedef {object} Tokens who is signed in; see `auth.js`
 * @property {() => Promise<string | null>} token a valid token, renewed where it has to be
 * @property {() => string | null} tokenNow the token that is at hand, for requests that cannot wait
 *
 * @typedef {object} Use
 * @property {Tokens | null} [tokens] null where nobody signs in
 * @property {typeof fetch} [fetch] for tests
 * @property {number} [timeoutMs] for tests
 *
 * @typedef {{response: Response, text: string, body: unknown}} Answer `body` is undefined where the text is no JSON
 */

/**
 * @param {string} base the API's address without a slash at the end
 * @param {Use} [use]
 */
export function createClient(base, use = {}) {
  const send = use.fetch ?? fetch.bind(globalThis);
  const timeoutMs = use.timeoutMs ?? TIMEOUT_MS;
  const tokens = use.tokens ?? null;

  /**
   * The token goes to the API alone, wherever an answer points.
   * @param {string} url
   * @param {RequestInit} init
   * @param {string | null | undefined} token
   * @returns {RequestInit}
   */
  function signed(url, init, token) {
    if (!token || new URL(url, `${base}/`).origin !== new URL(base).origin) return init;
    const headers = new Headers(init.headers);
    headers.set('authorization', `Bearer ${token}`);
    return { ...init, headers };
  }

  return {
    address: base,

    /**
     * @param {string} url
     * @param {RequestInit} init
     * @param {AbortSignal} signal
     * @returns {Promise<Answer>}
     * @throws {ApiError} where nothing answers, or the signal's reason
     */
    async ask(url, init, signal) {
      const timeout = new AbortController();
      const timer = setTimeout(() => timeout.abort(), timeoutMs);
      const stop = () => timeout.abort(signal.reason);
      if (signal.aborted) stop();
      signal.addEventListener('abort', stop, { once: true });
      try {
        const request = signed(url, init, await tokens?.token());
        timeout.signal.throwIfAborted();
        // Cookies are not needed and would ask more of the API's CORS rules; a document that came
        // while it was pending must not be answered from a cache.
        const response = await send(url, { ...request, signal: timeout.signal, credentials: 'omit', cache: 'no-store' });
        const text = await response.text();
        return { response, text, body: parse(text) };
      } catch (cause) {
        if (signal.aborted) throw signal.reason;
        throw new ApiError('unreachable', { address: base, cause });
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', stop);
      }
    },

    /**
     * Sends a request that outlives the page; nobody hears its answer.
     * @param {string} url
     * @param {RequestInit} init
     */
    leave(url, init) {
      send(url, { ...signed(url, init, tokens?.tokenNow()), keepalive: true, credentials: 'omit' }).catch(() => {});
    },

    /** @param {Answer} answer whose status is no success */
    refusal({ response, body }) {
      return new ApiError('refused', {
        address: base,
        status: response.status,
        problem: isObject(body) ? body : {},
        retryAfterMs: retryAfterMs(response.headers.get('retry-after')),
      });
    },

    /** @param {Answer} answer which is not what the API says */
    unreadable({ response }) {
      return new ApiError('unreadable', { address: base, status: response.status });
    },
  };
}

/**
 * A source key as part of an address: its slashes stay.
 * @param {string} key
 */
export function keyPath(key) {
  return key.split('/').map(encodeURIComponent).join('/');
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
export function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * @param {string} text
 * @returns {unknown} undefined when it is not JSON
 */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
