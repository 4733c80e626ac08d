// @ts-check
/** The API's two operations that an upload needs. */

import { createClient, isObject } from './http-client.js';
import { retryAfterMs } from './time.js';

/**
 * @typedef {object} Api
 * @property {string} address the API's address, as a person would name it
 * @property {(request: import('./api-types.js').UploadRequest, signal: AbortSignal) => Promise<import('./api-types.js').UploadTicket>} createUpload
 * @property {(statusUrl: string, signal: AbortSignal) => Promise<Reading>} readResult
 *
 * @typedef {{ready: true, document: import('./api-types.js').ResultDocument}
 *   | {ready: false, retryAfterMs: number | null}} Reading
 */

/**
 * @param {string} base the API's address without a slash at the end
 * @param {import('./http-client.js').Use} [use]
 * @returns {Api}
 */
export function createApi(base, use = {}) {
  const client = createClient(base, use);
  return {
    address: base,

    async createUpload(request, signal) {
      const answer = await client.ask(
        `${base}/uploads`,
        { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(request) },
        signal,
      );
      if (!answer.response.ok) throw client.refusal(answer);
      const ticket = answer.body;
      if (!isTicket(ticket)) throw client.unreadable(answer);
      return { ...ticket, statusUrl: new URL(ticket.statusUrl, `${base}/`).href };
    },

    async readResult(statusUrl, signal) {
      const answer = await client.ask(statusUrl, { headers: { accept: 'application/json' } }, signal);
      if (answer.response.status === 202) {
        return { ready: false, retryAfterMs: retryAfterMs(answer.response.headers.get('retry-after')) };
      }
      if (!answer.response.ok) throw client.refusal(answer);
      const document = answer.body;
      if (!isDocument(document)) throw client.unreadable(answer);
      return { ready: true, document };
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
