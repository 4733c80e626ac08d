// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { saveUrl } from '../../../frontend/js/shared/download.js';
import { errorMessage } from '../../../frontend/js/shared/error-messages.js';
import { ApiError, DownloadError } from '../../../frontend/js/shared/errors.js';
import { failureReasons } from '../../../frontend/js/shared/result-summary.js';
import { ActionGuard, SETTLE_MS } from '../../../frontend/js/upload/action-guard.js';
import { announcement, statusLine } from '../../../frontend/js/upload/task-messages.js';

/** @typedef {import('../../../frontend/js/shared/api-types.js').ResultDocument} ResultDocument */

/**
 * A finished picture's line in the list, and its announcement to screen readers.
 * @param {ResultDocument['rekognition']} rekognition
 * @param {ResultDocument['status']} [status]
 */
function messagesOf(rekognition, status = 'succeeded') {
  const task = /** @type {import('../../../frontend/js/upload/task.js').Task} */ ({ state: 'done', file: { name: 'a.png' }, document: { schemaVersion: 1, imageId: 'i', status, rekognition } });
  return [statusLine(task), announcement(task)];
}

const LABELS = { Labels: ['Person', 'Car', 'Tree', 'Road'].map((Name) => ({ Name, Confidence: 90 })) };
const TEXT = { TextDetections: [{ DetectedText: "IT'S MONDAY", Type: /** @type {const} */ ('LINE') }, { DetectedText: "IT'S", Type: /** @type {const} */ ('WORD') }] };
const FACES = { FaceDetails: [{ Confidence: 99 }, { Confidence: 98 }] };

test('labels come first; other findings are named if there are no labels', () => {
  assert.deepEqual(messagesOf({ detectLabels: LABELS, detectText: TEXT, detectFaces: FACES }), ['Person, Car, Tree + 1', 'a.png: analysed. Person, Car, Tree and 1 more.']);
  assert.deepEqual(messagesOf({ detectFaces: FACES, detectText: TEXT }), ["2 faces · Text: IT'S MONDAY", "a.png: analysed. 2 faces. Text: IT'S MONDAY."]);
  const lines = ['KEEP LEFT', 'STOP', 'STOP'].map((DetectedText) => ({ DetectedText, Type: /** @type {const} */ ('LINE') }));
  assert.deepEqual(messagesOf({ detectText: { TextDetections: lines } }), ['Text: KEEP LEFT + 1', 'a.png: analysed. Text: KEEP LEFT and 1 more.']);
  const named = { detectCustomLabels: { CustomLabels: [{ Name: 'logo' }, { Name: 'logo' }] }, recognizeCelebrities: { CelebrityFaces: [{ Name: 'Ada Lovelace' }] } };
  assert.deepEqual(messagesOf({ ...named, detectFaces: FACES }), ['logo, Ada Lovelace', 'a.png: analysed. Logo, Ada Lovelace.']);
  assert.equal(messagesOf({ detectLabels: { Labels: [] }, detectProtectiveEquipment: { Persons: [{}] } })[0], '1 person');
});

test('unsafe content comes first, with its most specific name', () => {
  const ModerationLabels = [
    { Name: 'Smoking', ParentName: 'Drugs & Tobacco Paraphernalia & Use' },
    { Name: 'Drugs & Tobacco Paraphernalia & Use', ParentName: 'Drugs & Tobacco' },
    { Name: 'Drugs & Tobacco', ParentName: '' },
  ];
  assert.deepEqual(messagesOf({ detectModerationLabels: { ModerationLabels }, detectLabels: LABELS }), [
    'Unsafe: Smoking · Person, Car, Tree + 1',
    'a.png: analysed. Unsafe: Smoking. Person, Car, Tree and 1 more.',
  ]);
  assert.equal(messagesOf({ detectModerationLabels: { ModerationLabels: [...ModerationLabels, { Name: 'Alcohol' }] } })[0], 'Unsafe: Smoking + 1');
});

test('a picture without findings has no results', () => {
  assert.deepEqual(messagesOf({ detectText: { TextDetections: [] } }), ['No results', 'a.png: analysed, no results.']);
  assert.deepEqual(messagesOf(undefined, 'partial'), ['No results · partially analysed', 'a.png: partially analysed, no results.']);
  assert.deepEqual(messagesOf({ detectFaces: FACES }, 'partial'), ['2 faces · partially analysed', 'a.png: partially analysed. 2 faces.']);
});

test('a used-up limit says when to try again', () => {
  for (const [code, text] of [['DailyLimitReached', /^The service has used up .* after midnight UTC\.$/], ['OwnerDailyLimitReached', /^You have used up .* after midnight UTC\.$/]]) {
    const { reasons } = failureReasons({ schemaVersion: 1, imageId: 'i', status: 'failed', errors: [{ code: String(code), message: 'raise MAX_DAILY_ANALYSES' }] });
    assert.match(reasons[0]?.text ?? '', /** @type {RegExp} */ (text));
  }
  const rejected = (/** @type {string} */ code) => errorMessage(new ApiError('rejected', { status: 429, problem: { code, detail: 'raise MAX_DAILY_ANALYSES' } }));
  assert.match(rejected('daily-limit-reached').text, /^The service has used up/);
  assert.match(rejected('owner-daily-limit-reached').text, /^You have used up/);
});

test('a failed or partial document says why', () => {
  const document = { schemaVersion: 1, imageId: 'i', errors: [{ analysis: 'faces', code: 'X', message: 'the request was throttled' }] };
  assert.deepEqual(failureReasons({ ...document, status: 'partial' }), { title: 'Partially analysed', reasons: [{ analysis: 'faces', text: 'The request was throttled.' }] });
  assert.deepEqual(failureReasons({ ...document, status: 'failed', errors: [] }), {
    title: 'This picture could not be analysed',
    reasons: [{ text: 'The result gives no reason. Try another picture.' }],
  });
});

test('a failed download says what to do', async (t) => {
  const textOf = (/** @type {DownloadError} */ error) => errorMessage(error).text;
  const respond = (/** @type {number} */ status) => t.mock.method(globalThis, 'fetch', async () => new Response('', { status }));
  respond(503);
  await assert.rejects(saveUrl('https://bucket.example.com/a', 'a.png'), (error) => error instanceof DownloadError && /HTTP 503\. Try again/.test(textOf(error)));
  respond(404);
  await assert.rejects(saveUrl('https://bucket.example.com/a', 'a.png'), (error) => error instanceof DownloadError && /no longer has it/.test(textOf(error)));
  assert.match(textOf(new DownloadError('offline')), /no network connection/);
  assert.match(textOf(new DownloadError('interrupted')), /connection to the bucket was lost/);
});

test('a press right after a button’s action changed is ignored', () => {
  let now = 0;
  /** @type {ActionGuard<'cancel' | 'remove'>} */
  const guard = new ActionGuard(() => now);
  assert.equal(guard.action, null);
  assert.ok(guard.set('cancel'));
  assert.equal(guard.action, 'cancel', 'the first action works at once');
  assert.ok(guard.set('remove'));
  assert.equal(guard.action, null);
  now = SETTLE_MS;
  assert.ok(!guard.set('remove'));
  assert.equal(guard.action, 'remove');
});
