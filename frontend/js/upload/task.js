// @ts-check
/**
 * One picture's way: queued, converted where it has to be, asking for an address, uploading, waiting for
 * its document, and an end.
 * Knows nothing of the page; it tells of every step with a `change` event.
 */

import { needsConversion } from './convert.js';
import { ApiError, LateError, UploadError, isAbort } from '../shared/errors.js';
import { backoffMs, sleep } from '../shared/time.js';

/** How often an upload address is asked for again when the API is busy or has a fault. */
const ASK_ATTEMPTS = 3;

/**
 * @typedef {'queued' | 'converting' | 'asking' | 'uploading' | 'waiting' | 'done' | 'failed' | 'cancelled'} State
 * `failed` with a document: the picture could not be analysed; without one: see `error`.
 *
 * @typedef {object} Services what a task needs from outside
 * @property {import('../shared/api.js').Api} api
 * @property {string[] | null} analyses what to ask for; null leaves it to the API
 * @property {import('../shared/limiter.js').Limiter} uploads how many files are on their way at once
 * @property {import('../shared/limiter.js').Limiter} questions how many results are asked for at once
 * @property {typeof import('./put-file.js').putFile} put
 * @property {typeof import('../shared/wait-for-result.js').waitForResult} waitForResult
 * @property {typeof import('../shared/files.js').sha256Hex} digest
 * @property {typeof import('./convert.js').toJpeg} toJpeg
 */

export class Task extends EventTarget {
  /** @type {State} */
  state = 'queued';
  /** What is sent: the file as it is, or the JPEG that the page made of it. */
  outgoing;
  /** Bytes sent. */
  sent = 0;
  /** @type {import('../shared/api-types.js').UploadTicket | null} */
  ticket = null;
  /** @type {import('../shared/api-types.js').ResultDocument | null} */
  document = null;
  /** @type {unknown} what stopped the task when it failed without a document */
  error = null;
  /** Milliseconds from the start of the upload to the document. */
  elapsed = 0;

  /** Whether the bucket has the file, so that only the document is missing. */
  #stored = false;
  #began = 0;
  /** @type {AbortController | null} */
  #control = null;
  #services;

  /**
   * @param {File} file
   * @param {string} contentType
   * @param {Services} services
   */
  constructor(file, contentType, services) {
    super();
    this.file = file;
    this.contentType = contentType;
    this.outgoing = { file, contentType };
    this.#services = services;
  }

  /** Under way, or about to be. */
  get active() {
    return !['done', 'failed', 'cancelled'].includes(this.state);
  }

  /** Whether a JPEG is sent that the page made of the file. */
  get converted() {
    return this.outgoing.file !== this.file;
  }

  /** Whether leaving the page now would lose the upload. */
  get unsaved() {
    return this.active && !this.#stored;
  }

