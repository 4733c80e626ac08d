// @ts-check
/**
 * The upload and analysis of one picture: convert it if needed, request an address, upload, wait for the result. What may
 * pass is tried again by itself.
 * A task does not know the page; it fires a `change` event at every step.
 */

import { needsConversion } from './convert.js';
import { retryPauseMs } from './retries.js';
import { ApiError, EarlierError, TimeoutError, UploadError, isAbort } from '../shared/errors.js';
import { sleep } from '../shared/time.js';
import { randomName } from '../shared/upload-list.js';

/**
 * @typedef {'queued' | 'converting' | 'preparing' | 'uploading' | 'waiting' | 'retrying' | 'done' | 'failed' | 'cancelled'} State
 * `preparing`: an upload address is requested; `waiting`: the picture is being analysed; `retrying`: a pause before the
 * next attempt, see `error` and `retryAt`; `failed` with a document: the picture could not be analysed; `failed` without
 * one: see `error`
 *
 * @typedef {Pick<import('../shared/api-types.js').UploadTicket, 'key' | 'resultKey' | 'statusUrl'> & {resultUrl?: string}} Address
 *
 * @typedef {object} Services what a task depends on
 * @property {Pick<import('../shared/api.js').Api, 'createUpload' | 'readResult'>} api
 * @property {import('../shared/limiter.js').Limiter} uploads limits the uploads at once
 * @property {import('../shared/limiter.js').Limiter} polls limits the requests for results at once
 * @property {typeof import('./put-file.js').putFile} put
 * @property {typeof import('../shared/wait-for-result.js').waitForResult} waitForResult
 * @property {typeof import('./files.js').sha256Hex} digest
 * @property {typeof import('./convert.js').toJpeg} toJpeg
 * @property {() => boolean} [online] whether the browser has a network
 * @property {typeof retryPauseMs} [retryPauseMs] for tests
 */

export class Task extends EventTarget {
  /** @type {State} */
  state = 'queued';
  /** The file to upload: the chosen one, or the JPEG that the page made from it. */
  outgoing;
  /** The chosen file; null if the page was reloaded and did not keep it. @type {File | null} */
  source;
  /** Bytes sent. */
  sent = 0;
  /** Where the picture is stored, or will be. @type {Address | null} */
  ticket = null;
  /** @type {import('../shared/api-types.js').ResultDocument | null} */
  document = null;
  /** @type {unknown} why the task failed without a document */
  error = null;
  /** Whether the result takes unusually long, because the service has to try again. */
  delayed = false;
  /** Milliseconds from the start of the upload to the result. */
  elapsed = 0;
  /** When the next attempt begins, by `performance.now()`. */
  retryAt = 0;
  /** Attempts since the person last started the task. */
  attempts = 0;
  /** Whether the picture was uploaded before the page was reloaded, so that its result is only read again. */
  known = false;

  /** Whether the bucket has the file, so that only the result is missing. */
  #stored = false;
  /** Whether the bucket may have the file: the upload was interrupted, or the page was reloaded. */
  #unsure = false;
  #startedAt = 0;
  /** @type {AbortController | null} */
  #control = null;
  /** Ends the pause before the next attempt. @type {() => void} */
  #wake = () => {};
  #services;

  /**
   * @param {File | {name: string, size: number}} file a remembered file has no content
   * @param {string} contentType
   * @param {Services} services
   * @param {{id?: string, analyses?: string[] | null}} [how] `analyses`: those to request; null: the API's default
   */
  constructor(file, contentType, services, { id = randomName(), analyses = null } = {}) {
    super();
    this.id = id;
    this.file = { name: file.name, size: file.size };
    this.source = file instanceof File ? file : null;
    this.contentType = contentType;
    this.analyses = analyses;
    this.outgoing = { file: this.source, size: file.size, contentType };
    this.#services = services;
  }

