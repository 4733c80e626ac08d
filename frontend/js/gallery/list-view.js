// @ts-check
/** The list of pictures: the grid, the line above it, the message below it. It loads further pages while they are near. */

import { byId } from '../shared/dom.js';
import { Limiter } from '../shared/limiter.js';
import { Grid } from './grid.js';
import { listMessage, tallyText } from './list-messages.js';
import { Listing } from './listing.js';
import { sameQuery } from './url-state.js';

/**
 * @typedef {import('../shared/api-types.js').ImageRow} ImageRow
 * @typedef {import('./url-state.js').State} State
 */

/** The next page is loaded when the end of the list is at most this far below the screen. */
const LOAD_AHEAD = '1400px';
const MAX_THUMBNAIL_RENEWALS = 3;

export class ListView {
  #main = byId('main', HTMLElement);
  #tally = byId('tally', HTMLElement);
  #message = byId('list-message', HTMLElement);
  #end = byId('list-end', HTMLElement);
  #images;
  #on;
  #grid;
  #state;
  /** How many pictures the grid showed before the last change. */
  #shownBefore = 0;
  #renewals = new Limiter(MAX_THUMBNAIL_RENEWALS);
  // Several entries may be reported at once; the last one is the current state.
  #endObserver = new IntersectionObserver((entries) => entries.at(-1)?.isIntersecting && this.#loadMore(), { rootMargin: LOAD_AHEAD });

  /**
   * @param {import('./images-api.js').ImagesApi} images
   * @param {State} state
   * @param {object} on
   * @param {(row: ImageRow) => void} on.open
   * @param {(row: ImageRow) => void} on.remove
   * @param {() => number} on.coveredHeight how many pixels at the top of the screen are covered
   * @param {() => void} on.change the listing changed
   * @param {() => void} on.showAll
   * @param {() => void} on.removeFilter
   * @param {() => void} on.retry after a failure; the list itself tries again too
   * @param {(() => void) | null} on.signIn
   */
  constructor(images, state, on) {
    this.#images = images;
    this.#state = state;
    this.#on = on;
    this.listing = new Listing(images.page, (keepPlace) => this.#render(keepPlace));
    this.#grid = new Grid({ open: on.open, remove: on.remove, coveredHeight: on.coveredHeight, thumbnailExpired: (row) => this.#renewThumbnail(row) });
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
    this.#grid.show(listing.shown, this.#state, listing.state === 'complete', keepPlace);
    this.#tally.textContent = tallyText(listing, this.#state);
    this.#renderMessage();
    this.#shownBefore = listing.shown.length;
    this.#on.change();
    // The observer reports only changes. Observing again reports an end of the list that is still near.
    if (listing.state === 'more') {
      this.#endObserver.unobserve(this.#end);
      this.#endObserver.observe(this.#end);
    }
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
      return details.thumbnail?.url ?? null;
    } catch {
      return null;
    }
  }
}
