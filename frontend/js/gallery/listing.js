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
 * An update reads at most this many pages. If that does not reach the loaded pictures, a list with the newest first starts anew
 * with those. Another list is up to date as far as the pages go.
 */
export const MAX_UPDATE_PAGES = 10;

/**
 * @typedef {import('../shared/api-types.js').ImageRow} ImageRow
 * @typedef {import('./url-state.js').State} State
 */

export class Listing {
  /** @type {ImageRow[]} all loaded pictures that are not hidden, in the order of the search */
  rows = [];
  /** @type {ImageRow[]} those of them that pass the filter: the pictures that are shown */
  shown = [];
  /** @type {'loading' | 'more' | 'complete' | 'failed'} */
  state = 'complete';
  /** @type {unknown} why loading failed */
  error = null;
  /** Whether loading paused because the last pages had no match. */
  paused = false;
  /** Words of the search that no picture has, and similar names. @type {readonly {word: string, names: string[]}[]} */
  didYouMean = [];

  #loadPage;
  #onChange;
  /** @type {State} */
  #filter = { ...EVERYTHING, minConfidence: 0, key: '' };
  /** @type {string | null} */
  #cursor = null;
  /** With which the last page was loaded. @type {string | null} */
  #lastCursor = null;
  #pagesWithoutMatch = 0;
  /** @type {Map<string, ImageRow>} all loaded pictures in order */
  #byKey = new Map();
  /** @type {Set<string>} */
  #hidden = new Set();
  /** @type {AbortController | null} */
  #control = null;
  /** The page that is being loaded. @type {Promise<void>} */
  #loading = Promise.resolve();
  /** @type {AbortController | null} */
  #update = null;

  /**
   * @param {(query: import('./url-state.js').Query, cursor: string | null, signal: AbortSignal) => Promise<import('../shared/api-types.js').ImagePage>} loadPage
   * @param {(keepPlace: boolean) => void} onChange `keepPlace`: the person did not cause the change, so what they see should stay where it is
   */
  constructor(loadPage, onChange) {
    this.#loadPage = loadPage;
    this.#onChange = (keepPlace = false) => onChange(keepPlace);
  }