  /**
   * A task as it was before the page was reloaded. `start` continues it, unless it was cancelled or failed for good.
   * @param {import('../shared/upload-list.js').RememberedTask} remembered
   * @param {File | null} file
   * @param {Services} services
   */
  static restore({ id, name, size, contentType, analyses, state, address, elapsed, failure }, file, services) {
    const task = new Task(file ?? { name, size }, contentType, services, { id, analyses });
    task.ticket = address;
    task.elapsed = elapsed;
    task.#stored = state === 'stored' && address !== null;
    task.known = task.#stored;
    task.#unsure = !task.#stored && address !== null;
    if (state === 'cancelled') task.state = 'cancelled';
    if (state === 'failed') {
      task.state = 'failed';
      task.error = failure && new EarlierError(failure);
    }
    return task;
  }

  /** Whether the task is running or queued. */
  get active() {
    return !['done', 'failed', 'cancelled'].includes(this.state);
  }

  /** Whether the page converted the file to JPEG. */
  get converted() {
    return this.source !== null && this.outgoing.file !== this.source;
  }

  /** Whether leaving the page now would lose the upload. */
  get unsaved() {
    return this.active && !this.#stored;
  }

  /** Whether the bucket has the file. */
  get stored() {
    return this.#stored;
  }

  /** Whether the task can only go on with the file, which the person has to choose again. */
  get needsFile() {
    return this.state === 'failed' && this.error instanceof UploadError && ['missing', 'gone'].includes(this.error.kind);
  }

  /**
   * Gives the file to a task that needs it.
   * @param {File} file
   * @returns {this}
   */
  provide(file) {
    this.source = file;
    this.outgoing = { file, size: file.size, contentType: this.contentType };
    this.known = false;
    this.#unsure = false;
    return this;
  }

  /**
   * Runs the task to `done`, `failed` or `cancelled`; never rejects. A failed or cancelled task can be started again. It
   * requests a new address, unless the bucket already has the file and only the result is missing. A task that pauses
   * before its next attempt makes it now.
   */
  async start() {
    if (this.#control) {
      this.#wake();
      return;
    }
    const control = new AbortController();
    this.#control = control;
    this.error = null;
    this.attempts = 0;
    if (this.document) {
      this.document = null;
      this.#stored = false;
    }
    try {
      this.document = await this.#untilDone(control.signal);
      if (!this.known) this.elapsed = performance.now() - this.#startedAt;
      this.#control = null;
      this.#set(this.document.status === 'failed' ? 'failed' : 'done');
    } catch (error) {
      this.#control = null;
      if (!isAbort(error)) this.error = error;
      this.#set(isAbort(error) ? 'cancelled' : 'failed');
    }
  }

  cancel() {
    this.#control?.abort();
  }

  /** Makes the next attempt at once, because the network is back. */
  wake() {
    this.#wake();
  }

