// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ApiError, TimeoutError, UploadError } from '../../../frontend/js/shared/errors.js';
import { Limiter } from '../../../frontend/js/shared/limiter.js';
import { announcement, failureMessage, progressLine, statusLine } from '../../../frontend/js/upload/task-messages.js';
import { Task, canRetry } from '../../../frontend/js/upload/task.js';

/** @typedef {import('../../../frontend/js/upload/task.js').Services} Services */
/** @typedef {import('../../../frontend/js/shared/api-types.js').ResultDocument} ResultDocument */

/** @type {ResultDocument} */
const DOCUMENT = {
  schemaVersion: 1,
  imageId: 'i',
  status: 'succeeded',
  rekognition: { detectLabels: { Labels: ['Person', 'Man', 'Adult', 'Male'].map((Name) => ({ Name, Confidence: 90 })) } },
};

const file = new File(['abcd'], 'a.png', { type: 'image/png' });

/**
 * A task with simulated servers.
 * @param {Partial<Services> & {file?: File, contentType?: string, createUpload?: Services['api']['createUpload'], readResult?: Services['api']['readResult']}} [how]
 */
function setUp({ file: given = file, contentType = 'image/png', createUpload, readResult, ...how } = {}) {
  /** @type {import('../../../frontend/js/shared/api-types.js').UploadRequest[]} */
  const requests = [];
  /** @type {string[]} */
  const sentTo = [];
  const services = /** @type {Services} */ ({
    api: {
      createUpload: async (request, signal) => {
        requests.push(request);
        if (createUpload) return createUpload(request, signal);
        const key = `uploads/${requests.length}.png`;
        return { imageId: 'i', key, method: 'PUT', uploadUrl: `http://bucket/${key}`, headers: {}, expiresAt: '', resultKey: `results/${key}.json`, resultUrl: '', statusUrl: `http://api/results/${key}` };
      },
      readResult: readResult ?? (async () => ({ ready: true, document: DOCUMENT })),
    },
    analyses: null,
    uploads: new Limiter(1),
    polls: new Limiter(1),
    waitForResult: async ({ read }) => {
      const reply = await read();
      if (!reply.ready) throw new TimeoutError(1);
      return reply.document;
    },
    digest: async () => null,
    toJpeg: async () => null,
    ...how,
    put: async (job) => {
      sentTo.push(job.ticket.uploadUrl);
      await how.put?.(job);
    },
  });
  const task = new Task(given, contentType, services);
  /** @type {string[]} */
  const states = [];
  task.addEventListener('change', () => states.at(-1) === task.state || states.push(task.state));
  return { task, states, requests, sentTo };
}

test('a task runs from the queue to its document', async () => {
  const lines = /** @type {string[]} */ ([]);
  const { task, states, requests } = setUp({
    put: async ({ onProgress }) => {
      onProgress(2);
      lines.push(statusLine(task), progressLine(task).replaceAll('\u00a0', ' '));
    },
    digest: async () => 'ab'.repeat(32),
    analyses: ['labels'],
  });
  await task.start();
  assert.deepEqual(states, ['queued', 'preparing', 'uploading', 'waiting', 'done']);
  assert.deepEqual(requests, [{ contentType: 'image/png', contentLength: 4, filename: 'a.png', sha256: 'ab'.repeat(32), analyses: ['labels'] }]);
  assert.deepEqual(lines, ['Uploading 50%', 'Uploading 50%, 2 bytes of 4 bytes']);
  assert.equal(task.document, DOCUMENT);
  assert.equal(statusLine(task), 'Person, Man, Adult + 1');
  assert.equal(announcement(task), 'a.png: analysed. Person, Man, Adult and 1 more.');
  assert.equal(canRetry(task), false);
});

test('a request omits a missing digest and missing analyses', async () => {
  const { task, requests } = setUp();
  await task.start();
  assert.deepEqual(requests, [{ contentType: 'image/png', contentLength: 4, filename: 'a.png' }]);
});

test('a picture that the browser can convert is uploaded as JPEG', async () => {
  const heic = new File(['heic'], 'IMG_1.HEIC', { type: 'image/heic' });
  const jpeg = new File(['jpeg!'], 'IMG_1.jpg', { type: 'image/jpeg' });
  const lines = /** @type {string[]} */ ([]);
  let conversions = 0;
  const { task, states, requests } = setUp({
    file: heic,
    contentType: 'image/heic',
    toJpeg: async (from) => {
      assert.equal(from, heic);
      lines.push(statusLine(task));
      conversions += 1;
      return jpeg;
    },
    put: async (job) => {
      assert.equal(job.file, jpeg);
      // The first upload fails; the second sends the same JPEG.
      if (requests.length === 1) throw new UploadError('network');
    },
  });
  await task.start();
  assert.equal(task.state, 'failed');
  await task.start();
  assert.deepEqual(states, ['queued', 'converting', 'preparing', 'uploading', 'failed', 'queued', 'preparing', 'uploading', 'waiting', 'done']);
  assert.deepEqual(requests, Array(2).fill({ contentType: 'image/jpeg', contentLength: 5, filename: 'IMG_1.jpg' }));
  assert.deepEqual([lines, conversions, task.converted, task.file.name], [['Converting to JPEG'], 1, true, 'IMG_1.HEIC']);
});

test('a picture that the browser cannot convert is uploaded unchanged', async () => {
  const { task, requests } = setUp({ file: new File(['heic'], 'IMG_1.HEIC'), contentType: 'image/heic' });
  await task.start();
  assert.deepEqual(requests, [{ contentType: 'image/heic', contentLength: 4, filename: 'IMG_1.HEIC' }]);
  assert.equal(task.converted, false);
});

