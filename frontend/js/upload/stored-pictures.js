// @ts-check
/** What the service has stored of a picture: addresses to show it, and the picture itself. The addresses are signed and expire. */

import { Limiter } from '../shared/limiter.js';

/** Addresses are requested again after this time, before they expire. */
const MAX_AGE_MS = 4 * 60_000;
const MAX_REQUESTS = 4;

/**
 * @typedef {import('./task.js').Task} Task
 * @typedef {import('../shared/api-types.js').ImageDetails} Details
 */

export class StoredPictures {
  #api;
  #requests = new Limiter(MAX_REQUESTS);
  /** @type {WeakMap<Task, {at: number, details: Promise<Details | null>}>} */
  #known = new WeakMap();

  /** @param {Pick<import('../shared/api.js').Api, 'readImage'>} api */
  constructor(api) {
    this.#api = api;
  }

  /**
   * @param {Task} task
   * @returns {Promise<Details | null>} null when the picture is not analysed yet, or not to be had
   */
  async details(task) {
    const { ticket } = task;
    if (!ticket || !task.document) return null;
    const known = this.#known.get(task);
    if (known && performance.now() - known.at < MAX_AGE_MS) return await known.details;
    const details = this.#requests.run(() => this.#api.readImage(ticket.key, new AbortController().signal)).catch(() => null);
    this.#known.set(task, { at: performance.now(), details });
    const found = await details;
    // After an error, the next request may succeed.
    if (!found) this.#known.delete(task);
    return found;
  }

  /**
   * The picture itself.
   * @param {Task} task
   * @returns {Promise<Blob | null>}
   */
  async picture(task) {
    const details = await this.details(task);
    if (!details) return null;
    try {
      // Not from the cache: an <img> fetched the entry there without CORS, so the page may not read it.
      const response = await fetch(details.imageUrl, { credentials: 'omit', cache: 'no-store' });
      return response.ok ? await response.blob() : null;
    } catch {
      return null;
    }
  }
}
