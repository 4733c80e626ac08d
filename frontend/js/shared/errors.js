// @ts-check
/**
 * What can fail between the page and the two servers. Each class and kind stands for one thing that the person can do
 * about it; `error-messages.js` puts it into words.
 */

/** A request to the API failed. */
export class ApiError extends Error {
  /**
   * @param {'unreachable' | 'rejected' | 'unreadable'} kind no response; an error status, usually with a problem
   *   document; a response that is not the API's
   * @param {object} [details]
   * @param {string} [details.url] the API's address
   * @param {number} [details.status]
   * @param {import('./api-types.js').Problem} [details.problem]
   * @param {number | null} [details.retryAfterMs]
   * @param {unknown} [details.cause]
   */
  constructor(kind, details = {}) {
    super(details.problem?.detail ?? details.problem?.title ?? kind, { cause: details.cause });
    this.name = 'ApiError';
    this.kind = kind;
    this.url = details.url ?? '';
    this.status = details.status ?? 0;
    this.problem = details.problem ?? {};
    this.retryAfterMs = details.retryAfterMs ?? null;
  }

  /** Whether the same request may succeed later. */
  get retryable() {
    return this.kind === 'unreachable' || this.status === 429 || this.status >= 500;
  }
}

/** An upload to the bucket failed. */
export class UploadError extends Error {
  /**
   * @param {'network' | 'stalled' | 'expired' | 'mismatch' | 'used' | 'storage' | 'changed' | 'missing' | 'gone' | 'undecodable'} kind no
   *   connection; no progress for too long; the address expired; the request differs from what the address was signed
   *   for; an object with the key exists; any other error status; the file changed on disk after it was chosen; the page
   *   was reloaded and no longer has the file; the service no longer has the picture; the file cannot be converted
   * @param {object} [details]
   * @param {number} [details.status]
   * @param {string} [details.code] S3's error code
   * @param {unknown} [details.cause]
   */
  constructor(kind, details = {}) {
    super(details.code ?? kind, { cause: details.cause });
    this.name = 'UploadError';
    this.kind = kind;
    this.status = details.status ?? 0;
    this.code = details.code ?? '';
  }
}

/** A download from the bucket failed. */
export class DownloadError extends Error {
  /**
   * @param {'offline' | 'rejected' | 'interrupted'} kind no network; an error status; the connection was lost
   * @param {object} [details]
   * @param {number} [details.status]
   * @param {unknown} [details.cause]
   */
  constructor(kind, details = {}) {
    super(kind, { cause: details.cause });
    this.name = 'DownloadError';
    this.kind = kind;
    this.status = details.status ?? 0;
  }
}

/** The picture is stored, but its result did not arrive before the page stopped waiting. */
export class TimeoutError extends Error {
  /** @param {number} waitedMs */
  constructor(waitedMs) {
    super('no result document yet');
    this.name = 'TimeoutError';
    this.waitedMs = waitedMs;
  }
}

/** A failure before the page was reloaded, of which only the words are left. */
export class EarlierError extends Error {
  /** @param {{title: string, text: string}} failure */
  constructor({ title, text }) {
    super(title);
    this.name = 'EarlierError';
    this.title = title;
    this.text = text;
  }
}

/** @param {unknown} error */
export function isAbort(error) {
  return error instanceof Error && error.name === 'AbortError';
}

/**
 * @param {unknown} error
 * @returns {number} the HTTP status of the API's response; 0 when there was none
 */
export function statusOf(error) {
  return error instanceof ApiError ? error.status : 0;
}
