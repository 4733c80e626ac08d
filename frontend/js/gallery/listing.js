// @ts-check
/**
 * The results of a search, loaded page by page. If a picture is on two pages, because others were added or removed
 * between the two requests, it is kept once.
 */

import { isAbort, statusOf } from '../shared/errors.js';
import { passesFilter } from './image-row.js';
import { EVERYTHING } from './url-state.js';

/**
 * Loading pauses after this many pages in a row without a picture that passes the filter. Otherwise a strict filter would
 * read a large bucket to its end.
 */
export const MAX_PAGES_WITHOUT_MATCH = 10;

/**
 * @typedef {import('../shared/api-types.js').ImageRow} ImageRow
 * @typedef {import('./url-state.js').State} State
 */

export class Listing {
  /** @type {ImageRow[]} all loaded pictures that are not hidden, newest first */
  rows = [];
  /** @type {ImageRow[]} those of them that pass the filter: the pictures that are shown */
  shown = [];
  /** @type {'loading' | 'more' | 'complete' | 'failed'} */
  state = 'complete';
  /** @type {unknown} why loading failed */
  error = null;
  /** Whether loading paused because the last pages had no match. */
  paused = false;

  #loadPage;
  #onChange;
  /** @type {State} */
  #filter = { ...EVERYTHING, minConfidence: 0, key: '' };
  /** @type {string | null} */
  #cursor = null;
  #pagesWithoutMatch = 0;
  /** @type {Map<string, ImageRow>} all loaded pictures in order */
  #byKey = new Map();
  /** @type {Set<string>} */
  #hidden = new Set();
  /** @type {AbortController | null} */
  #control = null;

  /**
   * @param {(query: import('./url-state.js').Query, cursor: string | null, signal: AbortSignal) => Promise<import('../shared/api-types.js').ImagePage>} loadPage
   * @param {() => void} onChange
   */
  constructor(loadPage, onChange) {
    this.#loadPage = loadPage;
    this.#onChange = onChange;
  }

  /** Whether the API does not let this person list pictures. */
  get forbidden() {
    return [401, 403].includes(statusOf(this.error));
  }

  /**
   * Starts another search.
   * @param {State} filter
   */
  async start(filter) {
    this.#control?.abort();
    this.#control = null;
    this.#filter = filter;
    this.#byKey.clear();
    this.#cursor = null;
    this.#pagesWithoutMatch = 0;
    this.state = 'more';
    this.#applyFilter();
    await this.loadMore();
  }

  /** Loads the next page, unless one is loading or there is none. After a failure it loads the same page again. */
  async loadMore() {
    if (this.state === 'loading' || this.state === 'complete') return;
    const control = new AbortController();
    this.#control = control;
    this.state = 'loading';
    this.error = null;
    this.#onChange();
    try {
      const { images, cursor } = await this.#loadPage(this.#filter, this.#cursor, control.signal);
      if (this.#control !== control) return;
      const before = this.shown.length;
      for (const row of images) if (!this.#byKey.has(row.key)) this.#byKey.set(row.key, row);
      this.#cursor = cursor ?? null;
      this.state = cursor ? 'more' : 'complete';
      this.#applyFilter();
      this.#pagesWithoutMatch = this.shown.length > before ? 0 : this.#pagesWithoutMatch + 1;
      this.paused = this.#pagesWithoutMatch >= MAX_PAGES_WITHOUT_MATCH;
    } catch (error) {
      if (this.#control !== control || isAbort(error)) return;
      this.state = 'failed';
      this.error = error;
    }
    this.#onChange();
  }

  /** Loads the next page after a pause. */
  async resume() {
    this.#pagesWithoutMatch = 0;
    this.paused = false;
    await this.loadMore();
  }

  /** @param {number} minConfidence percent */
  set minConfidence(minConfidence) {
    if (this.#filter.minConfidence === minConfidence) return;
    this.#filter = { ...this.#filter, minConfidence };
    this.#pagesWithoutMatch = 0;
    this.#applyFilter();
    this.#onChange();
  }

  /**
   * The shown pictures and, in its position, the open picture even if it does not pass the filter. So moving the slider
   * in the viewer does not lose the position.
   * @param {string} key of the open picture
   * @returns {ImageRow[]}
   */
  shownWith(key) {
    const row = this.#byKey.get(key);
    if (!row || this.#hidden.has(key) || passesFilter(row, this.#filter)) return this.shown;
    return this.rows.filter((each) => each === row || passesFilter(each, this.#filter));
  }

  /** @param {string} key */
  get(key) {
    return this.#byKey.get(key);
  }

  /**
   * Hides pictures, loaded or not, until `unhide`.
   * @param {readonly string[]} keys
   */
  hide(keys) {
    for (const key of keys) this.#hidden.add(key);
    this.#applyFilter();
    this.#onChange();
  }

  /** @param {readonly string[]} keys */
  unhide(keys) {
    for (const key of keys) this.#hidden.delete(key);
    this.#applyFilter();
    this.#onChange();
  }

  /**
   * Replaces a picture's details with newer ones, if it is loaded.
   * @param {ImageRow} row
   */
  refresh(row) {
    const old = this.#byKey.get(row.key);
    if (old) Object.assign(old, { ...row, confidence: old.confidence });
  }

  #applyFilter() {
    this.rows = [...this.#byKey.values()].filter(({ key }) => !this.#hidden.has(key));
    this.shown = this.rows.filter((row) => passesFilter(row, this.#filter));
    if (this.#pagesWithoutMatch === 0) this.paused = false;
  }
}