  /**
   * Does what is still to be done and ends in `done`, `failed` or `cancelled`; never rejects. A task that
   * ended early may be started again: with a new address, or, where the bucket has the file already, with
   * the question for its document.
   */
  async start() {
    if (this.#control) return;
    const control = new AbortController();
    this.#control = control;
    const { signal } = control;
    this.error = null;
    if (this.document) {
      this.document = null;
      this.#stored = false;
    }
    this.#set('queued');
    try {
      if (!this.#stored) await this.#services.uploads.run(() => this.#upload(signal), signal);
      this.#set('waiting');
      this.document = await this.#awaitDocument(signal);
      this.elapsed = performance.now() - this.#began;
      this.#control = null;
      this.#set(this.document.status === 'failed' ? 'failed' : 'done');
    } catch (error) {
      this.#control = null;
      // An API that no longer knows the key will not know it the next time either.
      if (error instanceof ApiError && error.status === 404) this.#stored = false;
      if (!isAbort(error)) this.error = error;
      this.#set(isAbort(error) ? 'cancelled' : 'failed');
    }
  }

  cancel() {
    this.#control?.abort();
  }

  /** @param {AbortSignal} signal */
  async #upload(signal) {
    this.#began = performance.now();
    await this.#convert(signal);
    this.#set('asking');
    const sha256 = await this.#digest();
    for (let renewed = false; ; renewed = true) {
      this.ticket = await this.#askForAddress(sha256, signal);
      this.sent = 0;
      this.#set('uploading');
      try {
        await this.#services.put({
          ticket: this.ticket,
          file: this.outgoing.file,
          signal,
          onProgress: (sent) => {
            this.sent = Math.min(sent, this.outgoing.file.size);
            this.#tell();
          },
        });
        break;
      } catch (error) {
        if (!(error instanceof UploadError)) throw error;
        // A browser may repeat a request whose connection broke. If the first one had arrived, the bucket
        // says that the address is used: by us, for nobody else knows it.
        if (error.kind === 'used' && (await this.#isKnown(this.ticket, signal))) break;
        if (error.kind !== 'expired' || renewed) throw error;
        this.#set('asking');
      }
    }
    this.sent = this.outgoing.file.size;
    this.#stored = true;
  }

  /**
   * What this browser cannot decode goes as it is: the service then says in its document what to do.
   * @param {AbortSignal} signal
   */
  async #convert(signal) {
    if (this.converted || !needsConversion(this.contentType)) return;
    this.#set('converting');
    const jpeg = await this.#services.toJpeg(this.file);
    signal.throwIfAborted();
    if (jpeg) this.outgoing = { file: jpeg, contentType: jpeg.type };
  }

  async #digest() {
    try {
      return await this.#services.digest(this.outgoing.file);
    } catch (cause) {
      throw new UploadError('changed', { cause });
    }
  }

  /**
   * @param {string | null} sha256
   * @param {AbortSignal} signal
   */
  async #askForAddress(sha256, signal) {
    const { file, contentType } = this.outgoing;
    /** @type {import('../shared/api-types.js').UploadRequest} */
    const request = { contentType, contentLength: file.size, filename: file.name };
    if (sha256) request.sha256 = sha256;
    if (this.#services.analyses) request.analyses = this.#services.analyses;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#services.api.createUpload(request, signal);
      } catch (error) {
        const again = error instanceof ApiError && error.temporary && error.kind === 'refused' && attempt < ASK_ATTEMPTS;
        if (!again) throw error;
        await sleep(Math.max(error.retryAfterMs ?? 0, backoffMs(attempt)), signal);
      }
    }
  }

  /**
   * @param {import('../shared/api-types.js').UploadTicket} ticket
   * @param {AbortSignal} signal
   */
  async #isKnown(ticket, signal) {
    try {
      await this.#services.api.readResult(ticket.statusUrl, signal);
      return true;
    } catch (error) {
      if (error instanceof ApiError) return false;
      throw error;
    }
  }

  /** @param {AbortSignal} signal */
  #awaitDocument(signal) {
    const { api, questions, waitForResult } = this.#services;
    const statusUrl = this.ticket?.statusUrl ?? '';
    return waitForResult({
      read: () => questions.run(() => api.readResult(statusUrl, signal), signal),
      signal,
    });
  }

  /** @param {State} state */
  #set(state) {
    this.state = state;
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event('change'));
  }
}

/**
 * Whether starting the task again can end better: not where the file itself is refused.
 * @param {Task} task
 */
export function canRetry(task) {
  if (task.state === 'cancelled') return true;
  if (task.state !== 'failed') return false;
  if (task.document) return (task.document.errors ?? []).some(({ retryable }) => retryable === true);
  const { error } = task;
  if (error instanceof ApiError) return error.kind !== 'refused' || error.temporary || [401, 403, 404].includes(error.status);
  if (error instanceof UploadError) return error.kind !== 'changed';
  return error instanceof LateError || error !== null;
}
