// @ts-check
/** The API's operations on stored pictures. */

import { createClient, isObject, keyPath } from '../shared/http-client.js';

/** The most that `GET /images` gives at once. */
const PAGE = 100;

/** @typedef {ReturnType<typeof createImages>} Images */

/**
 * @param {string} base the API's address without a slash at the end
 * @param {import('../shared/http-client.js').Use} [use]
 */
export function createImages(base, use = {}) {
  const client = createClient(base, use);
  const json = { headers: { accept: 'application/json' } };
  const address = (/** @type {string} */ key) => `${base}/images/${keyPath(key)}`;

  /**
   * @param {string} url
   * @param {AbortSignal} signal
   * @param {(body: Record<string, unknown>) => boolean} fits
   */
  async function get(url, signal, fits) {
    const answer = await client.ask(url, json, signal);
    if (!answer.response.ok) throw client.refusal(answer);
    if (!isObject(answer.body) || !fits(answer.body)) throw client.unreadable(answer);
    return /** @type {unknown} */ (answer.body);
  }

  return {
    /**
     * @param {import('./url-state.js').Query} query
     * @param {string | null} cursor
     * @param {AbortSignal} signal
     */
    async page({ label, category, status }, cursor, signal) {
      const asked = Object.entries({ label, category, status, cursor }).flatMap(([name, value]) => (value ? [[name, value]] : []));
      const url = `${base}/images?${new URLSearchParams([...asked, ['limit', String(PAGE)]])}`;
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
      return /** @type {import('../shared/api-types.js').ImageDetails} */ (await get(address(key), signal, ({ imageUrl }) => typeof imageUrl === 'string'));
    },

    /**
     * Where the picture's document can be read.
     * @param {string} key
     */
    documentAddress: (key) => `${base}/results/${keyPath(key)}`,

    /**
     * @param {string} key
     * @param {AbortSignal} signal
     */
    async remove(key, signal) {
      const answer = await client.ask(address(key), { method: 'DELETE' }, signal);
      // Somebody else may have been faster.
      if (!answer.response.ok && answer.response.status !== 404) throw client.refusal(answer);
    },

    /**
     * The same while the page is being left.
     * @param {string} key
     */
    removeOnLeaving(key) {
      client.leave(address(key), { method: 'DELETE' });
    },
  };
}
