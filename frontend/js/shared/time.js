// @ts-check
/** Pauses, and how long they last. */

/**
 * @param {number} ms
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>} rejects with the signal's reason when aborted
 */
export function sleep(ms, signal) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}

/**
 * The value of a `Retry-After` header in milliseconds: RFC 9110 allows seconds or a date.
 * @param {string | null} value
 * @param {number} [now] milliseconds since the epoch
 * @returns {number | null} null when the header is missing or cannot be read
 */
export function retryAfterMs(value, now = Date.now()) {
  if (value === null) return null;
  if (/^\s*\d+\s*$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}

/**
 * A growing pause: 250 ms, then half as much again each time, up to 5 s.
 * @param {number} attempt 0 for the first
 */
export function backoffMs(attempt) {
  return Math.min(5000, 250 * 1.5 ** attempt);
}
