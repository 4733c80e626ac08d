// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { saveFrom } from '../../../frontend/js/shared/download.js';
import { DownloadError } from '../../../frontend/js/shared/errors.js';
import { Meaning, SETTLE_MS } from '../../../frontend/js/upload/action-guard.js';
import { explainError, shortcomings, spoken, stateLine } from '../../../frontend/js/shared/messages.js';

/** @typedef {import('../../../frontend/js/shared/api-types.js').ResultDocument} ResultDocument */

/**
 * What the list says of a picture, and what is said aloud.
 * @param {ResultDocument['rekognition']} rekognition
 * @param {ResultDocument['status']} [status]
 */
function said(rekognition, status = 'succeeded') {
  const task = /** @type {import('../../../frontend/js/upload/task.js').Task} */ ({ state: 'done', file: { name: 'a.png' }, document: { schemaVersion: 1, imageId: 'i', status, rekognition } });
  return [stateLine(task), spoken(task)];
}

const LABELS = { Labels: ['Person', 'Car', 'Tree', 'Road'].map((Name) => ({ Name, Confidence: 90 })) };
const TEXT = { TextDetections: [{ DetectedText: "IT'S MONDAY", Type: /** @type {const} */ ('LINE') }, { DetectedText: "IT'S", Type: /** @type {const} */ ('WORD') }] };
const FACES = { FaceDetails: [{ Confidence: 99 }, { Confidence: 98 }] };

test('labels come first; whatever else was found is said where there are no names', () => {
  assert.deepEqual(said({ detectLabels: LABELS, detectText: TEXT, detectFaces: FACES }), ['Person, Car, Tree + 1', 'a.png: analysed. Person, Car, Tree and 1 more.']);
  assert.deepEqual(said({ detectFaces: FACES, detectText: TEXT }), ["2 faces · Text: IT'S MONDAY", "a.png: analysed. 2 faces. Text: IT'S MONDAY."]);
  const lines = ['KEEP LEFT', 'STOP', 'STOP'].map((DetectedText) => ({ DetectedText, Type: /** @type {const} */ ('LINE') }));
  assert.deepEqual(said({ detectText: { TextDetections: lines } }), ['Text: KEEP LEFT + 1', 'a.png: analysed. Text: KEEP LEFT and 1 more.']);
  const named = { detectCustomLabels: { CustomLabels: [{ Name: 'logo' }, { Name: 'logo' }] }, recognizeCelebrities: { CelebrityFaces: [{ Name: 'Ada Lovelace' }] } };
  assert.deepEqual(said({ ...named, detectFaces: FACES }), ['logo, Ada Lovelace', 'a.png: analysed. Logo, Ada Lovelace.']);
  assert.equal(said({ detectLabels: { Labels: [] }, detectProtectiveEquipment: { Persons: [{}] } })[0], '1 person');
});

test('unsafe content is said first, by its narrowest name', () => {
  const ModerationLabels = [
    { Name: 'Smoking', ParentName: 'Drugs & Tobacco Paraphernalia & Use' },
    { Name: 'Drugs & Tobacco Paraphernalia & Use', ParentName: 'Drugs & Tobacco' },
    { Name: 'Drugs & Tobacco', ParentName: '' },
  ];
  assert.deepEqual(said({ detectModerationLabels: { ModerationLabels }, detectLabels: LABELS }), [
    'Unsafe: Smoking · Person, Car, Tree + 1',
    'a.png: analysed. Unsafe: Smoking. Person, Car, Tree and 1 more.',
  ]);
  assert.equal(said({ detectModerationLabels: { ModerationLabels: [...ModerationLabels, { Name: 'Alcohol' }] } })[0], 'Unsafe: Smoking + 1');
});

test('where nothing was found, nothing is named', () => {
  assert.deepEqual(said({ detectText: { TextDetections: [] } }), ['Nothing found', 'a.png: analysed, nothing found.']);
  assert.deepEqual(said(undefined, 'partial'), ['Nothing found · partly analysed', 'a.png: partly analysed, nothing found.']);
  assert.deepEqual(said({ detectFaces: FACES }, 'partial'), ['2 faces · partly analysed', 'a.png: partly analysed. 2 faces.']);
});

test('a document that did not succeed says what it lacks', () => {
  const document = { schemaVersion: 1, imageId: 'i', errors: [{ analysis: 'faces', code: 'X', message: 'the request was throttled' }] };
  assert.deepEqual(shortcomings({ ...document, status: 'partial' }), { title: 'Partly analysed', reasons: [{ analysis: 'faces', text: 'The request was throttled.' }] });
  assert.deepEqual(shortcomings({ ...document, status: 'failed', errors: [] }), {
    title: 'This picture could not be analysed',
    reasons: [{ text: 'The document gives no reason. Try another picture.' }],
  });
});

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
