// @ts-check
/** The list of pictures: the grid, the lines above it, the message below it. It loads further pages while they are near. */

import { byId, h } from '../shared/dom.js';
import { count } from '../shared/format.js';
import { Limiter } from '../shared/limiter.js';
import { summaryLine } from '../shared/result-summary.js';
import { Grid } from './grid.js';
import { listMessage, tallyText, totalOf } from './list-messages.js';
import { Listing } from './listing.js';
import { keepPlace, keptPlace } from './place.js';
import { correctTerms } from './terms.js';
import { sameQuery } from './url-state.js';

/**
 * @typedef {import('../shared/api-types.js').ImageRow} ImageRow
 * @typedef {import('./url-state.js').State} State
 */

/** The next page is loaded when the end of the list is at most this far below the screen. */
const LOAD_AHEAD = '1400px';
const MAX_THUMBNAIL_RENEWALS = 3;
/** How many result documents are read at once for the captions of pictures without labels. */
const MAX_SUMMARIES = 3;
/** At the beginning of the list there is no place to keep. In pixels. */
const NO_PLACE_PX = 200;

export class ListView {
  #main = byId('main', HTMLElement);
  #tally = byId('tally', HTMLElement);
  #suggestion = byId('did-you-mean', HTMLElement);
  #toEnd = byId('to-end', HTMLElement);
  #toEndProgress = byId('to-end-progress', HTMLProgressElement);
  #message = byId('list-message', HTMLElement);
  #end = byId('list-end', HTMLElement);
  #images;
  #on;
  #grid;
  #selection;
  #state;
  /** @type {import('../shared/api-types.js').Counts} */
  #counts = { labels: [], categories: [] };
  /** @type {AbortController | null} loading until the end of the list */
  #ending = null;
  /** How many pictures the grid showed before the last change. */
  #shownBefore = 0;
  #renewals = new Limiter(MAX_THUMBNAIL_RENEWALS);
  #summaries = new Limiter(MAX_SUMMARIES);
  // Several entries may be reported at once; the last one is the current state.
  #endObserver = new IntersectionObserver((entries) => entries.at(-1)?.isIntersecting && this.#loadMore(), { rootMargin: LOAD_AHEAD });

  /**
   * @param {import('./images-api.js').ImagesApi} images
   * @param {import('./selection.js').Selection} selection
   * @param {State} state
   * @param {object} on
   * @param {(row: ImageRow) => void} on.open
   * @param {(row: ImageRow) => void} on.remove
   * @param {() => number} on.coveredHeight how many pixels at the top of the screen are covered
   * @param {(key: string, signal: AbortSignal) => Promise<import('../shared/api.js').ResultReply>} on.document reads a result
   * @param {() => void} on.change the listing changed
   * @param {(terms: import('./terms.js').Term[]) => void} on.search
   * @param {(text: string) => void} on.announce
   * @param {() => void} on.showAll
   * @param {() => void} on.removeFilter
   * @param {() => void} on.retry after a failure; the list itself tries again too
   * @param {(() => void) | null} on.signIn
   */
  constructor(images, selection, state, on) {
    this.#images = images;
    this.#selection = selection;
    this.#state = state;
    this.#on = on;
    this.listing = new Listing(images.page, (keepPlace) => this.#render(keepPlace));
    this.#grid = new Grid(
      {
        open: on.open,
        remove: on.remove,
        coveredHeight: on.coveredHeight,
        thumbnailExpired: (row) => this.#renewThumbnail(row),
        summary: (row) => this.#summaryOf(row),
        end: () => void this.goToEnd(),
        selectAll: () => void this.selectAll(),
      },
      selection,
    );
    byId('to-end-stop', HTMLButtonElement).addEventListener('click', () => this.stopEnding());
    addEventListener('pagehide', () => this.keepPlace());
  }

  /** @param {import('../shared/api-types.js').Counts} counts */
  set counts(counts) {
    this.#counts = counts;
    this.#renderTally();
  }

  /** Whether pages are being loaded until the end. */
  get isEnding() {
    return this.#ending !== null;
  }

  /** Shows which pictures are selected. */
  showSelection() {
    this.#grid.showSelection();
  }