test('a task that is cancelled during the conversion sends no request', async () => {
  const { task, requests } = setUp({
    contentType: 'image/heic',
    toJpeg: async () => {
      task.cancel();
      return file;
    },
  });
  await task.start();
  assert.deepEqual([task.state, requests], ['cancelled', []]);
});

test('the address is requested only when an upload may start', async () => {
  const uploads = new Limiter(1);
  /** @type {() => void} */
  let free = () => {};
  const busy = uploads.run(() => /** @type {Promise<void>} */ (new Promise((resolve) => (free = resolve))));
  const { task, requests, states } = setUp({ uploads });
  const done = task.start();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([requests.length, states], [0, ['queued']]);
  free();
  await Promise.all([busy, done]);
  assert.equal(task.state, 'done');
});

test('an expired address is renewed once', async () => {
  let times = 0;
  const { task, sentTo } = setUp({
    put: async () => {
      times += 1;
      if (times === 1) throw new UploadError('expired', { status: 403 });
    },
  });
  await task.start();
  assert.equal(task.state, 'done');
  assert.deepEqual(sentTo, ['http://bucket/uploads/1.png', 'http://bucket/uploads/2.png']);

  const never = setUp({ put: async () => Promise.reject(new UploadError('expired', { status: 403 })) });
  await never.task.start();
  assert.equal(never.task.state, 'failed');
  assert.equal(never.sentTo.length, 2);
  assert.equal(failureMessage(never.task).title, 'The upload address expired');
});

test('a used address counts as a success if the picture arrived', async () => {
  const used = async () => Promise.reject(new UploadError('used', { status: 412 }));
  const arrived = setUp({ put: used });
  await arrived.task.start();
  assert.equal(arrived.task.state, 'done');

  const absent = setUp({ put: used, readResult: async () => Promise.reject(new ApiError('rejected', { status: 404 })) });
  await absent.task.start();
  assert.equal(absent.task.state, 'failed');
  assert.match(failureMessage(absent.task).text, /one file, once/);
});

test('a request to a busy API is repeated; a rejected request is final', async () => {
  let times = 0;
  const busy = setUp({
    createUpload: async () => {
      times += 1;
      throw new ApiError('rejected', { status: 503, retryAfterMs: 0 });
    },
  });
  await busy.task.start();
  assert.equal(times, 3);
  assert.ok(canRetry(busy.task));

  const rejected = setUp({ createUpload: async () => Promise.reject(new ApiError('rejected', { status: 413, problem: { detail: 'too large' } })) });
  await rejected.task.start();
  assert.equal(rejected.requests.length, 1);
  assert.equal(canRetry(rejected.task), false);
  assert.equal(statusLine(rejected.task), 'The file is too large');
});

test('after the upload, a retry only polls for the result', async () => {
  let late = true;
  const { task, sentTo } = setUp({ readResult: async () => (late ? { ready: false, retryAfterMs: null } : { ready: true, document: DOCUMENT }) });
  await task.start();
  assert.equal(task.state, 'failed');
  assert.equal(failureMessage(task).title, 'The result is not ready yet');
  assert.ok(canRetry(task));
  late = false;
  await task.start();
  assert.equal(task.state, 'done');
  assert.equal(sentTo.length, 1);
});

test('a picture with an unknown key is uploaded again', async () => {
  let known = false;
  const { task, sentTo } = setUp({
    readResult: async () => {
      if (known) return { ready: true, document: DOCUMENT };
      throw new ApiError('rejected', { status: 404 });
    },
  });
  await task.start();
  assert.equal(task.state, 'failed');
  known = true;
  await task.start();
  assert.equal(task.state, 'done');
  assert.equal(sentTo.length, 2);
});

test('a failed analysis says why, and a retry uploads the picture again if that can help', async () => {
  /** @param {boolean} retryable @returns {ResultDocument} */
  const failed = (retryable) => ({ schemaVersion: 1, imageId: 'i', status: 'failed', errors: [{ code: 'X', message: 'the file holds no picture', retryable }] });
  const final = setUp({ readResult: async () => ({ ready: true, document: failed(false) }) });
  await final.task.start();
  assert.equal(final.task.state, 'failed');
  assert.deepEqual(failureMessage(final.task), { title: 'This picture could not be analysed', text: 'The file holds no picture.' });
  assert.equal(announcement(final.task), 'a.png: This picture could not be analysed. The file holds no picture.');
  assert.equal(canRetry(final.task), false);

  let document = failed(true);
  const again = setUp({ readResult: async () => ({ ready: true, document }) });
  await again.task.start();
  assert.ok(canRetry(again.task));
  document = DOCUMENT;
  await again.task.start();
  assert.equal(again.task.state, 'done');
  assert.equal(again.sentTo.length, 2);
});

test('a task can be cancelled at any step and started again', async () => {
  const forever = (/** @type {AbortSignal} */ signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  let hang = true;
  const { task, states } = setUp({
    put: async ({ signal }) => {
      if (hang) await forever(signal);
    },
  });
  const done = task.start();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(task.state, 'uploading');
  assert.ok(task.active && task.unsaved);
  task.cancel();
  await done;
  assert.equal(task.state, 'cancelled');
  assert.equal(task.error, null);
  assert.ok(canRetry(task));
  hang = false;
  await task.start();
  assert.equal(task.state, 'done');
  assert.deepEqual(states, ['queued', 'preparing', 'uploading', 'cancelled', 'queued', 'preparing', 'uploading', 'waiting', 'done']);
});

test('a file that can no longer be read is reported', async () => {
  const { task, requests } = setUp({ digest: async () => Promise.reject(new Error('NotReadableError')) });
  await task.start();
  assert.equal(task.state, 'failed');
  assert.equal(requests.length, 0);
  assert.equal(failureMessage(task).title, 'The file changed on disk');
  assert.equal(canRetry(task), false);
});
