// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { countPictures, deleteAll, takeOver } from '../../../frontend/js/shared/handover.js';

const API = 'https://site.example.com';
const signal = () => new AbortController().signal;
/** @param {string} name */
const caller = (name) => ({
  sign: async (/** @type {string} */ _, /** @type {RequestInit} */ init) => ({ ...init, headers: { ...init.headers, authorization: name } }),
  signNow: (/** @type {string} */ _, /** @type {RequestInit} */ init) => init,
});

/**
 * A service that holds a guest's pictures and moves a few at a time.
 * @param {number} pictures
 * @param {{atOnce?: number, answers?: (Response | null)[]}} [behaviour] `answers`: responses in place of the service's, in order
 */
function service(pictures, { atOnce = 2, answers = [] } = {}) {
  /** @type {{guest: number, person: number, codes: number, requests: string[], pauses: number[], progress: object[]}} */
  const state = { guest: pictures, person: 0, codes: 0, requests: [], pauses: [], progress: [] };
  /** @type {typeof fetch} */
  const send = async (url, init = {}) => {
    const who = new Headers(init.headers).get('authorization');
    state.requests.push(`${who} ${init.method ?? 'GET'} ${String(url).slice(API.length)}`);
    const instead = answers.shift();
    if (instead) return instead;
    const { pathname } = new URL(String(url));
    if (pathname === '/guest/images') return Response.json({ images: Array.from({ length: Math.min(100, state.guest) }, () => ({})), ...(state.guest > 100 ? { cursor: 'c' } : {}) });
    if (pathname === '/guest/handovers') {
      state.codes += 1;
      return Response.json({ code: `code-${state.codes}`, expiresAt: '2026-01-01T00:10:00Z' }, { status: 201 });
    }
    assert.equal(pathname, '/handovers');
    assert.deepEqual(JSON.parse(String(init.body)), { code: `code-${state.codes}` });
    const moved = Math.min(atOnce, state.guest);
    state.guest -= moved;
    state.person += moved;
    return Response.json({ pictures: moved, remaining: state.guest });
  };
  const run = (control = new AbortController()) =>
    takeOver({
      api: API,
      guest: caller('guest'),
      person: caller('person'),
      signal: control.signal,
      onProgress: (progress) => state.progress.push(progress),
      pause: async (ms, given) => {
        given.throwIfAborted();
        state.pauses.push(ms);
      },
      options: { fetch: send },
    });
  return { state, run, send };
}

const problem = (/** @type {number} */ status, code = '') => Response.json({ code, detail: 'No.' }, { status });

test('the guest’s pictures are counted up to a page', async () => {
  for (const [pictures, expected] of /** @type {const} */ ([[0, { pictures: 0, more: false }], [3, { pictures: 3, more: false }], [250, { pictures: 100, more: true }]])) {
    const { send, state } = service(pictures);
    assert.deepEqual(await countPictures(API, caller('guest'), signal(), { fetch: send }), expected);
    assert.deepEqual(state.requests, ['guest GET /guest/images?limit=100']);
  }
  await assert.rejects(countPictures(API, caller('guest'), signal(), { fetch: async () => problem(403) }), { status: 403 });
  await assert.rejects(countPictures(API, caller('guest'), signal(), { fetch: async () => Response.json({}) }), { kind: 'unreadable' });
});

test('all pictures are moved under one code, with progress', async () => {
  const { state, run } = service(5);
  assert.equal(await run(), 5);
  assert.deepEqual(state.requests, ['guest POST /guest/handovers', 'person POST /handovers', 'person POST /handovers', 'person POST /handovers']);
  assert.deepEqual(state.progress, [{ moved: 2, remaining: 3 }, { moved: 4, remaining: 1 }, { moved: 5, remaining: 0 }]);
  assert.deepEqual(state.pauses, []);
});

test('a code that expired on the way is replaced', async () => {
  const { state, run } = service(3, { answers: [null, null, problem(404, 'handover-not-found')] });
  assert.equal(await run(), 3);
  assert.equal(state.codes, 2);
  // Without end it would be a loop.
  const never = service(3, { answers: Array.from({ length: 40 }, (_, n) => (n % 2 ? problem(404, 'handover-not-found') : null)) });
  await assert.rejects(never.run(), { status: 404 });
});

test('temporary failures are tried again after a pause, others end it', async () => {
  const busy = new Response('', { status: 503, headers: { 'retry-after': '7' } });
  const { state, run } = service(3, { answers: [problem(429), null, null, busy] });
  assert.equal(await run(), 3);
  assert.equal(state.pauses.length, 2);
  assert.equal(state.pauses[1], 7000);
  for (const answer of [problem(401, 'unauthenticated'), problem(403), problem(404), Response.json({ pictures: 1 })]) {
    const rejected = service(3, { answers: [null, answer] });
    await assert.rejects(rejected.run(), { name: 'ApiError' });
    assert.deepEqual([rejected.state.guest, rejected.state.pauses], [3, []]);
  }
  const down = service(3, { answers: Array.from({ length: 20 }, () => problem(503)) });
  await assert.rejects(down.run(), { status: 503 });
  assert.equal(down.state.requests.length, 6);
});

test('a service that moves nothing is not asked for ever', async () => {
  const stuck = service(3, { atOnce: 0 });
  await assert.rejects(stuck.run(), { status: 503 });
  assert.ok(stuck.state.requests.length < 15, String(stuck.state.requests.length));
});

test('a person can stop, and what was moved stays moved', async () => {
  const control = new AbortController();
  const { state, send } = service(6);
  const stopped = takeOver({
    api: API,
    guest: caller('guest'),
    person: caller('person'),
    signal: control.signal,
    onProgress: () => control.abort(),
    options: { fetch: send },
  });
  await assert.rejects(stopped, { name: 'AbortError' });
  assert.deepEqual([state.guest, state.person], [4, 2]);
});

test('all pictures of the guest can be deleted, page by page', async () => {
  const left = new Set(Array.from({ length: 250 }, (_, n) => `uploads/eu-west-1!3A1/${String(n).padStart(3, '0')}.png`));
  let running = 0;
  let most = 0;
  /** @type {typeof fetch} */
  const send = async (url, init = {}) => {
    assert.equal(new Headers(init.headers).get('authorization'), 'guest');
    const { pathname, searchParams } = new URL(String(url));
    if (init.method !== 'DELETE') {
      const after = searchParams.get('cursor') ?? '';
      const keys = [...left].filter((key) => key > after);
      const images = keys.slice(0, 100).map((key) => ({ key }));
      return Response.json({ images, ...(keys.length > 100 ? { cursor: keys[99] } : {}) });
    }
    most = Math.max(most, (running += 1));
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    const key = decodeURIComponent(pathname.replace('/guest/images/', ''));
    return new Response(null, { status: left.delete(key) && !key.endsWith('9.png') ? 204 : 404 });
  };
  /** @type {number[]} */
  const progress = [];
  const job = { api: API, guest: caller('guest'), signal: signal(), onProgress: (/** @type {number} */ n) => void progress.push(n) };
  assert.equal(await deleteAll({ ...job, options: { fetch: send } }), 250);
  assert.deepEqual([left.size, most, progress.at(-1)], [0, 4, 250]);
  await assert.rejects(deleteAll({ ...job, options: { fetch: async (_, init) => (init?.method === 'DELETE' ? problem(503) : Response.json({ images: [{ key: 'uploads/a.png' }] })) } }), { status: 503 });
});
