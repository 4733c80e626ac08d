// @ts-check
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';

import { FIRST_PAUSE_MS, LONGEST_PAUSE_MS, Updates } from '../../../frontend/js/gallery/updates.js';

class FakePage extends EventTarget {
  /** @type {DocumentVisibilityState} */
  visibilityState = 'visible';

  /** @param {DocumentVisibilityState} state */
  become(state) {
    this.visibilityState = state;
    this.dispatchEvent(new Event('visibilitychange'));
  }
}

class FakeStream extends EventTarget {
  readyState = 1;

  close() {
    this.readyState = 2;
  }

  /**
   * @param {string} name
   * @param {string} [data]
   */
  send(name, data) {
    this.dispatchEvent(new MessageEvent(name, { data }));
  }
}

/** @param {boolean} events whether the service has them */
function setUp(events) {
  const page = new FakePage();
  /** @type {FakeStream[]} */
  const streams = [];
  const seen = { checks: 0, changed: /** @type {boolean | null} */ (false), deleted: /** @type {string[]} */ ([]) };
  const connect = () => {
    const stream = new FakeStream();
    streams.push(stream);
    return stream;
  };
  const on = {
    check: async () => {
      seen.checks += 1;
      return seen.changed;
    },
    deleted: (/** @type {string} */ key) => void seen.deleted.push(key),
  };
  const updates = new Updates(on, events ? connect : null, page, 10);
  updates.start();
  return { page, streams, seen };
}

/**
 * Lets time pass.
 * @param {number} ms
 */
async function pass(ms) {
  mock.timers.tick(ms);
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}

/** @param {() => Promise<void>} run */
const withTimers = (run) => async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    await run();
  } finally {
    mock.timers.reset();
  }
};

test(
  'without events the page asks, with pauses that grow while nothing happens',
  withTimers(async () => {
    const { seen } = setUp(false);
    let pause = FIRST_PAUSE_MS;
    for (let asked = 1; asked <= 8; asked += 1) {
      await pass(pause - 1);
      assert.equal(seen.checks, asked - 1);
      await pass(1);
      assert.equal(seen.checks, asked);
      pause = Math.min(LONGEST_PAUSE_MS, pause * 2);
    }
    assert.equal(pause, LONGEST_PAUSE_MS);
    seen.changed = true;
    await pass(pause);
    await pass(FIRST_PAUSE_MS);
    assert.equal(seen.checks, 10, 'after a change the pauses are short again');
  }),
);

test(
  'a hidden page neither asks nor listens, and catches up when it is shown again',
  withTimers(async () => {
    const asking = setUp(false);
    asking.page.become('hidden');
    await pass(10 * LONGEST_PAUSE_MS);
    assert.equal(asking.seen.checks, 0);
    asking.page.become('visible');
    await pass(0);
    assert.equal(asking.seen.checks, 1);
    await pass(2 * FIRST_PAUSE_MS);
    assert.equal(asking.seen.checks, 2);

    const listening = setUp(true);
    listening.page.become('hidden');
    assert.equal(listening.streams[0]?.readyState, 2);
    listening.page.become('visible');
    await pass(0);
    assert.deepEqual([listening.streams.length, listening.seen.checks], [2, 1]);
  }),
);

test(
  'events cause one question, and deletions none',
  withTimers(async () => {
    const { streams, seen } = setUp(true);
    await pass(LONGEST_PAUSE_MS);
    assert.equal(seen.checks, 0);
    for (const name of ['result-ready', 'result-failed', 'reset']) streams[0]?.send(name, '{"key":"uploads/a.png"}');
    await pass(10);
    assert.equal(seen.checks, 1);
    // The list was being loaded, so the question has to be repeated.
    seen.changed = null;
    streams[0]?.send('result-ready', '{}');
    await pass(10);
    seen.changed = true;
    await pass(4 * FIRST_PAUSE_MS);
    assert.equal(seen.checks, 3);
    streams[0]?.send('deleted', '{"key":"uploads/a.png"}');
    streams[0]?.send('deleted', 'not JSON');
    await pass(LONGEST_PAUSE_MS);
    assert.deepEqual([seen.checks, seen.deleted], [3, ['uploads/a.png']]);
  }),
);

test(
  'a page whose stream is rejected asks instead',
  withTimers(async () => {
    const { streams, seen } = setUp(true);
    const [stream] = streams;
    // The browser connects again by itself.
    if (stream) stream.readyState = 0;
    stream?.send('error');
    await pass(FIRST_PAUSE_MS);
    assert.equal(seen.checks, 0);
    stream?.close();
    stream?.send('error');
    await pass(FIRST_PAUSE_MS);
    assert.equal(seen.checks, 1);
  }),
);
