// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ApiError, TimeoutError, UploadError } from '../../../frontend/js/shared/errors.js';
import { Limiter } from '../../../frontend/js/shared/limiter.js';
import { announcement, failureMessage, progressLine, retryLine, statusLine } from '../../../frontend/js/upload/task-messages.js';
import { MAX_RETRIES, retryPauseMs } from '../../../frontend/js/upload/retries.js';
import { Task, canRetry } from '../../../frontend/js/upload/task.js';

/** @typedef {import('../../../frontend/js/upload/task.js').Services} Services */
/** @typedef {import('../../../frontend/js/shared/api-types.js').ResultDocument} ResultDocument */
/** @typedef {import('../../../frontend/js/shared/upload-list.js').RememberedTask} RememberedTask */

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
 * @param {Partial<Services> & {file?: File, contentType?: string, analyses?: string[], remembered?: RememberedTask, createUpload?: Services['api']['createUpload'], readResult?: Services['api']['readResult']}} [how]
 */
function setUp({ file: given = file, contentType = 'image/png', analyses, remembered, createUpload, readResult, ...how } = {}) {
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
    uploads: new Limiter(1),
    polls: new Limiter(1),
    waitForResult: async ({ read }) => {
      const reply = await read();
      if (!reply.ready) throw new TimeoutError(1);
      return reply.document;
    },
    digest: async () => null,
    toJpeg: async () => null,
    // The tests of retries set their own pauses.
    retryPauseMs: () => null,
    ...how,
    put: async (job) => {
      sentTo.push(job.ticket.uploadUrl);
      await how.put?.(job);
    },
  });
  const task = remembered ? Task.restore(remembered, null, services) : new Task(given, contentType, services, { analyses });
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
      if (requests.length === 1) throw new UploadError('storage', { status: 500 });
    },
  });
  await task.start();
  assert.equal(task.state, 'failed');
  await task.start();
  assert.deepEqual(states, ['queued', 'converting', 'preparing', 'uploading', 'failed', 'queued', 'preparing', 'uploading', 'waiting', 'done']);
  assert.deepEqual(requests, Array(2).fill({ contentType: 'image/jpeg', contentLength: 5, filename: 'IMG_1.jpg' }));
  assert.deepEqual([lines, conversions, task.converted, task.file.name], [['Converting to JPEG'], 1, true, 'IMG_1.HEIC']);
});

