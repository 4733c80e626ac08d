// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { saveFrom } from '../../../frontend/js/download.js';
import { DownloadError } from '../../../frontend/js/errors.js';
import { Meaning, SETTLE_MS } from '../../../frontend/js/meaning.js';
import { explainError } from '../../../frontend/js/words.js';

test('a picture that the bucket does not give is told apart by what can be done', async (t) => {
  const says = (/** @type {DownloadError} */ error) => explainError(error).text;
  const answer = (/** @type {number} */ status) => t.mock.method(globalThis, 'fetch', async () => new Response('', { status }));
  answer(503);
  await assert.rejects(saveFrom('https://bucket.example.com/a', 'a.png'), (error) => error instanceof DownloadError && /HTTP 503\. Try again/.test(says(error)));
  answer(404);
  await assert.rejects(saveFrom('https://bucket.example.com/a', 'a.png'), (error) => error instanceof DownloadError && /not have it any more/.test(says(error)));
  assert.match(says(new DownloadError('offline')), /no network connection/);
  assert.match(says(new DownloadError('broken')), /connection to the bucket broke/);
});

test('a button that has just changed is not pressed by who meant what it did before', () => {
  let now = 0;
  /** @type {Meaning<'cancel' | 'remove'>} */
  const meaning = new Meaning(() => now);
  assert.equal(meaning.pressed, null);
  assert.ok(meaning.set('cancel'));
  assert.equal(meaning.pressed, 'cancel', 'one that is new can be pressed at once');
  assert.ok(meaning.set('remove'));
  assert.equal(meaning.pressed, null);
  now = SETTLE_MS;
  assert.ok(!meaning.set('remove'));
  assert.equal(meaning.pressed, 'remove');
});
