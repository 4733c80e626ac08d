// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ApiError, LateError } from '../../../frontend/js/shared/errors.js';
import { waitForResult } from '../../../frontend/js/shared/wait-for-result.js';

/** @type {import('../../../frontend/js/shared/api-types.js').ResultDocument} */
const DOCUMENT = { schemaVersion: 1, imageId: 'i', status: 'succeeded' };

/**
 * Plays a series of answers on a clock of its own.
 * @param {(import('../../../frontend/js/shared/api.js').Reading | Error)[]} answers the last is repeated
 * @param {number} [limitMs]
 */
function play(answers, limitMs) {
  /** @type {number[]} */
  const pauses = [];
  let clock = 0;
  let asked = 0;
  const done = waitForResult({
    read: async () => {
      const answer = answers[Math.min(asked++, answers.length - 1)];
      if (answer instanceof Error || !answer) throw answer;
      return answer;
    },
    signal: new AbortController().signal,
    pause: async (ms) => {
      pauses.push(ms);
      clock += ms;
    },
    now: () => clock,
    ...(limitMs === undefined ? {} : { limitMs }),
  });
  return { done, pauses };
}

const pending = (/** @type {number | null} */ retryAfterMs = null) => ({ ready: /** @type {const} */ (false), retryAfterMs });
const ready = { ready: /** @type {const} */ (true), document: DOCUMENT };

test('asks a moment after the upload and then until the document is there, each time a little later', async () => {
  const { done, pauses } = play([pending(), pending(), pending(), ready]);
  assert.equal(await done, DOCUMENT);
  assert.deepEqual(pauses, [300, 250, 375, 562.5]);
});

test('never asks sooner than Retry-After says', async () => {
  const { done, pauses } = play([pending(1000), pending(1000), ready]);
  await done;
  assert.deepEqual(pauses, [300, 1000, 1000]);
});

test('gives up at the limit', async () => {
  const { done, pauses } = play([pending(1000)], 10_000);
  await assert.rejects(done, LateError);
  assert.ok(pauses.reduce((sum, ms) => sum + ms, 0) <= 10_000);
});

test('a few faults in a row are waited out, many are not', async () => {
  const fault = new ApiError('refused', { status: 503, retryAfterMs: 3000 });
  const short = play([fault, fault, pending(), fault, ready]);
  assert.equal(await short.done, DOCUMENT);
  assert.equal(short.pauses[1], 3000);
  await assert.rejects(play([fault]).done, (error) => error === fault);
  const gone = new ApiError('unreachable');
  await assert.rejects(play([gone]).done, (error) => error === gone);
});

test('a key the API does not know is asked for twice more', async () => {
  const unknown = new ApiError('refused', { status: 404 });
  assert.equal(await play([unknown, unknown, ready]).done, DOCUMENT);
  const { done, pauses } = play([unknown]);
  await assert.rejects(done, (error) => error === unknown);
  assert.equal(pauses.length, 3);
});

test('a refusal and a fault of the page end the wait at once', async () => {
  for (const error of [new ApiError('refused', { status: 403 }), new ApiError('unreadable'), new TypeError('x')]) {
    const { done, pauses } = play([error]);
    await assert.rejects(done, (thrown) => thrown === error);
    assert.equal(pauses.length, 1);
  }
});
