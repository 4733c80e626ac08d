// @ts-check
/** What becomes of a guest's pictures when the person has signed in in the same browser: moved, or deleted. */

import { ApiError } from './errors.js';
import { createClient, isObject } from './http-client.js';
import { keyPath, queryString } from './keys.js';
import { Limiter } from './limiter.js';
import { backoffMs, sleep } from './time.js';

/** How often in a row a request may fail, or move nothing. */
const MAX_FAILURES = 5;
/** How many pictures are counted; the largest page that `GET /images` returns. */
const PAGE_SIZE = 100;
const MAX_DELETIONS = 4;

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
  const { keys, cursor } = await readPage(api, createClient(api, { ...options, caller: guest }), '', signal);
  return { pictures: keys.length, more: cursor !== '' };
}

/**
 * Deletes all pictures of the guest.
 * @param {object} job
 * @param {string} job.api
 * @param {Caller} job.guest
 * @param {AbortSignal} job.signal
 * @param {(deleted: number) => void} job.onProgress
 * @param {import('./http-client.js').ClientOptions} [job.options] for tests
 * @returns {Promise<number>} how many pictures were deleted
 * @throws {ApiError} or the signal's reason
 */
export async function deleteAll({ api, guest, signal, onProgress, options = {} }) {
  const client = createClient(api, { ...options, caller: guest });
  const limiter = new Limiter(MAX_DELETIONS);
  let deleted = 0;
  let from = '';
  do {
    const { keys, cursor } = await readPage(api, client, from, signal);
    await Promise.all(keys.map((key) => limiter.run(() => remove(key), signal)));
    from = cursor;
  } while (from !== '');
  return deleted;

  /** @param {string} key */
  async function remove(key) {
    const reply = await client.request(`${api}/guest/images/${keyPath(key)}`, { method: 'DELETE' }, signal);
    // 404: it was deleted elsewhere.
    if (!reply.response.ok && reply.response.status !== 404) throw client.rejected(reply);
    deleted += 1;
    onProgress(deleted);
  }
}

/**
 * @param {string} api
 * @param {ReturnType<typeof createClient>} client
 * @param {string} from the cursor of the page before, or ''
 * @param {AbortSignal} signal
 * @returns {Promise<{keys: string[], cursor: string}>}
 */
async function readPage(api, client, from, signal) {
  /** @type {[string, string][]} */
  const query = [['limit', String(PAGE_SIZE)], ...(from === '' ? [] : [/** @type {[string, string]} */ (['cursor', from])])];
  const reply = await client.request(`${api}/guest/images?${queryString(query)}`, {}, signal);
  if (!reply.response.ok) throw client.rejected(reply);
  const body = isObject(reply.body) ? reply.body : {};
  if (!Array.isArray(body.images)) throw client.unreadable(reply);
  return { keys: body.images.map(({ key }) => String(key)), cursor: typeof body.cursor === 'string' ? body.cursor : '' };
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
