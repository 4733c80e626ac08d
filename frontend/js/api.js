// @ts-check
/** The API's two operations that the page needs. */

import { ApiError } from './errors.js';
import { retryAfterMs } from './time.js';

const TIMEOUT_MS = 30_000;

/**
 * @typedef {object} Api
 * @property {string} address the API's address, as a person would name it
 * @property {(request: import('./shapes.js').UploadRequest, signal: AbortSignal) => Promise<import('./shapes.js').UploadTicket>} createUpload
 * @property {(statusUrl: string, signal: AbortSignal) => Promise<Reading>} readResult
 *
 * @typedef {{ready: true, document: import('./shapes.js').ResultDocument}
 *   | {ready: false, retryAfterMs: number | null}} Reading
 */

/**
 * @param {string} base the API's address without a slash at the end
 * @param {object} [use] for tests
 * @param {typeof fetch} [use.fetch]
 * @param {number} [use.timeoutMs]
 * @returns {Api}
 */
export function createApi(base, use = {}) {
  const send = use.fetch ?? fetch.bind(globalThis);
  const timeoutMs = use.timeoutMs ?? TIMEOUT_MS;

  /**
   * @param {string} url
   * @param {RequestInit} init
   * @param {AbortSignal} signal
   */
  async function ask(url, init, signal) {
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), timeoutMs);
    const stop = () => timeout.abort(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    try {
      // Credentials are not needed and would ask more of the API's CORS rules; a document that came
      // while it was pending must not be answered from a cache.
      const response = await send(url, { ...init, signal: timeout.signal, credentials: 'omit', cache: 'no-store' });
      return { response, text: await response.text() };
    } catch (cause) {
      if (signal.aborted) throw signal.reason;
      throw new ApiError('unreachable', { address: base, cause });
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    }
  }

  /**
   * @param {Response} response
   * @param {string} text
   */
  function refusal(response, text) {
    const body = parse(text);
    return new ApiError('refused', {
      address: base,
      status: response.status,
      problem: isObject(body) ? body : {},
      retryAfterMs: retryAfterMs(response.headers.get('retry-after')),
    });
  }

  return {
    address: base,

    async createUpload(request, signal) {
      const { response, text } = await ask(
        `${base}/uploads`,
        { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(request) },
        signal,
      );
      if (!response.ok) throw refusal(response, text);
      const ticket = parse(text);
      if (!isTicket(ticket)) throw new ApiError('unreadable', { address: base, status: response.status });
      return { ...ticket, statusUrl: new URL(ticket.statusUrl, `${base}/`).href };
    },

    async readResult(statusUrl, signal) {
      const { response, text } = await ask(statusUrl, { headers: { accept: 'application/json' } }, signal);
      if (response.status === 202) {
        return { ready: false, retryAfterMs: retryAfterMs(response.headers.get('retry-after')) };
      }
      if (!response.ok) throw refusal(response, text);
      const document = parse(text);
      if (!isDocument(document)) throw new ApiError('unreadable', { address: base, status: response.status });
      return { ready: true, document };
    },
  };
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

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * @param {unknown} value
 * @returns {value is import('./shapes.js').UploadTicket}
 */
function isTicket(value) {
  return (
    isObject(value) &&
    ['key', 'method', 'uploadUrl', 'statusUrl'].every((name) => typeof value[name] === 'string') &&
    isObject(value.headers)
  );
}

/**
 * @param {unknown} value
 * @returns {value is import('./shapes.js').ResultDocument}
 */
function isDocument(value) {
  return isObject(value) && typeof value.status === 'string';
}
