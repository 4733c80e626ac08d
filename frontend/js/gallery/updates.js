// @ts-check
/**
 * Notices new and deleted pictures while the page is open. In the local mode the service announces them as events. Elsewhere
 * the page asks for the newest pictures, with pauses that grow while nothing happens. A hidden page does neither: browsers
 * allow a site only six connections, which all its tabs share.
 */

/** The pauses between two questions, in milliseconds. */
export const FIRST_PAUSE_MS = 10_000;
export const LONGEST_PAUSE_MS = 300_000;
/** Events that arrive within this time cause one question. */
const COLLECT_MS = 250;

/**
 * @typedef {object} Stream an `EventSource`
 * @property {(name: string, listener: (event: Event) => void) => void} addEventListener
 * @property {() => void} close
 * @property {number} readyState
 */

export class Updates {
  #on;
  #connect;
  #page;
  #collectMs;
  /** @type {Stream | null} */
  #stream = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #pause = FIRST_PAUSE_MS;
  /** Whether the page asks because it has no events. */
  #asking = false;
  #checking = false;
  /** Whether something happened during a question. */
  #again = false;

  /**
   * @param {object} on
   * @param {() => Promise<boolean | null>} on.check asks for the newest pictures; whether there were changes, or null if that is not known yet
   * @param {(key: string) => void} on.deleted
   * @param {(() => Stream) | null} connect opens the stream of events; null where the service has none
   * @param {Pick<Document, 'visibilityState' | 'addEventListener'>} [page]
   * @param {number} [collectMs] for tests
   */
  constructor(on, connect, page = document, collectMs = COLLECT_MS) {
    this.#on = on;
    this.#connect = connect;
    this.#page = page;
    this.#collectMs = collectMs;
    page.addEventListener('visibilitychange', () => (page.visibilityState === 'visible' ? this.#resume() : this.#stop()));
  }

  /** Begins after the list is loaded. */
  start() {
    if (this.#page.visibilityState !== 'visible') return;
    this.#pause = FIRST_PAUSE_MS;
    if (this.#connect) this.#listen(this.#connect());
    else this.#ask();
  }

  /** The person is back. */
  #resume() {
    this.start();
    this.#checkSoon(0);
  }

  #stop() {
    this.#stream?.close();
    this.#stream = null;
    this.#asking = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** @param {Stream} stream */
  #listen(stream) {
    this.#stream?.close();
    this.#stream = stream;
    for (const name of ['result-ready', 'result-failed', 'reset']) stream.addEventListener(name, () => this.#checkSoon(this.#collectMs));
    stream.addEventListener('deleted', (event) => {
      const key = keyOf(event);
      if (key) this.#on.deleted(key);
    });
    stream.addEventListener('error', () => {
      // The browser connects again after a lost connection, but not after a rejection.
      if (stream !== this.#stream || stream.readyState !== 2) return;
      this.#stream = null;
      this.#ask();
    });
  }

  #ask() {
    this.#asking = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#check(), this.#pause);
  }

  /** @param {number} ms */
  #checkSoon(ms) {
    if (this.#checking) {
      this.#again = true;
      return;
    }
    // The first event sets the time: a steady flow of events must not postpone the question.
    if (this.#timer !== undefined && !this.#asking) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#check(), ms);
  }

  async #check() {
    this.#timer = undefined;
    this.#checking = true;
    const changed = await this.#on.check();
    this.#checking = false;
    if (this.#page.visibilityState !== 'visible') return;
    this.#pause = changed ? FIRST_PAUSE_MS : Math.min(LONGEST_PAUSE_MS, 2 * this.#pause);
    if (this.#again) {
      this.#again = false;
      this.#checkSoon(this.#collectMs);
    } else if (this.#asking) this.#ask();
    else if (changed === null) this.#checkSoon(this.#pause);
  }
}

/** @param {Event} event */
function keyOf(event) {
  try {
    const { key } = JSON.parse(/** @type {MessageEvent} */ (event).data);
    return typeof key === 'string' ? key : '';
  } catch {
    return '';
  }
}
