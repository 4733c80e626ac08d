/**
 * The whole flow with a client that openapi-typescript and openapi-fetch make from the served OpenAPI document: `node flow.js API PICTURE`.
 * `generated/api.d.ts` comes from `generate.js`.
 */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import createClient from 'openapi-fetch';
import type { components, paths } from '../generated/api.js';

type ResultDocument = components['schemas']['ResultDocument'];

const [baseUrl, picture] = process.argv.slice(2);
assert(baseUrl !== undefined && picture !== undefined, 'usage: flow.js API PICTURE');
const api = createClient<paths>({ baseUrl });
const bytes = await readFile(picture);

// Upload.
const { data: ticket, error: refused } = await api.POST('/uploads', {
  body: { contentType: 'image/jpeg', contentLength: bytes.length, filename: 'a picture.jpg', analyses: ['labels'] },
});
assert(ticket, refused?.detail);
const { 'content-length': _, ...headers } = ticket.headers;
const stored = await fetch(ticket.uploadUrl, { method: ticket.method, headers, body: bytes });
assert.equal(stored.status, 200, await stored.text());
const { key } = ticket;

// Result.
const document = await result(key);
assert.equal(document.status, 'succeeded');
assert.equal(document.source.filename, 'a picture.jpg');
const label = document.summary?.labels[0];
assert(label !== undefined, 'no label');
assert(document.image?.width !== undefined && document.cost?.calls !== undefined);

// List, search, labels, and the image's own row.
const listed = await api.GET('/images', { params: { query: { limit: 10 } } });
assert.deepEqual(listed.data?.images.map((image) => image.key), [key]);
const found = await api.GET('/images', { params: { query: { label: [label], minConfidence: 1 } } });
assert.deepEqual(found.data?.images.map((image) => image.key), [key]);
const counts = await api.GET('/labels');
assert(counts.data?.labels.some(({ name, images }) => name === label && images === 1));
const details = await api.GET('/images/{key}', { params: { path: { key } } });
assert.equal(details.data?.thumbnail?.width, document.thumbnail?.width);

// Thumbnail and preview: the client follows the redirect.
for (const [size, rendition] of [['small', document.thumbnail], ['large', document.preview]] as const) {
  const { data: jpeg } = await api.GET('/thumbnails/{key}', { params: { path: { key }, query: { size } }, parseAs: 'arrayBuffer' });
  assert(jpeg && rendition, `no ${size} picture`);
  assert.deepEqual([...new Uint8Array(jpeg).slice(0, 2)], [0xff, 0xd8]);
}

// The types know what the service takes and how it fails.
// @ts-expect-error No such media type can be uploaded.
const svg = await api.POST('/uploads', { body: { contentType: 'image/svg+xml', contentLength: 1 } });
assert.equal(svg.error?.code, 'unsupported-content-type');

// Deletion.
const deleted = await api.DELETE('/images/{key}', { params: { path: { key } } });
assert.equal(deleted.response.status, 204);
const gone = await api.GET('/results/{key}', { params: { path: { key } } });
assert.equal(gone.error?.code, 'no-such-upload');

console.log(`The TypeScript client did everything with ${key}.`);

async function result(key: string): Promise<ResultDocument> {
  for (const end = Date.now() + 60_000; Date.now() < end; await setTimeout(100)) {
    const { data, error } = await api.GET('/results/{key}', { params: { path: { key } } });
    assert(data, error?.detail);
    if ('source' in data) return data;
  }
  throw new Error(`${key} has no result after a minute`);
}
