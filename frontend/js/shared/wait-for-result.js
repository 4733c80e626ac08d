// @ts-check
/** Waits for a picture's result document. */

import { ApiError, LateError } from './errors.js';
import { backoffMs, sleep } from './time.js';

/** How long the page asks before it tells the person that the answer is late. */
export const WAIT_LIMIT_MS = 5 * 60_000;

/**
 * The pause before the first question. Retry-After counts in whole seconds: who asks at once waits at least
 * one, although most answers are there sooner.
 */
const FIRST_PAUSE_MS = 300;

/** So often in a row the API may fail, or not know the picture yet, before that is taken for the answer. */
const FAULTS_ALLOWED = 5;
const UNKNOWN_ALLOWED = 2;

/**
 * Asks until the document is there. The pause between two questions is what `Retry-After` says or the
 * growing back-off, whichever is longer.
 * @param {object} job
 * @param {() => Promise<import('./api.js').Reading>} job.read asks once
 * @param {AbortSignal} job.signal
 * @param {number} [job.limitMs]
 * @param {(ms: number, signal: AbortSignal) => Promise<void>} [job.pause] for tests
 * @param {() => number} [job.now] for tests
 * @returns {Promise<import('./api-types.js').ResultDocument>}
 * @throws {ApiError | LateError} or the signal's reason
 */
export async function waitForResult({ read, signal, limitMs = WAIT_LIMIT_MS, pause = sleep, now = () => performance.now() }) {
  const began = now();
  let faults = 0;
  let unknown = 0;
  await pause(FIRST_PAUSE_MS, signal);
  for (let attempt = 0; ; attempt += 1) {
    /** @type {number | null} */
    let asked = null;
    try {
      const reading = await read();
      if (reading.ready) return reading.document;
      faults = 0;
      unknown = 0;
      asked = reading.retryAfterMs;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 404) unknown += 1;
      else if (error.temporary) faults += 1;
      else throw error;
      if (unknown > UNKNOWN_ALLOWED || faults > FAULTS_ALLOWED) throw error;
      asked = error.retryAfterMs;
    }
    const wait = Math.max(asked ?? 0, backoffMs(attempt));
    const waited = now() - began;
    if (waited + wait > limitMs) throw new LateError(waited);
    await pause(wait, signal);
  }
}
