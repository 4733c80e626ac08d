// @ts-check
/** Requests to the API: time limit, proof of who asks, errors. */

import { ApiError } from './errors.js';
import { retryAfterMs } from './time.js';

const TIMEOUT_MS = 30_000;

/**
 * @typedef {object} TokenSource see `auth.js`
 * @property {() => Promise<string | null>} token a valid token, renewed if needed
 * @property {() => string | null} currentToken the current token, for requests that cannot wait for a renewal
 *
 * @typedef {object} Caller adds to a request what proves who sends it; see `bearer` and `guest.js`
 * @property {(url: string, init: RequestInit) => Promise<RequestInit>} sign
 * @property {(url: string, init: RequestInit) => RequestInit} signNow for requests that cannot wait
 * @property {(url: string, init: RequestInit) => void} [prepare] lets `signNow` sign this request soon
 * @property {(reply: Reply, sent: RequestInit) => Promise<boolean>} [recover] whether the same request may succeed if
 *   it is signed again; asked once for each request
 *
 * @typedef {object} ClientOptions
 * @property {Caller | null} [caller] null when the API does not ask who sends a request
 * @property {typeof fetch} [fetch] for tests
 * @property {number} [timeoutMs] for tests
 *
 * @typedef {{response: Response, body: unknown}} Reply `body` is undefined when it is not JSON
 */

/**
 * A signed-in person.
 * @param {TokenSource} tokens
 * @returns {Caller}
 */
export function bearer(tokens) {
  const withToken = (/** @type {RequestInit} */ init, /** @type {string | null} */ token) => {
    if (!token) return init;
    const headers = new Headers(init.headers);
    headers.set('authorization', `Bearer ${token}`);
    return { ...init, headers };
  };
  return {
    sign: async (_, init) => withToken(init, await tokens.token()),
    signNow: (_, init) => withToken(init, tokens.currentToken()),
  };
}

/**
 * @param {string} base the API's address without a trailing slash
 * @param {ClientOptions} [options]
 */
export function createClient(base, options = {}) {
  const send = options.fetch ?? fetch.bind(globalThis);
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  // Only the API's own origin may learn who asks.
  const callerFor = (/** @type {string} */ url) => (new URL(url, `${base}/`).origin === new URL(base).origin ? options.caller : null);

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
      const caller = callerFor(url);
      try {
        for (let repeated = false; ; repeated = true) {
          const request = (await caller?.sign(url, init)) ?? init;
          timeout.signal.throwIfAborted();
          // Cookies are not needed and would require stricter CORS rules. A result that was pending must not come from
          // the cache.
          const response = await send(url, { ...request, signal: timeout.signal, credentials: 'omit', cache: 'no-store' });
          const reply = { response, body: parseJson(await response.text()) };
          if (repeated || !(await caller?.recover?.(reply, request))) return reply;
        }
      } catch (cause) {
        if (signal.aborted) throw signal.reason;
        if (cause instanceof ApiError) throw cause;
        throw new ApiError('unreachable', { url: base, cause });
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', stop);
      }
    },

    /**
     * Announces a request that may have to be sent on leaving the page.
     * @param {string} url
     * @param {RequestInit} init
     */
    prepareLeaving(url, init) {
      callerFor(url)?.prepare?.(url, init);
    },

    /**
     * Sends a request that completes even if the page is closed. The response is ignored.
     * @param {string} url
     * @param {RequestInit} init
     */
    sendOnLeaving(url, init) {
      send(url, { ...(callerFor(url)?.signNow(url, init) ?? init), keepalive: true, credentials: 'omit' }).catch(() => {});
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
