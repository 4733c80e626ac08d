// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Batch, timeLeft } from '../../../frontend/js/upload/batch.js';

const MIB = 1024 * 1024;

/** @typedef {import('../../../frontend/js/upload/batch.js').Member} Member */

/**
 * A batch whose pictures are sent one after another at a given speed.
 * @param {number} pictures
 * @param {number} size bytes of each
 */
function setUp(pictures, size) {
  let now = 0;
  const batch = new Batch(() => now);
  const tasks = Array.from({ length: pictures }, () => /** @type {any} */ ({ active: true, state: 'queued', sent: 0, stored: false, outgoing: { size } }));
  return {
    tasks,
    update: () => batch.update(/** @type {Member[]} */ (tasks)),
    /**
     * @param {number} ms
     * @param {number} speed bytes a second
     */
    run(ms, speed) {
      for (const end = now + ms; now < end; ) {
        now += 100;
        let bytes = speed / 10;
        for (const task of tasks) {
          if (!task.active || bytes <= 0) continue;
          const part = Math.min(bytes, size - task.sent);
          task.sent += part;
          bytes -= part;
          Object.assign(task, task.sent >= size ? { active: false, state: 'done', stored: true } : { state: 'uploading' });
        }
        batch.update(tasks);
      }
    },
    get now() {
      return now;
    },
  };
}

test('the bar follows the bytes, and the time left is withheld until it means something', () => {
  const batch = setUp(20, 2 * MIB);
  assert.deepEqual(batch.update(), { fraction: 0, leftMs: null });
  batch.run(2000, MIB);
  const early = batch.update();
  assert.ok(early && early.fraction > 0.04 && early.fraction < 0.06 && early.leftMs === null, JSON.stringify(early));
  batch.run(8000, MIB);
  const later = batch.update();
  assert.ok(later && Math.abs(later.fraction - 0.25) < 0.02, JSON.stringify(later));
  // 30 of 40 MiB are left at 1 MiB/s.
  assert.ok(later.leftMs !== null && Math.abs(later.leftMs - 30_000) < 4000, JSON.stringify(later));
});

test('the time left falls steadily at a steady speed, and follows a change of the speed', () => {
  const batch = setUp(40, MIB);
  batch.run(6000, MIB);
  let last = Infinity;
  for (let step = 0; step < 15; step += 1) {
    batch.run(1000, MIB);
    const left = batch.update()?.leftMs ?? Infinity;
    assert.ok(left < last + 500, `${left} after ${last}`);
    last = left;
  }
  // Half the speed: after some time, the estimate is right again.
  batch.run(12_000, MIB / 2);
  const rest = batch.tasks.reduce((sum, { sent }) => sum + MIB - sent, 0);
  const left = batch.update()?.leftMs ?? 0;
  assert.ok(Math.abs(left - (rest / (MIB / 2)) * 1000) < 0.35 * left, `${left} for ${rest}`);
});

test('without progress there is no time left', () => {
  const batch = setUp(10, MIB);
  batch.run(5000, MIB);
  assert.ok(batch.update()?.leftMs);
  batch.run(25_000, 0);
  assert.equal(batch.update()?.leftMs, null);
});

test('pictures that are added belong to the batch, and the next batch starts at zero', () => {
  const batch = setUp(2, MIB);
  batch.run(1500, MIB);
  const before = batch.update()?.fraction ?? 0;
  batch.tasks.push({ active: true, state: 'queued', sent: 0, stored: false, outgoing: { size: 2 * MIB } });
  assert.ok((batch.update()?.fraction ?? 1) < before);
  for (const task of batch.tasks) Object.assign(task, { active: false, state: 'done' });
  assert.equal(batch.update(), null);
  batch.tasks.push({ active: true, state: 'queued', sent: 0, stored: false, outgoing: { size: MIB } });
  assert.deepEqual(batch.update(), { fraction: 0, leftMs: null });
});

test('a cancelled picture counts no more, and the result of a stored one counts little', () => {
  const batch = setUp(2, MIB);
  batch.update();
  const [first, second] = batch.tasks;
  Object.assign(first, { active: false, state: 'cancelled' });
  Object.assign(second, { state: 'uploading', sent: MIB / 2 });
  const { fraction = 0 } = batch.update() ?? {};
  assert.ok(Math.abs(fraction - 0.4) < 0.01, String(fraction));
  const known = setUp(1, 100 * MIB);
  Object.assign(known.tasks[0], { stored: true, state: 'waiting' });
  assert.equal(known.update()?.fraction, 0);
});

test('the time left is no more exact than an estimate can be', () => {
  const texts = [0, 9000, 12_000, 41_000, 58_000, 150_000, 3_500_000, 3_600_000, 5_500_000].map((ms) => timeLeft(ms).replaceAll('\u00a0', ' '));
  assert.deepEqual(texts, [
    'a few seconds left',
    'a few seconds left',
    'about 20 s left',
    'about 50 s left',
    'about 1 min left',
    'about 3 min left',
    'about 58 min left',
    'about 1 h left',
    'about 1 h 30 min left',
  ]);
});
