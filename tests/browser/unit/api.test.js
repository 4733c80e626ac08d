// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createApi } from '../../../frontend/js/shared/api.js';
import { errorMessage } from '../../../frontend/js/shared/error-messages.js';

const BASE = 'https://api.example.com';
const REQUEST = { contentType: 'image/png', contentLength: 3, filename: 'a.png' };
const TICKET = {
  imageId: 'i',
  key: 'uploads/i.png',
  method: 'PUT',
  uploadUrl: 'https://bucket.example.com/uploads/i.png?sig',
  headers: { 'content-type': 'image/png' },
  expiresAt: '2026-01-01T00:00:00Z',
  resultKey: 'results/uploads/i.png.json',
  resultUrl: 'https://bucket.example.com/r',
  statusUrl: '/results/uploads/i.png',
};

/**
 * An API with given responses, and the requests it received.
 * @param {() => Response | Promise<Response>} respond
 */
function fake(respond) {
  /** @type {{url: string, init: RequestInit}[]} */
  const calls = [];
  const api = createApi(BASE, {
    fetch: async (url, init = {}) => {
      calls.push({ url: String(url), init });
      return respond();
    },
  });
  return { api, calls };
}

const signal = () => new AbortController().signal;

test('an upload address is requested as the API specifies', async () => {
  const { api, calls } = fake(() => Response.json(TICKET, { status: 201 }));
  const ticket = await api.createUpload(REQUEST, signal());
  assert.equal(calls[0]?.url, `${BASE}/uploads`);
  assert.equal(calls[0]?.init.method, 'POST');
  assert.deepEqual(JSON.parse(String(calls[0]?.init.body)), REQUEST);
  assert.equal(ticket.key, TICKET.key);
  assert.equal(ticket.statusUrl, `${BASE}/results/uploads/i.png`);
});

test('a result is the document, or when to ask again', async () => {
  const pending = fake(() => Response.json({ status: 'pending' }, { status: 202, headers: { 'retry-after': '2' } }));
  assert.deepEqual(await pending.api.readResult(TICKET.statusUrl, signal()), { ready: false, retryAfterMs: 2000 });
  // Without the header being exposed to other origins it cannot be read.
  const silent = fake(() => Response.json({ status: 'pending' }, { status: 202 }));
  assert.deepEqual(await silent.api.readResult(TICKET.statusUrl, signal()), { ready: false, retryAfterMs: null });
  const ready = fake(() => Response.json({ schemaVersion: 1, status: 'succeeded' }));
  assert.deepEqual(await ready.api.readResult(TICKET.statusUrl, signal()), { ready: true, document: { schemaVersion: 1, status: 'succeeded' } });
});

test('an error shows the text of the problem document', async () => {
  const problem = { type: 'about:blank', title: 'Too large', status: 413, detail: 'the picture has 20 MiB, 15 MiB are allowed', code: 'TooLarge' };
  const { api } = fake(() => Response.json(problem, { status: 413, headers: { 'content-type': 'application/problem+json' } }));
  await assert.rejects(api.createUpload(REQUEST, signal()), (error) => {
    assert.deepEqual(errorMessage(error), { title: 'The file is too large', text: 'The picture has 20 MiB, 15 MiB are allowed.' });
    return true;
  });
});

test('every kind of error says what to do', async () => {
  /** @type {[() => Response | Promise<Response>, RegExp, RegExp][]} */
  const cases = [
    [() => Promise.reject(new TypeError('fetch failed')), /Cannot reach the API/, /Check that the service is running/],
    [() => new Response('<html>', { status: 200 }), /Unexpected response/, /config\.json/],
    [() => Response.json({ key: 'k' }, { status: 201 }), /Unexpected response/, /config\.json/],
    [() => Response.json([], { status: 400 }), /rejected the request/, /HTTP 400/],
    [() => Response.json({ detail: 'contentLength is missing' }, { status: 400 }), /rejected the request/, /^ContentLength is missing\.$/],
    [() => new Response('', { status: 403 }), /Access denied/, /Sign in/],
    [() => new Response('no', { status: 404 }), /Not found/, /config\.json/],
    [() => new Response('', { status: 415 }), /PNG is not supported/, /JPEG or PNG/],
    [() => new Response('', { status: 429 }), /Too many/, /Wait a moment/],
    [() => new Response('oops', { status: 502 }), /API failed/, /HTTP 502\. Try again/],
  ];
  for (const [respond, title, text] of cases) {
    const { api } = fake(respond);
    await assert.rejects(api.createUpload(REQUEST, signal()), (error) => {
      const message = errorMessage(error, 'image/png');
      assert.match(message.title, title);
      assert.match(message.text, text);
      return true;
    });
  }
});

test('a cancelled request differs from an API that does not respond', async () => {
  /** @type {typeof fetch} */
  const never = (_, init) => new Promise((_resolve, reject) => init?.signal?.addEventListener('abort', () => reject(init.signal?.reason)));
  const slow = createApi(BASE, { fetch: never, timeoutMs: 5 });
  await assert.rejects(slow.createUpload(REQUEST, signal()), { name: 'ApiError', kind: 'unreachable' });
  const control = new AbortController();
  const asked = createApi(BASE, { fetch: never }).createUpload(REQUEST, control.signal);
  control.abort();
  await assert.rejects(asked, { name: 'AbortError' });
});
