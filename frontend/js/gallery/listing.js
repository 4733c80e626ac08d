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

/** An update reads at most this many pages. If that does not reach the loaded pictures, the list starts anew with the newest ones. */
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
   * Reads the newest pictures again: adds new ones in their places, removes those that are gone, and replaces changed details.
   * Where the newest are not the first, it reads all loaded pictures again, unless they are too many.
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
    const isNewestFirst = this.#filter.sort === 'newest';
    try {
      do {
        const { images, cursor: next } = await this.#loadPage(this.#filter, cursor, control.signal);
        if (control.signal.aborted) return nothing;
        const known = images.length > 0 && images.every(({ key }) => this.#byKey.has(key));
        for (const row of images) fresh.set(row.key, row);
        cursor = next ?? null;
        pages += 1;
        const [newest, oldest] = [[...fresh.values()].at(-1), [...this.#byKey.values()].at(-1)];
        reached = !isNewestFirst ? cursor === null || fresh.size >= this.#byKey.size : cursor === null || known || (newest !== undefined && (oldest === undefined || !isOlder(oldest, newest)));
      } while (!reached && pages < MAX_UPDATE_PAGES);
    } catch {
      return control.signal.aborted ? nothing : null;
    }
    if (isNewestFirst) return this.#merge(fresh, cursor, reached, leaving);
    return reached && !this.#isLoading ? this.#replace(fresh, cursor, leaving) : nothing;
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
   * @param {Map<string, ImageRow>} fresh the newest pictures
   * @param {string | null} cursor of the page after them
   * @param {boolean} reached whether they reach those that are loaded
   * @param {(row: ImageRow) => void} leaving
   */
  #merge(fresh, cursor, reached, leaving) {
    const before = new Set(this.shown);
    const known = new Set(this.#byKey.keys());
    // Older pictures, which were not loaded before, are no news.
    const oldest = this.state === 'complete' ? undefined : [...this.#byKey.values()].at(-1);
    const last = [...fresh.values()].at(-1);
    for (const row of [...this.#byKey.values()]) {
      const isCovered = cursor === null || !reached || (last !== undefined && !isOlder(row, last));
      if (isCovered && !fresh.has(row.key)) this.#drop(row, leaving);
    }
    let changed = before.size > this.shown.length;
    const older = [...this.#byKey].filter(([key]) => !fresh.has(key));
    const newest = [...fresh].map(([key, row]) => {
      const old = this.#byKey.get(key);
      const isSame = old?.processedAt === row.processedAt;
      changed ||= !isSame;
      // Tiles and the viewer hold on to the object. Only the addresses in it are newer.
      return /** @type {const} */ ([key, old && isSame ? Object.assign(old, row) : row]);
    });
    this.#byKey = new Map([...newest, ...older]);
    if (older.length === 0 && this.state !== 'loading') {
      this.#cursor = cursor;
      this.state = cursor ? 'more' : 'complete';
    }
    const removed = before.size - [...before].filter(({ key }) => this.#byKey.has(key)).length;
    this.#applyFilter();
    const added = this.shown.filter((row) => !known.has(row.key) && !(oldest && isOlder(row, oldest))).length;
    if (changed) this.#onChange(true);
    return { added, removed };
  }

  /**
   * Takes over all loaded pictures as they are now.
   * @param {Map<string, ImageRow>} fresh
   * @param {string | null} cursor
   * @param {(row: ImageRow) => void} leaving
   */
  #replace(fresh, cursor, leaving) {
    const before = new Set(this.shown);
    const [known, keys] = [new Set(this.#byKey.keys()), [...this.#byKey.keys()].join('\n')];
    let changed = keys !== [...fresh.keys()].join('\n');
    for (const row of [...this.#byKey.values()]) if (!fresh.has(row.key)) this.#drop(row, leaving);
    this.#byKey = new Map(
      [...fresh].map(([key, row]) => {
        const old = this.#byKey.get(key);
        const isSame = old?.processedAt === row.processedAt;
        changed ||= !isSame;
        return [key, old && isSame ? Object.assign(old, row) : row];
      }),
    );
    this.#cursor = cursor;
    this.state = cursor ? 'more' : 'complete';
    this.#applyFilter();
    if (changed) this.#onChange(true);
    return {
      added: this.shown.filter(({ key }) => !known.has(key)).length,
      removed: [...before].filter(({ key }) => !this.#byKey.has(key)).length,
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
 * Whether a picture comes after another one in the list.
 * @param {ImageRow} row
 * @param {ImageRow} other
 */
function isOlder(row, other) {
  const later = Date.parse(other.uploadedAt) - Date.parse(row.uploadedAt);
  return later === 0 ? row.key < other.key : later > 0;
}
