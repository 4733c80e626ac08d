// @ts-check
/**
 * Uploads one file to its presigned address. It uses XMLHttpRequest because `fetch` reports no upload progress.
 */

import { UploadError } from '../shared/errors.js';

const STALL_MS = 60_000;

/**
 * Headers that the browser sets and a page may not set (Fetch standard, "forbidden request-header").
 */
const FORBIDDEN_HEADERS = new Set(['content-length', 'host', 'connection']);

/**
 * @param {object} job
 * @param {import('../shared/api-types.js').UploadTicket} job.ticket
 * @param {File} job.file
 * @param {AbortSignal} job.signal
 * @param {(sent: number) => void} job.onProgress bytes sent so far
 * @param {number} [job.stallMs] the upload fails after so long without progress
 * @param {() => XMLHttpRequest} [job.request] for tests
 * @returns {Promise<void>}
 * @throws {UploadError} or the signal's reason
 */
export function putFile({ ticket, file, signal, onProgress, stallMs = STALL_MS, request = () => new XMLHttpRequest() }) {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const xhr = request();
    let stalled = false;
    /** @type {ReturnType<typeof setTimeout>} */
    let timer;
    const restartTimer = () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        stalled = true;
        xhr.abort();
      }, stallMs);
    };
    const cancel = () => xhr.abort();

    xhr.upload.onprogress = (event) => {
      restartTimer();
      onProgress(event.loaded);
    };
    xhr.onload = () => {
      if (xhr.status >= 200 && xhr.status < 300) resolve();
      else reject(errorFrom(xhr.status, xhr.responseText));
    };
    xhr.onerror = () => {
      isReadable(file).then((readable) => reject(new UploadError(readable ? 'network' : 'changed')));
    };
    xhr.onabort = () => reject(stalled ? new UploadError('stalled') : signal.reason);
    xhr.onloadend = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', cancel);
    };

    xhr.open(ticket.method, ticket.uploadUrl);
    for (const [name, value] of Object.entries(ticket.headers)) {
      if (!FORBIDDEN_HEADERS.has(name.toLowerCase())) xhr.setRequestHeader(name, value);
    }
    signal.addEventListener('abort', cancel, { once: true });
    restartTimer();
    xhr.send(file);
  });
}

/**
 * S3's error response, by its status and the error code in its XML body.
 * @param {number} status
 * @param {string} body
 */
export function errorFrom(status, body) {
  const code = /<Code>([^<]+)<\/Code>/.exec(body)?.[1] ?? '';
  const details = { status, code };
  // S3 returns AccessDenied for an expired address and for a missing permission. Only the message differs.
  if (status === 403 && (code === 'ExpiredToken' || /has expired/i.test(body))) return new UploadError('expired', details);
  if (status === 412 || status === 409) return new UploadError('used', details);
  if (status === 400 || status === 403) return new UploadError('mismatch', details);
  return new UploadError('storage', details);
}

/**
 * A file that changed on disk after it was chosen cannot be read, and its upload fails like a lost connection.
 * @param {File} file
 */
async function isReadable(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}
