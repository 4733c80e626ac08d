// @ts-check
/** Waits for a picture's result document. */

import { ApiError, TimeoutError } from './errors.js';
import { backoffMs, sleep } from './time.js';

/**
 * How long the page waits before it tells the person that the result is not ready: longer than the service's longest pause before
 * it tries a picture again (`clientPatienceSeconds` in `crates/pipeline/retries.json`).
 */
export const WAIT_LIMIT_MS = 10 * 60_000;

/** When the page says that the service is having trouble with the picture. Most results are ready long before. */
export const DELAYED_MS = 20_000;

/**
 * The pause before the first request. Most results are ready within a second, but `Retry-After` counts in whole seconds:
 * an immediate request would have to wait at least one.
 */
const FIRST_PAUSE_MS = 300;

/** How often in a row the API may fail, or not know the picture yet, before the page gives up. */
const MAX_FAILURES = 5;
const MAX_NOT_FOUND = 2;

/**
 * Polls until the document is ready. The pause between two requests is the longer of `Retry-After` and the growing
 * back-off.
 * @param {object} job
 * @param {() => Promise<import('./api.js').ResultReply>} job.read sends one request
 * @param {AbortSignal} job.signal
 * @param {() => void} [job.onDelay] called once when the result takes unusually long
 * @param {number} [job.limitMs]
 * @param {(ms: number, signal: AbortSignal) => Promise<void>} [job.pause] for tests
 * @param {() => number} [job.now] for tests
 * @returns {Promise<import('./api-types.js').ResultDocument>}
 * @throws {ApiError | TimeoutError} or the signal's reason
 */
export async function waitForResult({ read, signal, onDelay, limitMs = WAIT_LIMIT_MS, pause = sleep, now = () => performance.now() }) {
  const began = now();
  let failures = 0;
  let notFound = 0;
  let delayed = false;
  await pause(FIRST_PAUSE_MS, signal);
  for (let attempt = 0; ; attempt += 1) {
    /** @type {number | null} */
    let retryAfterMs = null;
    try {
      const reply = await read();
      if (reply.ready) return reply.document;
      failures = 0;
      notFound = 0;
      retryAfterMs = reply.retryAfterMs;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 404) notFound += 1;
      else if (error.retryable) failures += 1;
      else throw error;
      if (notFound > MAX_NOT_FOUND || failures > MAX_FAILURES) throw error;
      retryAfterMs = error.retryAfterMs;
    }
    const wait = Math.max(retryAfterMs ?? 0, backoffMs(attempt));
    const waited = now() - began;
    if (waited > DELAYED_MS && !delayed) {
      delayed = true;
      onDelay?.();
    }
    if (waited + wait > limitMs) throw new TimeoutError(waited);
    await pause(wait, signal);
  }
}
