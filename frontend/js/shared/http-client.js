// @ts-check
/** Requests to the API: time limit, access token, errors. */

import { ApiError } from './errors.js';
import { retryAfterMs } from './time.js';

const TIMEOUT_MS = 30_000;

/**
 * @typedef {object} TokenSource see `auth.js`
 * @property {() => Promise<string | null>} token a valid token, renewed if needed
 * @property {() => string | null} currentToken the current token, for requests that cannot wait for a renewal
 *
 * @typedef {object} ClientOptions
 * @property {TokenSource | null} [tokens] null when the page has no sign-in
 * @property {typeof fetch} [fetch] for tests
 * @property {number} [timeoutMs] for tests
 *
 * @typedef {{response: Response, body: unknown}} Reply `body` is undefined when it is not JSON
 */

/**
 * @param {string} base the API's address without a trailing slash
 * @param {ClientOptions} [options]
 */
export function createClient(base, options = {}) {
  const send = options.fetch ?? fetch.bind(globalThis);
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  const tokens = options.tokens ?? null;

  /**
   * Adds the token, but only to requests to the API's own origin.
   * @param {string} url
   * @param {RequestInit} init
   * @param {string | null | undefined} token
   * @returns {RequestInit}
   */
  function withToken(url, init, token) {
    if (!token || new URL(url, `${base}/`).origin !== new URL(base).origin) return init;
    const headers = new Headers(init.headers);
    headers.set('authorization', `Bearer ${token}`);
    return { ...init, headers };
  }

  return {
    /**
     * @param {string} url
     * @param {RequestInit} init
     * @param {AbortSignal} signal
     * @returns {Promise<Reply>} whatever its status
     * @throws {ApiError} when there is no response, or the signal's reason
     */
    async request(url, init, signal) {
      const timeout = new AbortController();
      const timer = setTimeout(() => timeout.abort(), timeoutMs);
      const stop = () => timeout.abort(signal.reason);
      if (signal.aborted) stop();
      signal.addEventListener('abort', stop, { once: true });
      try {
        const request = withToken(url, init, await tokens?.token());
        timeout.signal.throwIfAborted();
        // Cookies are not needed and would require stricter CORS rules. A result that was pending must not come from
        // the cache.
        const response = await send(url, { ...request, signal: timeout.signal, credentials: 'omit', cache: 'no-store' });
        return { response, body: parseJson(await response.text()) };
      } catch (cause) {
        if (signal.aborted) throw signal.reason;
        throw new ApiError('unreachable', { url: base, cause });
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', stop);
      }
    },

    /**
     * Sends a request that completes even if the page is closed. The response is ignored.
     * @param {string} url
     * @param {RequestInit} init
     */
    sendOnLeaving(url, init) {
      send(url, { ...withToken(url, init, tokens?.currentToken()), keepalive: true, credentials: 'omit' }).catch(() => {});
    },

    /** @param {Reply} reply with an error status */
    rejected({ response, body }) {
      return new ApiError('rejected', {
        url: base,
        status: response.status,
        problem: isObject(body) ? body : {},
        retryAfterMs: retryAfterMs(response.headers.get('retry-after')),
      });
    },

    /** @param {Reply} reply that is not what the API returns */
    unreadable({ response }) {
      return new ApiError('unreadable', { url: base, status: response.status });
    },
  };
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
function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