test('a picture that cannot be converted is not uploaded', async () => {
  const { task, requests } = setUp({ file: new File(['heic'], 'IMG_1.HEIC'), contentType: 'image/heic' });
  await task.start();
  assert.deepEqual([task.state, requests, task.converted, canRetry(task)], ['failed', [], false, false]);
  assert.match(failureMessage(task).text, /On an iPhone, Settings/);
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

test('what may pass is tried again by itself; a rejected request is final', async () => {
  const busy = setUp({
    createUpload: async () => {
      throw new ApiError('rejected', { status: 503 });
    },
    retryPauseMs: (error, attempt) => (error instanceof ApiError && error.status === 503 && attempt < 3 ? 1 : null),
  });
  await busy.task.start();
  assert.equal(busy.requests.length, 4);
  assert.equal(busy.task.state, 'failed');
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

test('the pauses between attempts grow, and end', () => {
  const unreachable = new ApiError('unreachable');
  const pauses = Array.from({ length: MAX_RETRIES }, (_, attempt) => retryPauseMs(unreachable, attempt, () => 0));
  assert.deepEqual(pauses, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000, 60_000]);
  assert.equal(retryPauseMs(unreachable, MAX_RETRIES), null);
  assert.ok((retryPauseMs(unreachable, 0, () => 0.99) ?? 0) > 1150, 'pictures do not come back in the same moment');

  const busy = (/** @type {number} */ retryAfterMs) => new ApiError('rejected', { status: 429, retryAfterMs });
  assert.equal(retryPauseMs(busy(7000), 0, () => 0), 7000, 'the service may ask for a longer pause');
  assert.equal(retryPauseMs(busy(9 * 3_600_000), 0), null, 'a daily limit is for the person to know');
  assert.equal(retryPauseMs(new ApiError('rejected', { status: 429, problem: { code: 'owner-daily-limit-reached' } }), 0), null);
  for (const kind of /** @type {const} */ (['network', 'stalled'])) assert.ok(retryPauseMs(new UploadError(kind), 0));
  assert.ok(retryPauseMs(new UploadError('storage', { status: 503 }), 0));
  const final = [new ApiError('rejected', { status: 413 }), new ApiError('unreadable'), new UploadError('mismatch'), new UploadError('changed'), new UploadError('storage', { status: 418 }), new TimeoutError(1), new Error('a bug')];
  for (const error of final) assert.equal(retryPauseMs(error, 0), null, String(error));
});

test('a pause ends at once when the network is back, and attempts without a network do not count', async () => {
  let online = false;
  /** @type {number[]} */
  const counted = [];
  const { task, states, requests } = setUp({
    createUpload: async () => {
      if (online) throw new ApiError('rejected', { status: 413 });
      throw new ApiError('unreachable');
    },
    online: () => online,
    retryPauseMs: (error, attempt) => {
      counted.push(attempt);
      return error instanceof ApiError && error.kind === 'unreachable' ? 3_600_000 : null;
    },
  });
  const done = task.start();
  for (const attempts of [1, 2, 3]) {
    while (task.state !== 'retrying') await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([task.attempts, task.active, task.unsaved, canRetry(task)], [attempts, true, true, true]);
    assert.match(announcement(task), /^a\.png: Cannot reach the API\. It is tried again by itself\.$/);
    online = attempts === 3;
    // The person’s “Try now” does the same as the network’s return.
    if (attempts === 2) void task.start();
    else task.wake();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await done;
  assert.equal(task.state, 'failed');
  assert.deepEqual(counted, [0, 0, 0, 0]);
  assert.equal(requests.length, 4);
  assert.deepEqual(states.slice(0, 3), ['queued', 'preparing', 'retrying']);
});

test('a task can be cancelled while it waits to try again', async () => {
  const { task } = setUp({ createUpload: async () => Promise.reject(new ApiError('unreachable')), retryPauseMs: () => 3_600_000 });
  const done = task.start();
  while (task.state !== 'retrying') await new Promise((resolve) => setImmediate(resolve));
  task.cancel();
  await done;
  assert.equal(task.state, 'cancelled');
});

test('a picture that arrived although the connection was lost is not uploaded twice', async () => {
  const arrived = setUp({ put: async () => Promise.reject(new UploadError('network')), retryPauseMs: () => 1 });
  await arrived.task.start();
  assert.deepEqual([arrived.task.state, arrived.sentTo.length], ['done', 1]);

  let times = 0;
  const lost = setUp({
    put: async () => {
      times += 1;
      if (times === 1) throw new UploadError('network');
    },
    readResult: async (url) => (url.endsWith('1.png') ? Promise.reject(new ApiError('rejected', { status: 404 })) : { ready: true, document: DOCUMENT }),
    retryPauseMs: () => 1,
  });
  await lost.task.start();
  assert.deepEqual([lost.task.state, lost.sentTo], ['done', ['http://bucket/uploads/1.png', 'http://bucket/uploads/2.png']]);
});

test('the line of a paused task counts down', () => {
  const { task } = setUp();
  task.retryAt = 8500;
  assert.equal(retryLine(task, 1000).replaceAll('\u00a0', ' '), 'Trying again in 8 s');
  assert.equal(retryLine(task, 8600), 'Trying again');
});

/** @type {RememberedTask} */
const REMEMBERED = {
  id: 'x',
  name: 'a.png',
  size: 4,
  contentType: 'image/png',
  analyses: ['faces'],
  state: 'stored',
  address: { key: 'uploads/1.png', resultKey: 'results/uploads/1.png.json', statusUrl: 'http://api/results/uploads/1.png' },
  elapsed: 700,
  failure: null,
};

test('after a reload, the result of a stored picture is read again', async () => {
  const lines = /** @type {string[]} */ ([]);
  const { task, sentTo, requests } = setUp({
    remembered: REMEMBERED,
    readResult: async () => {
      lines.push(statusLine(task));
      return { ready: true, document: DOCUMENT };
    },
  });
  assert.ok(task.active && !task.unsaved && task.known);
  await task.start();
  assert.deepEqual([task.state, task.elapsed, lines, sentTo, requests], ['done', 700, ['Loading the result'], [], []]);
});

test('after a reload, a deleted picture is named as such, and the same file can be chosen again', async () => {
  let deleted = true;
  const { task, sentTo, requests } = setUp({
    remembered: REMEMBERED,
    readResult: async () => (deleted ? Promise.reject(new ApiError('rejected', { status: 404 })) : { ready: true, document: DOCUMENT }),
  });
  await task.start();
  assert.deepEqual([task.state, task.needsFile, canRetry(task)], ['failed', true, false]);
  assert.equal(failureMessage(task).title, 'The picture was deleted');
  deleted = false;
  await task.provide(file).start();
  assert.deepEqual([task.state, sentTo.length, requests[0]?.analyses], ['done', 1, ['faces']]);
});

test('after a reload, an interrupted upload is continued, with the file or without', async () => {
  const unsent = /** @type {RememberedTask} */ ({ ...REMEMBERED, state: 'unsent' });
  const arrived = setUp({ remembered: unsent });
  await arrived.task.start();
  assert.deepEqual([arrived.task.state, arrived.sentTo], ['done', []], 'the bucket had received the file');

  const missing = setUp({ remembered: { ...unsent, address: null } });
  await missing.task.start();
  assert.deepEqual([missing.task.needsFile, failureMessage(missing.task).title], [true, 'The file is needed again']);
  await missing.task.provide(file).start();
  assert.deepEqual([missing.task.state, missing.sentTo.length], ['done', 1]);
});

test('after a reload, a failure is told as before', () => {
  const { task } = setUp({ remembered: { ...REMEMBERED, state: 'failed', address: null, failure: { title: 'The file is too large', text: 'Choose a smaller picture.' } } });
  assert.equal(task.state, 'failed');
  assert.deepEqual(failureMessage(task), { title: 'The file is too large', text: 'Choose a smaller picture.' });
  assert.equal(canRetry(task), false);
});
