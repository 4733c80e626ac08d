// @ts-check
/** Which failures the page tries again by itself, and when. */

import { ApiError, UploadError } from '../shared/errors.js';

/** How often a picture is tried again by itself. Together the pauses last about 6 minutes. */
export const MAX_RETRIES = 10;

const FIRST_PAUSE_MS = 1000;
const MAX_PAUSE_MS = 60_000;
/** A service that asks for a longer pause has reached a daily limit. Then the person decides. */
const MAX_RETRY_AFTER_MS = 120_000;

/** Pauses differ by this part, so that many pictures do not come back in the same moment. */
const SPREAD = 0.2;

/**
 * The pause before a failed picture is tried again: twice as long each time, or as long as the service asks for.
 * @param {unknown} error
 * @param {number} attempt 0 for the first pause
 * @param {() => number} [random] 0..1, for tests
 * @returns {number | null} milliseconds; null when only the person can tell what to do
 */
export function retryPauseMs(error, attempt, random = Math.random) {
  if (attempt >= MAX_RETRIES || !mayPass(error)) return null;
  const pause = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt) * (1 + SPREAD * random());
  const asked = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
  return asked > MAX_RETRY_AFTER_MS ? null : Math.max(asked, pause);
}

/**
 * Whether the same attempt may succeed later.
 * @param {unknown} error
 */
function mayPass(error) {
  if (error instanceof ApiError) return error.retryable && !/daily-limit/.test(error.problem.code ?? '');
  if (error instanceof UploadError) return error.kind === 'network' || error.kind === 'stalled' || (error.kind === 'storage' && (error.status >= 500 || error.status === 429));
  return false;
}