  /** Goes to the last picture, and loads all that come before it. */
  async goToEnd() {
    if (this.listing.state === 'complete' || this.#ending) return;
    if (!(await this.#loadToEnd())) return;
    this.focus(this.listing.shown.at(-1)?.key);
    this.#on.announce(this.tally);
  }

  /** Selects all pictures of the search, and loads those that are missing. */
  async selectAll() {
    this.#selection.selectAll(this.listing.shown);
    if (this.listing.state === 'complete' || this.#ending) return;
    if (!(await this.#loadToEnd())) return;
    this.#selection.selectAll(this.listing.shown);
    this.#on.announce(`${count(this.#selection.size, 'picture')} selected.`);
  }

  stopEnding() {
    const focused = this.#toEnd.contains(document.activeElement);
    this.#ending?.abort();
    if (focused) this.focus();
  }

  /** Remembers where the person is in the list. */
  keepPlace() {
    keepPlace(this.#state, scrollY > NO_PLACE_PX ? this.#grid.firstOnScreen : null);
  }

  /** Goes where the person was when they left the list, unless they do something else meanwhile. */
  async restorePlace() {
    const place = keptPlace(this.#state);
    if (!place) return;
    const interest = new AbortController();
    for (const name of ['wheel', 'touchstart', 'keydown', 'pointerdown']) addEventListener(name, () => interest.abort(), { passive: true, signal: interest.signal });
    const { listing } = this;
    const indexOf = () => listing.shown.findIndex(({ key }) => key === place.key);
    // The picture may be gone. Its old neighbours are about where it was.
    const loaded = await listing.loadOn(interest.signal, () => indexOf() >= 0 || listing.shown.length > place.index + 100);
    if (!loaded || interest.signal.aborted) return;
    interest.abort();
    const at = indexOf();
    this.#grid.restore(at >= 0 ? at : Math.min(place.index, listing.shown.length - 1), place.top);
  }

  /** The line above the pictures. */
  get tally() {
    return this.#tally.textContent ?? '';
  }

  /**
   * Starts a search.
   * @param {State} state
   * @returns {Promise<boolean>} false when another search was started meanwhile
   */
  async load(state) {
    this.#state = state;
    this.#ending?.abort();
    await this.listing.start(state);
    return sameQuery(state, this.#state);
  }

  /**
   * Applies another confidence filter to the loaded pictures.
   * @param {State} state
   */
  filter(state) {
    this.#state = state;
    this.listing.minConfidence = state.minConfidence;
  }

  /**
   * Moves the focus to a picture, or to the main part of the page if there is none.
   * @param {string} [key] without it, or if the picture is not shown: the grid's tab stop
   */
  focus(key) {
    if (this.listing.shown.length > 0) this.#grid.focus(key);
    else this.#main.focus({ preventScroll: true });
  }

  #loadMore() {
    if (this.listing.state === 'more' && !this.listing.paused) void this.listing.loadMore();
  }

  /** @param {boolean} keepPlace */
  #render(keepPlace) {
    const { listing } = this;
    this.#selection.retain(listing.shown);
    this.#grid.show(listing.shown, this.#state, listing.state === 'complete', keepPlace);
    this.#renderTally();
    this.#renderSuggestion();
    this.#renderMessage();
    this.#shownBefore = listing.shown.length;
    this.#on.change();
    // The observer reports only changes. Observing again reports an end of the list that is still near.
    if (listing.state === 'more') {
      this.#endObserver.unobserve(this.#end);
      this.#endObserver.observe(this.#end);
    }
  }

  async #loadToEnd() {
    const control = new AbortController();
    this.#ending = control;
    this.#renderTally();
    const reached = await this.listing.loadOn(control.signal);
    this.#ending = null;
    const focused = this.#toEnd.contains(document.activeElement);
    this.#renderTally();
    if (focused) this.focus();
    return reached;
  }

  #renderTally() {
    const { listing } = this;
    const total = totalOf(this.#state, this.#counts);
    this.#tally.textContent = tallyText(listing, this.#state, total);
    this.#toEnd.hidden = !this.#ending;
    if (total) this.#toEndProgress.value = Math.min(1, listing.rows.length / total);
    else this.#toEndProgress.removeAttribute('value');
  }

  /** Offers similar names for words that no picture has. */
  #renderSuggestion() {
    const { didYouMean } = this.listing;
    this.#suggestion.hidden = didYouMean.length === 0;
    this.#suggestion.replaceChildren(
      ...didYouMean.flatMap(({ word, names }) => [
        h('span', {}, 'Did you mean '),
        ...names.flatMap((name, at) => [
          at > 0 ? ' or ' : '',
          h('button', { type: 'button', class: 'link', onclick: () => this.#on.search(correctTerms(this.#state.terms, word, name)) }, name),
        ]),
        h('span', {}, ` instead of “${word}”? `),
      ]),
    );
  }

  #renderMessage() {
    const { listing } = this;
    const focused = this.#message.contains(document.activeElement);
    const message = listMessage(listing, this.#state, {
      ...this.#on,
      resume: () => void listing.resume(),
      retry: () => {
        void listing.loadMore();
        this.#on.retry();
      },
    });
    this.#message.replaceChildren(...(message ? [message] : []));
    // The pressed button is gone. The focus moves to the first new picture.
    if (focused) this.focus(listing.shown[Math.min(this.#shownBefore, listing.shown.length - 1)]?.key);
  }

  /** @param {ImageRow} row */
  async #renewThumbnail({ key }) {
    try {
      const details = await this.#renewals.run(() => this.#images.details(key, new AbortController().signal));
      this.listing.refresh(details);
      return details.thumbnail !== undefined;
    } catch {
      return false;
    }
  }

  /**
   * What was found in a picture, in a few words, or ''.
   * @param {ImageRow} row
   */
  async #summaryOf({ key }) {
    try {
      const result = await this.#summaries.run(() => this.#on.document(key, new AbortController().signal));
      return result.ready ? summaryLine(result.document) : '';
    } catch {
      return '';
    }
  }
}
