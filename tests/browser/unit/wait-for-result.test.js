// @ts-check
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { ApiError, TimeoutError } from '../../../frontend/js/shared/errors.js';
import { WAIT_LIMIT_MS, waitForResult } from '../../../frontend/js/shared/wait-for-result.js';

/** @type {import('../../../frontend/js/shared/api-types.js').ResultDocument} */
const DOCUMENT = { schemaVersion: 1, imageId: 'i', status: 'succeeded' };

/**
 * Plays a series of replies with a simulated clock.
 * @param {(import('../../../frontend/js/shared/api.js').ResultReply | Error)[]} replies the last one repeats
 * @param {number} [limitMs]
 * @param {() => void} [onDelay]
 */
function play(replies, limitMs, onDelay) {
  /** @type {number[]} */
  const pauses = [];
  let clock = 0;
  let requests = 0;
  const done = waitForResult({
    read: async () => {
      const reply = replies[Math.min(requests++, replies.length - 1)];
      if (reply instanceof Error || !reply) throw reply;
      return reply;
    },
    signal: new AbortController().signal,
    pause: async (ms) => {
      pauses.push(ms);
      clock += ms;
    },
    now: () => clock,
    ...(onDelay === undefined ? {} : { onDelay }),
    ...(limitMs === undefined ? {} : { limitMs }),
  });
  return { done, pauses };
}

const pending = (/** @type {number | null} */ retryAfterMs = null) => ({ ready: /** @type {const} */ (false), retryAfterMs });
const ready = { ready: /** @type {const} */ (true), document: DOCUMENT };

test('polls until the document is ready, with growing pauses', async () => {
  const { done, pauses } = play([pending(), pending(), pending(), ready]);
  assert.equal(await done, DOCUMENT);
  assert.deepEqual(pauses, [300, 250, 375, 562.5]);
});

test('waits at least as long as Retry-After says', async () => {
  const { done, pauses } = play([pending(1000), pending(1000), ready]);
  await done;
  assert.deepEqual(pauses, [300, 1000, 1000]);
});

test('gives up at the limit', async () => {
  const { done, pauses } = play([pending(1000)], 10_000);
  await assert.rejects(done, TimeoutError);
  assert.ok(pauses.reduce((sum, ms) => sum + ms, 0) <= 10_000);
});

test('waits longer than the longest pause of the service', () => {
  const retries = JSON.parse(readFileSync(new URL('../../../crates/pipeline/retries.json', import.meta.url), 'utf8'));
  assert.equal(WAIT_LIMIT_MS, 1000 * retries.clientPatienceSeconds);
  assert.ok(retries.clientPatienceSeconds > Math.max(retries.longestPauseSeconds, retries.visibilityTimeoutSeconds));
});

test('says once that a result is delayed', async () => {
  let delays = 0;
  const quick = play([pending(), ready], undefined, () => { delays += 1; });
  await quick.done;
  assert.equal(delays, 0);
  const slow = play([pending(15_000), pending(15_000), pending(15_000), ready], undefined, () => { delays += 1; });
  await slow.done;
  assert.equal(delays, 1);
});

test('tolerates a few failures in a row, but not many', async () => {
  const failure = new ApiError('rejected', { status: 503, retryAfterMs: 3000 });
  const short = play([failure, failure, pending(), failure, ready]);
  assert.equal(await short.done, DOCUMENT);
  assert.equal(short.pauses[1], 3000);
  await assert.rejects(play([failure]).done, (error) => error === failure);
  const gone = new ApiError('unreachable');
  await assert.rejects(play([gone]).done, (error) => error === gone);
});

test('an unknown key is requested twice more', async () => {
  const unknown = new ApiError('rejected', { status: 404 });
  assert.equal(await play([unknown, unknown, ready]).done, DOCUMENT);
  const { done, pauses } = play([unknown]);
  await assert.rejects(done, (error) => error === unknown);
  assert.equal(pauses.length, 3);
});

test('a rejected request and an error of the page end the polling at once', async () => {
  for (const error of [new ApiError('rejected', { status: 403 }), new ApiError('unreadable'), new TypeError('x')]) {
    const { done, pauses } = play([error]);
    await assert.rejects(done, (thrown) => thrown === error);
    assert.equal(pauses.length, 1);
  }
});
