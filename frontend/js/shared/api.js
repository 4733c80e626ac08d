// @ts-check
/** The API's operations for uploads and results of single pictures. */

import { createClient, isObject } from './http-client.js';
import { keyPath } from './keys.js';
import { retryAfterMs } from './time.js';

/**
 * @typedef {object} Api
 * @property {(request: import('./api-types.js').UploadRequest, signal: AbortSignal) => Promise<import('./api-types.js').UploadTicket>} createUpload
 * @property {(statusUrl: string, signal: AbortSignal) => Promise<ResultReply>} readResult
 * @property {(key: string, signal: AbortSignal) => Promise<import('./api-types.js').ImageDetails>} readImage only of analysed pictures
 *
 * @typedef {{ready: true, document: import('./api-types.js').ResultDocument}
 *   | {ready: false, retryAfterMs: number | null}} ResultReply
 */

/**
 * @param {string} base the API's address without a trailing slash
 * @param {import('./http-client.js').ClientOptions} [options]
 * @returns {Api}
 */
export function createApi(base, options = {}) {
  const client = createClient(base, options);
  return {
    async createUpload(request, signal) {
      const reply = await client.request(
        `${base}/uploads`,
        { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(request) },
        signal,
      );
      if (!reply.response.ok) throw client.rejected(reply);
      const ticket = reply.body;
      if (!isTicket(ticket)) throw client.unreadable(reply);
      return { ...ticket, statusUrl: new URL(ticket.statusUrl, `${base}/`).href };
    },

    async readResult(statusUrl, signal) {
      const reply = await client.request(statusUrl, { headers: { accept: 'application/json' } }, signal);
      if (reply.response.status === 202) {
        return { ready: false, retryAfterMs: retryAfterMs(reply.response.headers.get('retry-after')) };
      }
      if (!reply.response.ok) throw client.rejected(reply);
      const document = reply.body;
      if (!isDocument(document)) throw client.unreadable(reply);
      return { ready: true, document };
    },

    async readImage(key, signal) {
      const reply = await client.request(`${base}/images/${keyPath(key)}`, { headers: { accept: 'application/json' } }, signal);
      if (!reply.response.ok) throw client.rejected(reply);
      if (!isObject(reply.body) || typeof reply.body.imageUrl !== 'string') throw client.unreadable(reply);
      return /** @type {any} */ (reply.body);
    },
  };
}

/**
 * @param {unknown} value
 * @returns {value is import('./api-types.js').UploadTicket}
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
 * @returns {value is import('./api-types.js').ResultDocument}
 */
function isDocument(value) {
  return isObject(value) && typeof value.status === 'string';
}
