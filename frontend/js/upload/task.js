// @ts-check
/**
 * The upload and analysis of one picture: convert it if needed, request an address, upload, wait for the result.
 * A task does not know the page; it fires a `change` event at every step.
 */

import { needsConversion } from './convert.js';
import { ApiError, TimeoutError, UploadError, isAbort } from '../shared/errors.js';
import { backoffMs, sleep } from '../shared/time.js';

/** How often an upload address is requested before the task fails because the API is busy or failing. */
const MAX_ADDRESS_REQUESTS = 3;

/**
 * @typedef {'queued' | 'converting' | 'preparing' | 'uploading' | 'waiting' | 'done' | 'failed' | 'cancelled'} State
 * `preparing`: an upload address is requested; `waiting`: the picture is being analysed; `failed` with a document: the
 * picture could not be analysed; `failed` without one: see `error`
 *
 * @typedef {object} Services what a task depends on
 * @property {import('../shared/api.js').Api} api
 * @property {string[] | null} analyses the analyses to request; null: the API's default
 * @property {import('../shared/limiter.js').Limiter} uploads limits the uploads at once
 * @property {import('../shared/limiter.js').Limiter} polls limits the requests for results at once
 * @property {typeof import('./put-file.js').putFile} put
 * @property {typeof import('../shared/wait-for-result.js').waitForResult} waitForResult
 * @property {typeof import('./files.js').sha256Hex} digest
 * @property {typeof import('./convert.js').toJpeg} toJpeg
 */

export class Task extends EventTarget {
  /** @type {State} */
  state = 'queued';
  /** The file to upload: the chosen one, or the JPEG that the page made from it. */
  outgoing;
  /** Bytes sent. */
  sent = 0;
  /** @type {import('../shared/api-types.js').UploadTicket | null} */
  ticket = null;
  /** @type {import('../shared/api-types.js').ResultDocument | null} */
  document = null;
  /** @type {unknown} why the task failed without a document */
  error = null;
  /** Whether the result takes unusually long, because the service has to try again. */
  delayed = false;
  /** Milliseconds from the start of the upload to the result. */
  elapsed = 0;

  /** Whether the bucket has the file, so that only the result is missing. */
  #stored = false;
  #startedAt = 0;
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

  /** Whether the task is running or queued. */
  get active() {
    return !['done', 'failed', 'cancelled'].includes(this.state);
  }

  /** Whether the page converted the file to JPEG. */
  get converted() {
    return this.outgoing.file !== this.file;
  }

  /** Whether leaving the page now would lose the upload. */
  get unsaved() {
    return this.active && !this.#stored;
  }

  /**
   * Runs the task to `done`, `failed` or `cancelled`; never rejects. A failed or cancelled task can be started again. It
   * requests a new address, unless the bucket already has the file and only the result is missing.
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
      this.delayed = false;
      this.#set('waiting');
      this.document = await this.#waitForDocument(signal);
      this.elapsed = performance.now() - this.#startedAt;
      this.#control = null;
      this.#set(this.document.status === 'failed' ? 'failed' : 'done');
    } catch (error) {
      this.#control = null;
      // The API no longer knows the key, so the picture must be uploaded again.
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
    this.#startedAt = performance.now();
    await this.#convert(signal);
    this.#set('preparing');
    const sha256 = await this.#digest();
    for (let renewed = false; ; renewed = true) {
      this.ticket = await this.#requestAddress(sha256, signal);
      this.sent = 0;
      this.#set('uploading');
      try {
        await this.#services.put({
          ticket: this.ticket,
          file: this.outgoing.file,
          signal,
          onProgress: (sent) => {
            this.sent = Math.min(sent, this.outgoing.file.size);
            this.#notify();
          },
        });
        break;
      } catch (error) {
        if (!(error instanceof UploadError)) throw error;
        // A browser may repeat a request after a connection failure. If the first request did arrive, the bucket rejects
        // the second because the address was used. Only this task knows the address, so the upload succeeded.
        if (error.kind === 'used' && (await this.#hasResult(this.ticket, signal))) break;
        if (error.kind !== 'expired' || renewed) throw error;
        this.#set('preparing');
      }
    }
    this.sent = this.outgoing.file.size;
    this.#stored = true;
  }

  /**
   * A file that this browser cannot decode is uploaded unchanged. The result then says what to do.
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
  async #requestAddress(sha256, signal) {
    const { file, contentType } = this.outgoing;
    /** @type {import('../shared/api-types.js').UploadRequest} */
    const request = { contentType, contentLength: file.size, filename: file.name };
    if (sha256) request.sha256 = sha256;
    if (this.#services.analyses) request.analyses = this.#services.analyses;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#services.api.createUpload(request, signal);
      } catch (error) {
        const retry = error instanceof ApiError && error.retryable && error.kind === 'rejected' && attempt < MAX_ADDRESS_REQUESTS;
        if (!retry) throw error;
        await sleep(Math.max(error.retryAfterMs ?? 0, backoffMs(attempt)), signal);
      }
    }
  }

  /**
   * @param {import('../shared/api-types.js').UploadTicket} ticket
   * @param {AbortSignal} signal
   */
  async #hasResult(ticket, signal) {
    try {
      await this.#services.api.readResult(ticket.statusUrl, signal);
      return true;
    } catch (error) {
      if (error instanceof ApiError) return false;
      throw error;
    }
  }

  /** @param {AbortSignal} signal */
  #waitForDocument(signal) {
    const { api, polls, waitForResult } = this.#services;
    const statusUrl = this.ticket?.statusUrl ?? '';
    return waitForResult({
      read: () => polls.run(() => api.readResult(statusUrl, signal), signal),
      signal,
      onDelay: () => {
        this.delayed = true;
        this.#notify();
      },
    });
  }

  /** @param {State} state */
  #set(state) {
    this.state = state;
    this.#notify();
  }

  #notify() {
    this.dispatchEvent(new Event('change'));
  }
}

/**
 * Whether starting the task again may help. It does not if the file itself was rejected.
 * @param {Task} task
 */
export function canRetry(task) {
  if (task.state === 'cancelled') return true;
  if (task.state !== 'failed') return false;
  if (task.document) return (task.document.errors ?? []).some(({ retryable }) => retryable === true);
  const { error } = task;
  if (error instanceof ApiError) return error.kind !== 'rejected' || error.retryable || [401, 403, 404].includes(error.status);
  if (error instanceof UploadError) return error.kind !== 'changed';
  return error instanceof TimeoutError || error !== null;
}
