// @ts-check
/** A signed-in person takes over the pictures that a guest uploaded in the same browser. */

import { ApiError } from './errors.js';
import { createClient, isObject } from './http-client.js';
import { backoffMs, sleep } from './time.js';

/** How often in a row a request may fail, or move nothing. */
const MAX_FAILURES = 5;
/** How many pictures are counted; the largest page that `GET /images` returns. */
const PAGE_SIZE = 100;

/**
 * @typedef {import('./http-client.js').Caller} Caller
 *
 * @typedef {object} Progress
 * @property {number} moved
 * @property {number} remaining
 */

/**
 * How many pictures the guest has.
 * @param {string} api
 * @param {Caller} guest
 * @param {AbortSignal} signal
 * @param {import('./http-client.js').ClientOptions} [options] for tests
 * @returns {Promise<{pictures: number, more: boolean}>} `more`: there are more than that
 * @throws {ApiError}
 */
export async function countPictures(api, guest, signal, options = {}) {
  const client = createClient(api, { ...options, caller: guest });
  const reply = await client.request(`${api}/guest/images?limit=${PAGE_SIZE}`, {}, signal);
  if (!reply.response.ok) throw client.rejected(reply);
  const { images, cursor } = isObject(reply.body) ? reply.body : {};
  if (!Array.isArray(images)) throw client.unreadable(reply);
  return { pictures: images.length, more: typeof cursor === 'string' };
}

/**
 * Moves all pictures of the guest. The API moves a few at each request, under a code that works for some minutes; what is
 * moved stays moved.
 * @param {object} job
 * @param {string} job.api
 * @param {Caller} job.guest
 * @param {Caller} job.person
 * @param {AbortSignal} job.signal
 * @param {(progress: Progress) => void} job.onProgress
 * @param {(ms: number, signal: AbortSignal) => Promise<void>} [job.pause] for tests
 * @param {import('./http-client.js').ClientOptions} [job.options] for tests
 * @returns {Promise<number>} how many pictures were moved
 * @throws {ApiError} or the signal's reason
 */
export async function takeOver({ api, guest, person, signal, onProgress, pause = sleep, options = {} }) {
  const asGuest = createClient(api, { ...options, caller: guest });
  const asPerson = createClient(api, { ...options, caller: person });
  let moved = 0;
  let failures = 0;
  let code = '';
  for (;;) {
    try {
      code ||= await begin();
      const { pictures, remaining } = await move(code);
      moved += pictures;
      onProgress({ moved, remaining });
      if (remaining === 0) return moved;
      failures = pictures > 0 ? 0 : failures + 1;
      if (failures > MAX_FAILURES) throw new ApiError('rejected', { status: 503, problem: { detail: 'Some pictures could not be moved.' } });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      failures += 1;
      // A code that expired or was used up: the next one is for the pictures that remain.
      const expired = error.problem.code === 'handover-not-found';
      if (expired) code = '';
      if (!(expired || error.retryable) || failures > MAX_FAILURES) throw error;
      await pause(Math.max(error.retryAfterMs ?? 0, backoffMs(failures)), signal);
    }
  }

  async function begin() {
    const reply = await asGuest.request(`${api}/guest/handovers`, { method: 'POST' }, signal);
    if (!reply.response.ok) throw asGuest.rejected(reply);
    const { code } = isObject(reply.body) ? reply.body : {};
    if (typeof code !== 'string' || code === '') throw asGuest.unreadable(reply);
    return code;
  }

  /** @param {string} code */
  async function move(code) {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ code }) };
    const reply = await asPerson.request(`${api}/handovers`, init, signal);
    if (!reply.response.ok) throw asPerson.rejected(reply);
    const { pictures, remaining } = isObject(reply.body) ? reply.body : {};
    if (typeof pictures !== 'number' || typeof remaining !== 'number') throw asPerson.unreadable(reply);
    return { pictures, remaining };
  }
}
