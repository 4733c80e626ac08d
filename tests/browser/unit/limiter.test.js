// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Limiter } from '../../../frontend/js/shared/limiter.js';
import { backoffMs, retryAfterMs, sleep } from '../../../frontend/js/shared/time.js';

/** A promise that the test resolves. */
function gate() {
  /** @type {() => void} */
  let open = () => {};
  const opened = /** @type {Promise<void>} */ (new Promise((resolve) => (open = resolve)));
  return { open, opened };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('runs at most the given number of jobs at once, the rest in order', async () => {
  const limiter = new Limiter(2);
  const gates = [gate(), gate(), gate(), gate()];
  /** @type {number[]} */
  const started = [];
  const all = gates.map(({ opened }, index) =>
    limiter.run(async () => {
      started.push(index);
      await opened;
      return index;
    }),
  );
  await turn();
  assert.deepEqual(started, [0, 1]);
  gates[1]?.open();
  await turn();
  assert.deepEqual(started, [0, 1, 2]);
  gates.forEach(({ open }) => open());
  assert.deepEqual(await Promise.all(all), [0, 1, 2, 3]);
});

test('the next job runs after a job fails', async () => {
  const limiter = new Limiter(1);
  await assert.rejects(limiter.run(async () => Promise.reject(new Error('no'))), /no/);
  assert.equal(await limiter.run(async () => 'next'), 'next');
});

test('a job that is cancelled while it waits never starts and blocks no other', async () => {
  const limiter = new Limiter(1);
  const first = gate();
  const control = new AbortController();
  const running = limiter.run(() => first.opened);
  let ran = false;
  const waiting = limiter.run(async () => {
    ran = true;
  }, control.signal);
  const after = limiter.run(async () => 'after');
  control.abort();
  await assert.rejects(waiting, { name: 'AbortError' });
  await assert.rejects(limiter.run(async () => 'never', control.signal), { name: 'AbortError' });
  first.open();
  await running;
  assert.equal(await after, 'after');
  assert.equal(ran, false);
});

test('Retry-After is seconds or a date', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  assert.equal(retryAfterMs('2', now), 2000);
  assert.equal(retryAfterMs('Thu, 01 Jan 2026 00:00:05 GMT', now), 5000);
  assert.equal(retryAfterMs('Wed, 31 Dec 2025 00:00:00 GMT', now), 0);
  assert.equal(retryAfterMs(null, now), null);
  assert.equal(retryAfterMs('soon', now), null);
});

test('the back-off grows up to a limit', () => {
  assert.equal(backoffMs(0), 250);
  assert.ok(backoffMs(3) > backoffMs(2));
  assert.equal(backoffMs(100), 5000);
});

test('a pause can be cancelled', async () => {
  const control = new AbortController();
  const pause = sleep(60_000, control.signal);
  control.abort();
  await assert.rejects(pause, { name: 'AbortError' });
  await assert.rejects(sleep(0, control.signal), { name: 'AbortError' });
  await sleep(0);
});
