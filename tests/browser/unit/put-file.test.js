// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { errorMessage } from '../../../frontend/js/shared/error-messages.js';
import { errorFrom, putFile } from '../../../frontend/js/upload/put-file.js';

const file = new File(['abc'], 'a.png', { type: 'image/png' });
const ticket = {
  imageId: 'i',
  key: 'uploads/i.png',
  method: 'PUT',
  uploadUrl: 'http://bucket/uploads/i.png?sig',
  headers: { 'Content-Type': 'image/png', 'content-length': '3', Host: 'bucket', 'If-None-Match': '*', 'x-amz-meta-filename': 'a.png' },
  expiresAt: '',
  resultKey: '',
  resultUrl: '',
  statusUrl: '',
};

/** The parts of XMLHttpRequest that an upload uses. A test simulates the network. */
class FakeRequest {
  status = 0;
  responseText = '';
  /** @type {Record<string, string>} */
  headers = {};
  /** @type {unknown} */
  body;
  opened = '';
  /** @type {{onprogress?: (event: {loaded: number}) => void}} */
  upload = {};
  onload = () => {};
  onerror = () => {};
  onabort = () => {};
  onloadend = () => {};

  /** @param {string} method @param {string} url */
  open(method, url) {
    this.opened = `${method} ${url}`;
  }

  /** @param {string} name @param {string} value */
  setRequestHeader(name, value) {
    this.headers[name] = value;
  }

  /** @param {unknown} body */
  send(body) {
    this.body = body;
  }

  abort() {
    this.onabort();
    this.onloadend();
  }

  /** @param {number} status @param {string} [text] */
  respond(status, text = '') {
    this.status = status;
    this.responseText = text;
    this.onload();
    this.onloadend();
  }

  loseConnection() {
    this.onerror();
    this.onloadend();
  }
}

/** @param {Partial<Parameters<typeof putFile>[0]>} [more] */
function put(more = {}) {
  const request = new FakeRequest();
  const control = new AbortController();
  /** @type {number[]} */
  const progress = [];
  const done = putFile({
    ticket,
    file,
    signal: control.signal,
    onProgress: (sent) => progress.push(sent),
    request: () => /** @type {any} */ (request),
    ...more,
  });
  return { request, control, progress, done };
}

test('sends the file with the signed headers, except those that the browser sets', async () => {
  const { request, progress, done } = put();
  assert.equal(request.opened, `PUT ${ticket.uploadUrl}`);
  assert.deepEqual(request.headers, { 'Content-Type': 'image/png', 'If-None-Match': '*', 'x-amz-meta-filename': 'a.png' });
  assert.equal(request.body, file);
  request.upload.onprogress?.({ loaded: 2 });
  request.respond(200);
  await done;
  assert.deepEqual(progress, [2]);
});

test('a cancelled upload ends with the signal’s reason', async () => {
  const { control, done } = put();
  control.abort();
  await assert.rejects(done, { name: 'AbortError' });
  await assert.rejects(put({ signal: control.signal }).done, { name: 'AbortError' });
});

test('an upload without progress fails', async () => {
  await assert.rejects(put({ stallMs: 5 }).done, { name: 'UploadError', kind: 'stalled' });
});

test('a lost connection differs from a file that changed on disk', async () => {
  const lost = put();
  lost.request.loseConnection();
  await assert.rejects(lost.done, { kind: 'network' });
  const unreadable = /** @type {File} */ ({ slice: () => ({ arrayBuffer: () => Promise.reject(new Error('NotReadableError')) }) });
  const changed = put({ file: unreadable });
  changed.request.loseConnection();
  await assert.rejects(changed.done, { kind: 'changed' });
});

test('the bucket’s errors say what to do', async () => {
  const xml = (/** @type {string} */ code, message = '') => `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  for (const [status, body, kind, text] of /** @type {const} */ ([
    [403, xml('AccessDenied', 'Request has expired'), 'expired', /new address/],
    [403, xml('SignatureDoesNotMatch'), 'mismatch', /expired, or the file changed.*SignatureDoesNotMatch/],
    [403, '', 'mismatch', /Choose the file again/],
    [400, xml('XAmzContentChecksumMismatch'), 'mismatch', /file changed/],
    [412, xml('PreconditionFailed'), 'used', /one file, once/],
    [409, xml('ConditionalRequestConflict'), 'used', /one file, once/],
    [503, xml('SlowDown'), 'storage', /HTTP 503 \(SlowDown\)/],
  ])) {
    const error = errorFrom(status, body);
    assert.equal(error.kind, kind);
    assert.match(errorMessage(error).text, text);
    const { request, done } = put();
    request.respond(status, body);
    await assert.rejects(done, { kind, status });
  }
});