  get #isLoading() {
    return this.state === 'loading';
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
    this.#update?.abort();
    this.#filter = filter;
    this.#byKey.clear();
    this.#cursor = null;
    this.#pagesWithoutMatch = 0;
    this.state = 'more';
    this.didYouMean = [];
    this.#applyFilter();
    await this.loadMore();
  }

  /** Loads the next page, unless one is loading or there is none. After a failure it loads the same page again. */
  async loadMore() {
    if (this.state === 'loading' || this.state === 'complete') return;
    this.#loading = this.#loadNext();
    await this.#loading;
  }

  async #loadNext() {
    const control = new AbortController();
    this.#control = control;
    this.state = 'loading';
    this.error = null;
    this.#onChange();
    try {
      const { images, cursor, didYouMean } = await this.#loadPage(this.#filter, this.#cursor, control.signal);
      if (this.#control !== control) return;
      if (this.#cursor === null) this.didYouMean = didYouMean ?? [];
      const before = this.shown.length;
      this.#lastCursor = this.#cursor;
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

  /**
   * Loads pages until the end of the list or another condition.
   * @param {AbortSignal} signal stops it
   * @param {() => boolean} [isEnough]
   * @returns {Promise<boolean>} false when it was stopped, failed, or another search was started
   */
  async loadOn(signal, isEnough = () => false) {
    const { terms } = this.#filter;
    while (!signal.aborted && this.state !== 'failed' && terms === this.#filter.terms) {
      if (this.state === 'complete' || isEnough()) return true;
      if (this.state === 'loading') await this.#loading;
      else if (this.paused) await this.resume();
      else await this.loadMore();
    }
    return false;
  }

  /** Loads the next page after a pause. */
  async resume() {
    this.#pagesWithoutMatch = 0;
    this.paused = false;
    await this.loadMore();
  }

  /**
   * Reads the list again from its beginning: adds new pictures in their places, removes those that are gone, and replaces changed
   * details. With the newest first, it stops where nothing is new. In another order new pictures may be anywhere, so it reads
   * as far as the list is loaded.
   * @param {(row: ImageRow) => void} leaving called before a picture is removed
   * @returns {Promise<{added: number, removed: number} | null>} how many shown pictures; null when the list cannot be read now
   */
  async update(leaving) {
    const nothing = { added: 0, removed: 0 };
    if (this.state === 'loading') return null;
    // The person tries again, or starts another search.
    if (this.state === 'failed') return nothing;
    this.#update?.abort();
    const control = new AbortController();
    this.#update = control;
    /** @type {Map<string, ImageRow>} */
    const fresh = new Map();
    /** @type {string | null} */
    let cursor = null;
    let [pages, reached] = [0, false];
    try {
      do {
        const { images, cursor: next } = await this.#loadPage(this.#filter, cursor, control.signal);
        if (control.signal.aborted) return nothing;
        const isKnown = images.length > 0 && images.every(({ key }) => this.#byKey.has(key));
        for (const row of images) fresh.set(row.key, row);
        cursor = next ?? null;
        pages += 1;
        reached = cursor === null || this.#isReached(fresh, isKnown);
      } while (!reached && pages < MAX_UPDATE_PAGES);
    } catch {
      return control.signal.aborted ? nothing : null;
    }
    return this.#merge(fresh, cursor, reached, leaving);
  }

  /**
   * Removes a picture that no longer exists.
   * @param {string} key
   * @param {(row: ImageRow) => void} leaving called before
   * @returns {boolean} whether it was shown
   */
  remove(key, leaving) {
    const row = this.#byKey.get(key);
    if (!row) return false;
    const wasShown = this.shown.includes(row);
    this.#drop(row, leaving);
    if (wasShown) this.#onChange(true);
    return wasShown;
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

  /**
   * Whether an update knows enough of the list.
   * @param {Map<string, ImageRow>} fresh
   * @param {boolean} isKnown whether all pictures of the last page were loaded before
   */
  #isReached(fresh, isKnown) {
    const [last, end] = [[...fresh.values()].at(-1), [...this.#byKey.values()].at(-1)];
    const { sort } = this.#filter;
    if (sort === 'newest') return isKnown || (last !== undefined && (end === undefined || !comesBefore(last, end, sort)));
    // In another order, the end of a complete list is where new pictures may be.
    return this.state !== 'complete' && last !== undefined && end !== undefined && (fresh.has(end.key) || comesBefore(end, last, sort));
  }

  /**
   * Takes over the beginning of the list as it is now.
   * @param {Map<string, ImageRow>} fresh
   * @param {string | null} cursor of the page after it
   * @param {boolean} reached whether it reaches those that are loaded
   * @param {(row: ImageRow) => void} leaving
   */
  #merge(fresh, cursor, reached, leaving) {
    const { sort } = this.#filter;
    const before = new Set(this.shown);
    const loaded = [...this.#byKey.values()];
    const known = new Set(this.#byKey.keys());
    const wasComplete = this.state === 'complete';
    const [last, end] = [[...fresh.values()].at(-1), loaded.at(-1)];
    // A picture that was analysed again may have moved, and says nothing about its old neighbours.
    const isSame = (/** @type {ImageRow} */ row) => this.#byKey.get(row.key)?.processedAt === fresh.get(row.key)?.processedAt;
    const lastCommon = loaded.findLastIndex((row) => fresh.has(row.key) && isSame(row));
    const freshRows = [...fresh.values()];
    const lastKnown = freshRows.findLastIndex(({ key }) => known.has(key));
    // Later pictures, which were not loaded before, are no news.
    const news = new Set(freshRows.filter((row, at) => !known.has(row.key) && (wasComplete || !end || at < lastKnown || comesBefore(row, end, sort))));

    /** @type {Set<ImageRow>} */
    const gone = new Set();
    loaded.forEach((row, at) => {
      if (fresh.has(row.key)) return;
      const isCovered = cursor === null || at <= lastCommon || (last !== undefined && comesBefore(row, last, sort));
      if (isCovered) gone.add(row);
      // The list starts anew.
      if (isCovered || (!reached && sort === 'newest')) this.#drop(row, leaving);
    });
    const later = [...this.#byKey].filter(([key]) => !fresh.has(key));
    let changed = this.#byKey.size < known.size;
    const first = freshRows.map((row) => {
      const old = this.#byKey.get(row.key);
      const unchanged = old !== undefined && isSame(row);
      changed ||= !unchanged;
      // Tiles and the viewer hold on to the object. Only the addresses in it are newer.
      return /** @type {const} */ ([row.key, unchanged ? Object.assign(old, row) : row]);
    });
    this.#byKey = new Map([...first, ...later]);
    if (this.state !== 'loading') {
      if (later.length === 0) {
        this.#cursor = cursor;
        this.state = cursor ? 'more' : 'complete';
      } else if (!reached && wasComplete) {
        // There may be new pictures at the end. They come with the last page.
        this.#cursor = this.#lastCursor;
        this.state = 'more';
        changed = true;
      }
    }
    this.#applyFilter();
    if (changed) this.#onChange(true);
    return {
      added: this.shown.filter((row) => news.has(fresh.get(row.key) ?? row)).length,
      removed: [...gone].filter((row) => before.has(row)).length,
    };
  }

  /**
   * @param {ImageRow} row
   * @param {(row: ImageRow) => void} leaving
   */
  #drop(row, leaving) {
    leaving(row);
    this.#byKey.delete(row.key);
    this.#applyFilter();
  }

  #applyFilter() {
    this.rows = [...this.#byKey.values()].filter(({ key }) => !this.#hidden.has(key));
    this.shown = this.rows.filter((row) => passesFilter(row, this.#filter));
    if (this.#pagesWithoutMatch === 0) this.paused = false;
  }
}

/**
 * Whether a picture certainly comes before another one in the list. Of pictures with the same time or confidence, only the order
 * by upload is known.
 * @param {ImageRow} row
 * @param {ImageRow} other
 * @param {import('./url-state.js').Sort} sort
 */
function comesBefore(row, other, sort) {
  const [a, b] = [placeOf(row, sort), placeOf(other, sort)];
  return a === b && sort === 'newest' ? row.key > other.key : a < b;
}

/**
 * A number that grows along the list.
 * @param {ImageRow} row
 * @param {import('./url-state.js').Sort} sort
 */
function placeOf({ uploadedAt, takenAt, confidence = 0 }, sort) {
  switch (sort) {
    case 'confidence':
      return -confidence;
    case 'oldest':
      return Date.parse(uploadedAt);
    case 'taken':
      // By the camera's clock, without its offset.
      return -Date.parse(takenAt ? `${takenAt.slice(0, 19)}Z` : uploadedAt);
    case 'newest':
      return -Date.parse(uploadedAt);
  }
}
