// @ts-check
/**
 * What can go wrong between the page and the two servers. The classes are cut by what the person has to
 * do about it; `messages.js` turns each into sentences.
 */

/** The API could not be asked, or said no. */
export class ApiError extends Error {
  /**
   * @param {'unreachable' | 'refused' | 'unreadable'} kind no answer at all; a problem document or an
   *   error status; an answer that is not the API's
   * @param {object} [about]
   * @param {string} [about.address] the address that was asked
   * @param {number} [about.status]
   * @param {import('./api-types.js').Problem} [about.problem]
   * @param {number | null} [about.retryAfterMs]
   * @param {unknown} [about.cause]
   */
  constructor(kind, about = {}) {
    super(about.problem?.detail ?? about.problem?.title ?? kind, { cause: about.cause });
    this.name = 'ApiError';
    this.kind = kind;
    this.address = about.address ?? '';
    this.status = about.status ?? 0;
    this.problem = about.problem ?? {};
    this.retryAfterMs = about.retryAfterMs ?? null;
  }

  /** Whether asking again later may help. */
  get temporary() {
    return this.kind === 'unreachable' || this.status === 429 || this.status >= 500;
  }
}

/** The bucket did not take the file. */
export class UploadError extends Error {
  /**
   * @param {'network' | 'stalled' | 'expired' | 'mismatch' | 'used' | 'storage' | 'changed'} kind no
   *   connection; no progress for too long; the address ran out; what was sent is not what the address
   *   was signed for; something lies at the key already; any other refusal; the file on disk is not the
   *   one that was chosen
   * @param {object} [about]
   * @param {number} [about.status]
   * @param {string} [about.code] S3's error code
   * @param {unknown} [about.cause]
   */
  constructor(kind, about = {}) {
    super(about.code ?? kind, { cause: about.cause });
    this.name = 'UploadError';
    this.kind = kind;
    this.status = about.status ?? 0;
    this.code = about.code ?? '';
  }
}

/** The bucket did not give the file. */
export class DownloadError extends Error {
  /**
   * @param {'offline' | 'refused' | 'broken'} kind no network; an error status; the connection broke on the way
   * @param {object} [about]
   * @param {number} [about.status]
   * @param {unknown} [about.cause]
   */
  constructor(kind, about = {}) {
    super(kind, { cause: about.cause });
    this.name = 'DownloadError';
    this.kind = kind;
    this.status = about.status ?? 0;
  }
}

/** The picture is stored and its document has not come within the time the page waits. */
export class LateError extends Error {
  /** @param {number} waitedMs */
  constructor(waitedMs) {
    super('no result document yet');
    this.name = 'LateError';
    this.waitedMs = waitedMs;
  }
}

/** @param {unknown} error */
export function isAbort(error) {
  return error instanceof Error && error.name === 'AbortError';
}
