// @ts-check
/**
 * The pictures that a query finds, page by page. A picture that comes twice, because something was added or removed
 * between two pages, is kept once.
 */

import { isAbort } from '../shared/errors.js';
import { passes } from './url-state.js';

/**
 * So many pages in a row may bring nothing that passes the filter, before the person is asked whether to go on: a
 * strict filter over a large bucket would otherwise read all of it.
 */
export const BARREN_PAGES = 10;

/** @typedef {import('../shared/api-types.js').ImageRow} ImageRow */

export class Listing {
  /** @type {ImageRow[]} all that came and are not left out, newest first */
  rows = [];
  /** @type {ImageRow[]} those of them that pass the filter, and so are shown */
  shown = [];
  /** @type {'loading' | 'more' | 'complete' | 'failed'} */
  state = 'complete';
  /** @type {unknown} why it failed */
  error = null;
  /** Whether the last pages brought nothing to show. */
  barren = false;

  #page;
  #changed;
  /** @type {import('./url-state.js').State} */
  #filter = { label: '', category: '', status: '', least: 0, key: '' };
  /** @type {string | null} */
  #cursor = null;
  #inVain = 0;
  /** @type {Map<string, ImageRow>} all that came, in their order */
  #byKey = new Map();
  /** @type {Set<string>} */
  #hidden = new Set();
  /** @type {AbortController | null} */
  #control = null;

  /**
   * @param {(query: import('./url-state.js').Query, cursor: string | null, signal: AbortSignal) => Promise<import('../shared/api-types.js').ImagePage>} page
   * @param {() => void} changed
   */
  constructor(page, changed) {
    this.#page = page;
    this.#changed = changed;
  }

  /**
   * Starts anew.
   * @param {import('./url-state.js').State} filter
   */
  async start(filter) {
    this.#control?.abort();
    this.#control = null;
    this.#filter = filter;
    this.#byKey.clear();
    this.#cursor = null;
    this.#inVain = 0;
    this.state = 'more';
    this.#sift();
    await this.more();
  }

  /** Brings the next page, unless one is on its way or there is none. After a fault it tries that page again. */
  async more() {
    if (this.state === 'loading' || this.state === 'complete') return;
    const control = new AbortController();
    this.#control = control;
    this.state = 'loading';
    this.error = null;
    this.#changed();
    try {
      const { images, cursor } = await this.#page(this.#filter, this.#cursor, control.signal);
      if (this.#control !== control) return;
      const before = this.shown.length;
      for (const row of images) if (!this.#byKey.has(row.key)) this.#byKey.set(row.key, row);
      this.#cursor = cursor ?? null;
      this.state = cursor ? 'more' : 'complete';
      this.#sift();
      this.#inVain = this.shown.length > before ? 0 : this.#inVain + 1;
      this.barren = this.#inVain >= BARREN_PAGES;
    } catch (error) {
      if (this.#control !== control || isAbort(error)) return;
      this.state = 'failed';
      this.error = error;
    }
    this.#changed();
  }

  /** Goes on although the last pages brought nothing to show. */
  async goOn() {
    this.#inVain = 0;
    this.barren = false;
    await this.more();
  }

  /** @param {number} least percent */
  set least(least) {
    if (this.#filter.least === least) return;
    this.#filter = { ...this.#filter, least };
    this.#inVain = 0;
    this.#sift();
    this.#changed();
  }

  /**
   * What is shown, and in its place among them the picture that is looked at, even where it does not pass the filter:
   * who moves the slider while looking at a picture does not lose their place.
   * @param {string} key
   * @returns {ImageRow[]}
   */
  around(key) {
    const row = this.#byKey.get(key);
    if (!row || this.#hidden.has(key) || passes(row, this.#filter)) return this.shown;
    return this.rows.filter((each) => each === row || passes(each, this.#filter));
  }

  /** @param {string} key */
  get(key) {
    return this.#byKey.get(key);
  }

  /**
   * Leaves pictures out until they are shown again; they need not be there.
   * @param {readonly string[]} keys
   * @param {boolean} hidden
   */
  hide(keys, hidden) {
    for (const key of keys) {
      if (hidden) this.#hidden.add(key);
      else this.#hidden.delete(key);
    }
    this.#sift();
    this.#changed();
  }

  /**
   * Whether a key is left out at present.
   * @param {string} key
   */
  isHidden(key) {
    return this.#hidden.has(key);
  }

  /**
   * Puts fresher facts of a picture in the place of those that were there, if it was.
   * @param {ImageRow} row
   */
  refresh(row) {
    const old = this.#byKey.get(row.key);
    if (old) Object.assign(old, { ...row, confidence: old.confidence });
  }

  #sift() {
    this.rows = [...this.#byKey.values()].filter(({ key }) => !this.#hidden.has(key));
    this.shown = this.rows.filter((row) => passes(row, this.#filter));
    if (this.#inVain === 0) this.barren = false;
  }
}
