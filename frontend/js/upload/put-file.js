// @ts-check
/**
 * Sends one file to its presigned address. XMLHttpRequest, because `fetch` tells nothing of how far an
 * upload has come.
 */

import { UploadError } from '../shared/errors.js';

const STALL_MS = 60_000;

/**
 * Request headers that the browser sets itself and a page may not (Fetch standard, "forbidden request-header").
 */
const BROWSERS_OWN = new Set(['content-length', 'host', 'connection']);

/**
 * @param {object} job
 * @param {import('../shared/api-types.js').UploadTicket} job.ticket
 * @param {File} job.file
 * @param {AbortSignal} job.signal
 * @param {(sent: number) => void} job.onProgress bytes so far
 * @param {number} [job.stallMs] give up after so long without a byte
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
    const watch = () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        stalled = true;
        xhr.abort();
      }, stallMs);
    };
    const stop = () => xhr.abort();

    xhr.upload.onprogress = (event) => {
      watch();
      onProgress(event.loaded);
    };
    xhr.onload = () => {
      if (xhr.status >= 200 && xhr.status < 300) resolve();
      else reject(refusal(xhr.status, xhr.responseText));
    };
    xhr.onerror = () => {
      isReadable(file).then((readable) => reject(new UploadError(readable ? 'network' : 'changed')));
    };
    xhr.onabort = () => reject(stalled ? new UploadError('stalled') : signal.reason);
    xhr.onloadend = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    };

    xhr.open(ticket.method, ticket.uploadUrl);
    for (const [name, value] of Object.entries(ticket.headers)) {
      if (!BROWSERS_OWN.has(name.toLowerCase())) xhr.setRequestHeader(name, value);
    }
    signal.addEventListener('abort', stop, { once: true });
    watch();
    xhr.send(file);
  });
}

/**
 * S3's refusals, by status and by the error code in their XML body.
 * @param {number} status
 * @param {string} body
 */
export function refusal(status, body) {
  const code = /<Code>([^<]+)<\/Code>/.exec(body)?.[1] ?? '';
  const about = { status, code };
  // S3 says AccessDenied both for an expired address and for a missing right; only the message differs.
  if (status === 403 && (code === 'ExpiredToken' || /has expired/i.test(body))) return new UploadError('expired', about);
  if (status === 412 || status === 409) return new UploadError('used', about);
  if (status === 400 || status === 403) return new UploadError('mismatch', about);
  return new UploadError('storage', about);
}

/**
 * A file that was changed or removed after it was chosen can no longer be read, and the upload of it fails
 * like a lost connection.
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
