// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createApi } from '../../../frontend/js/shared/api.js';
import { bearer, createClient } from '../../../frontend/js/shared/http-client.js';
import { keyPath, queryString } from '../../../frontend/js/shared/keys.js';
import { createImagesApi } from '../../../frontend/js/gallery/images-api.js';
import { EVERYTHING } from '../../../frontend/js/gallery/url-state.js';

const BASE = 'https://api.example.com/prod';
const signal = () => new AbortController().signal;
const caller = bearer({ token: async () => 'fresh', currentToken: () => 'current' });

/**
 * @param {(url: string, init: RequestInit) => Response} answer
 */
function fake(answer) {
  /** @type {{url: string, init: RequestInit, authorization: string | null}[]} */
  const calls = [];
  /** @type {typeof fetch} */
  const send = async (url, init = {}) => {
    calls.push({ url: String(url), init, authorization: new Headers(init.headers).get('authorization') });
    return answer(String(url), init);
  };
  return { send, calls };
}

test('the token is sent to the API only', async () => {
  const { send, calls } = fake(() => Response.json({ status: 'succeeded' }));
  const api = createApi(BASE, { fetch: send, caller });
  await api.readResult(`${BASE}/results/uploads/a.png`, signal());
  await api.readResult('https://bucket.example.com/results/a.json', signal());
  assert.deepEqual(calls.map(({ authorization }) => authorization), ['Bearer fresh', null]);
  // Other headers do not change.
  assert.equal(new Headers(calls[0]?.init.headers).get('accept'), 'application/json');

  const out = createApi(BASE, { fetch: send, caller: bearer({ token: async () => null, currentToken: () => null }) });
  await out.readResult(`${BASE}/results/uploads/a.png`, signal());
  assert.equal(calls[2]?.authorization, null);
});

test('a request on leaving the page is sent at once, with the current token', () => {
  const { send, calls } = fake(() => new Response(null, { status: 204 }));
  createImagesApi(BASE, { fetch: send, caller }).removeOnLeaving('uploads/a b.png');
  assert.equal(calls.length, 1);
  assert.equal(calls[0]?.url, `${BASE}/images/uploads/a%20b.png`);
  assert.equal(calls[0]?.authorization, 'Bearer current');
  assert.deepEqual([calls[0]?.init.method, calls[0]?.init.keepalive], ['DELETE', true]);
});

test('a key in an address is escaped except for its slashes', () => {
  assert.equal(keyPath('uploads/me/a b?#%.png'), 'uploads/me/a%20b%3F%23%25.png');
});

test('keys and queries have one form only, RFC 3986’s, because signatures are made of them', () => {
  assert.equal(keyPath("uploads/eu-west-1!3A1/ü+(*)'~.png"), 'uploads/eu-west-1%213A1/%C3%BC%2B%28%2A%29%27~.png');
  assert.equal(queryString([['label', "a b+'(*)~&="], ['limit', '100']]), 'label=a%20b%2B%27%28%2A%29~%26%3D&limit=100');
});

test('a page request has the query and the cursor', async () => {
  const { send, calls } = fake(() => Response.json({ images: [], cursor: 'next' }));
  const images = createImagesApi(BASE, { fetch: send });
  await images.page({ ...EVERYTHING, terms: [{ kind: 'label', value: 'Dog & Cat', not: false }], status: 'failed' }, null, signal());
  await images.page({ ...EVERYTHING, terms: [{ kind: 'category', value: 'Animals and Pets', not: false }] }, 'c+/=', signal());
  await images.page({ ...EVERYTHING, minFaces: 2, emotion: 'Happy', ageFrom: 0, ageTo: 40 }, null, signal());
  const parameters = calls.map(({ url }) => Object.fromEntries(new URL(url).searchParams));
  assert.deepEqual(parameters, [
    { label: 'Dog & Cat', status: 'failed', limit: '100' },
    { category: 'Animals and Pets', cursor: 'c+/=', limit: '100' },
    { minFaces: '2', emotion: 'Happy', ageFrom: '0', ageTo: '40', limit: '100' },
  ]);
});

test('a response that is not the API’s is an error', async () => {
  const { send } = fake(() => Response.json({ pictures: [] }));
  const images = createImagesApi(BASE, { fetch: send });
  await assert.rejects(images.page(EVERYTHING, null, signal()), { kind: 'unreadable' });
  await assert.rejects(images.counts(signal()), { kind: 'unreadable' });
  await assert.rejects(images.details('uploads/a.png', signal()), { kind: 'unreadable' });
});

test('deleting a picture that is already deleted succeeds', async () => {
  for (const [status, fails] of /** @type {const} */ ([[204, false], [404, false], [403, true], [503, true]])) {
    const { send } = fake(() => new Response(null, { status }));
    const removal = createImagesApi(BASE, { fetch: send }).remove('uploads/a.png', signal());
    if (fails) await assert.rejects(removal, { kind: 'rejected', status });
    else await removal;
  }
});

test('a sign-in service that does not respond counts as unreachable', async () => {
  const { send } = fake(() => new Response(null));
  const client = createClient(BASE, { fetch: send, caller: bearer({ token: () => Promise.reject(new Error('gone')), currentToken: () => null }) });
  await assert.rejects(client.request(`${BASE}/labels`, {}, signal()), { kind: 'unreachable' });
});

test('a request is signed again once if its caller can recover', async () => {
  const { send, calls } = fake(() => Response.json({ message: 'Forbidden' }, { status: 403 }));
  let signed = 0;
  /** @type {import('../../../frontend/js/shared/http-client.js').Caller} */
  const stubborn = {
    sign: async (_, init) => ({ ...init, headers: { authorization: String((signed += 1)) } }),
    signNow: (_, init) => init,
    recover: async ({ response }) => response.status === 403,
  };
  const client = createClient(BASE, { fetch: send, caller: stubborn });
  const { response } = await client.request(`${BASE}/labels`, {}, signal());
  assert.equal(response.status, 403);
  assert.deepEqual(calls.map(({ authorization }) => authorization), ['1', '2']);
});