  /**
   * @param {AbortSignal} signal
   * @returns {Promise<import('../shared/api-types.js').ResultDocument>}
   */
  async #untilDone(signal) {
    const pauseMs = this.#services.retryPauseMs ?? retryPauseMs;
    for (let counted = 0; ; ) {
      try {
        return await this.#attempt(signal);
      } catch (error) {
        if (signal.aborted) throw error;
        // The API no longer knows the key, so the picture must be uploaded again.
        if (error instanceof ApiError && error.status === 404 && this.#stored) {
          this.#stored = false;
          if (this.known) throw new UploadError('gone', { cause: error });
        }
        const pause = pauseMs(error, counted);
        if (pause === null) throw error;
        const online = this.#services.online?.() ?? true;
        // Without a network, an attempt says nothing about the service.
        if (online) counted += 1;
        await this.#pause(pause, error, signal);
      }
    }
  }

  /** @param {AbortSignal} signal */
  async #attempt(signal) {
    this.error = null;
    this.#set('queued');
    if (!this.#stored) await this.#services.uploads.run(() => this.#upload(signal), signal);
    this.delayed = false;
    this.#set('waiting');
    return await this.#waitForDocument(signal);
  }

  /**
   * @param {number} ms
   * @param {unknown} error
   * @param {AbortSignal} signal
   */
  async #pause(ms, error, signal) {
    const pause = new AbortController();
    const end = () => pause.abort();
    signal.addEventListener('abort', end, { once: true });
    this.#wake = end;
    this.error = error;
    this.attempts += 1;
    this.retryAt = performance.now() + ms;
    this.#set('retrying');
    await sleep(ms, pause.signal).catch(() => {});
    this.#wake = () => {};
    signal.removeEventListener('abort', end);
    signal.throwIfAborted();
  }

  /** @param {AbortSignal} signal */
  async #upload(signal) {
    this.#startedAt = performance.now();
    if (this.#unsure) await this.#askWhetherStored(signal);
    if (this.#stored) return;
    if (!this.source) throw new UploadError('missing');
    this.known = false;
    await this.#convert(this.source, signal);
    this.#set('preparing');
    const file = this.outgoing.file ?? this.source;
    const sha256 = await this.#digest(file);
    for (let renewed = false; ; renewed = true) {
      const ticket = await this.#requestAddress(file, sha256, signal);
      this.ticket = ticket;
      this.sent = 0;
      this.#set('uploading');
      try {
        await this.#services.put({
          ticket,
          file,
          signal,
          onProgress: (sent) => {
            this.sent = Math.min(sent, file.size);
            this.#notify();
          },
        });
        break;
      } catch (error) {
        if (!(error instanceof UploadError)) throw error;
        // The bucket may have the file although the response was lost. The next attempt asks, so that it is not stored twice.
        if (error.kind === 'network' || error.kind === 'stalled') this.#unsure = true;
        // A browser may repeat a request after a connection failure. If the first request did arrive, the bucket rejects
        // the second because the address was used. Only this task knows the address, so the upload succeeded.
        if (error.kind === 'used' && (await this.#hasResult(ticket.statusUrl, signal))) break;
        if (error.kind !== 'expired' || renewed) throw error;
        this.#set('preparing');
      }
    }
    this.sent = file.size;
    this.#stored = true;
  }

  /**
   * Asks whether an interrupted upload arrived.
   * @param {AbortSignal} signal
   */
  async #askWhetherStored(signal) {
    this.#set('preparing');
    this.#stored = await this.#hasResult(this.ticket?.statusUrl ?? '', signal);
    this.#unsure = false;
  }

  /**
   * A file that cannot be converted is not uploaded, because the service cannot decode it either.
   * @param {File} source
   * @param {AbortSignal} signal
   */
  async #convert(source, signal) {
    if (this.converted || !needsConversion(this.contentType)) return;
    this.#set('converting');
    const jpeg = await this.#services.toJpeg(source);
    signal.throwIfAborted();
    if (!jpeg) throw new UploadError('undecodable');
    this.outgoing = { file: jpeg, size: jpeg.size, contentType: jpeg.type };
  }

  /** @param {File} file */
  async #digest(file) {
    try {
      return await this.#services.digest(file);
    } catch (cause) {
      throw new UploadError('changed', { cause });
    }
  }

  /**
   * @param {File} file
   * @param {string | null} sha256
   * @param {AbortSignal} signal
   */
  async #requestAddress(file, sha256, signal) {
    /** @type {import('../shared/api-types.js').UploadRequest} */
    const request = { contentType: this.outgoing.contentType, contentLength: file.size, filename: file.name };
    if (sha256) request.sha256 = sha256;
    if (this.analyses) request.analyses = this.analyses;
    return await this.#services.api.createUpload(request, signal);
  }

  /**
   * @param {string} statusUrl
   * @param {AbortSignal} signal
   */
  async #hasResult(statusUrl, signal) {
    try {
      await this.#services.api.readResult(statusUrl, signal);
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return false;
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
  if (task.state === 'cancelled' || task.state === 'retrying') return true;
  if (task.state !== 'failed') return false;
  if (task.document) return (task.document.errors ?? []).some(({ retryable }) => retryable === true);
  const { error } = task;
  if (error instanceof ApiError) return error.kind !== 'rejected' || error.retryable || [401, 403, 404].includes(error.status);
  if (error instanceof UploadError) return !['changed', 'missing', 'gone', 'undecodable'].includes(error.kind);
  if (error instanceof EarlierError) return task.source !== null;
  return error instanceof TimeoutError || error !== null;
}
