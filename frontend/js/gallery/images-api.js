// @ts-check
/** The API's operations on stored pictures. */

import { createClient, isObject } from '../shared/http-client.js';
import { keyPath, queryString } from '../shared/keys.js';
import { parametersOf } from './terms.js';

/** The largest page that `GET /images` returns. */
const PAGE_SIZE = 100;

/** @typedef {ReturnType<typeof createImagesApi>} ImagesApi */

/**
 * @param {string} base the API's address without a trailing slash
 * @param {import('../shared/http-client.js').ClientOptions} [options]
 */
export function createImagesApi(base, options = {}) {
  const client = createClient(base, options);
  const json = { headers: { accept: 'application/json' } };
  const urlOf = (/** @type {string} */ key) => `${base}/images/${keyPath(key)}`;

  /**
   * @param {string} url
   * @param {AbortSignal} signal
   * @param {(body: Record<string, unknown>) => boolean} isValid
   */
  async function get(url, signal, isValid) {
    const reply = await client.request(url, json, signal);
    if (!reply.response.ok) throw client.rejected(reply);
    if (!isObject(reply.body) || !isValid(reply.body)) throw client.unreadable(reply);
    return /** @type {unknown} */ (reply.body);
  }

  return {
    /**
     * @param {import('./url-state.js').Query} query
     * @param {string | null} cursor
     * @param {AbortSignal} signal
     */
    async page({ terms, status, from, to, sort, minFaces, emotion, ageFrom, ageTo }, cursor, signal) {
      const all = { status, ...boundsOf(from, to, sort), sort: sort === 'newest' ? null : sort, minFaces: minFaces || null, emotion, ageFrom, ageTo, cursor };
      const parameters = [
        ...parametersOf(terms),
        ...Object.entries(all).flatMap(([name, value]) => (value === null || value === '' ? [] : [/** @type {[string, string]} */ ([name, String(value)])])),
      ];
      const url = `${base}/images?${queryString([...parameters, ['limit', String(PAGE_SIZE)]])}`;
      return /** @type {import('../shared/api-types.js').ImagePage} */ (await get(url, signal, ({ images }) => Array.isArray(images)));
    },

    /** @param {AbortSignal} signal */
    async counts(signal) {
      return /** @type {import('../shared/api-types.js').Counts} */ (
        await get(`${base}/labels`, signal, ({ labels, categories }) => Array.isArray(labels) && Array.isArray(categories))
      );
    },

    /**
     * @param {string} key
     * @param {AbortSignal} signal
     */
    async details(key, signal) {
      return /** @type {import('../shared/api-types.js').ImageDetails} */ (await get(urlOf(key), signal, ({ imageUrl }) => typeof imageUrl === 'string'));
    },

    /**
     * The address of the picture's result document.
     * @param {string} key
     */
    documentUrl: (key) => `${base}/results/${keyPath(key)}`,

    /**
     * @param {string} key
     * @param {AbortSignal} signal
     */
    async remove(key, signal) {
      const reply = await client.request(urlOf(key), { method: 'DELETE' }, signal);
      // 404: somebody else deleted the picture first.
      if (!reply.response.ok && reply.response.status !== 404) throw client.rejected(reply);
    },

    /**
     * Announces a deletion that may have to be sent while the person leaves the page.
     * @param {string} key
     */
    prepareRemoval(key) {
      client.prepareLeaving(urlOf(key), { method: 'DELETE' });
    },

    /**
     * Deletes a picture while the person leaves the page.
     * @param {string} key
     */
    removeOnLeaving(key) {
      client.sendOnLeaving(urlOf(key), { method: 'DELETE' });
    },
  };
}

/**
 * The first and the last moment of a span of days, as the list groups them: days of the upload in the reader's time zone. The API
 * counts a time of taking without an offset as UTC, so those days stay as they are.
 * @param {string} from
 * @param {string} to
 * @param {import('./url-state.js').Sort} sort
 */
function boundsOf(from, to, sort) {
  if (sort === 'taken') return { from, to };
  return { from: from && new Date(`${from}T00:00:00`).toISOString(), to: to && new Date(`${to}T23:59:59.999`).toISOString() };
}
