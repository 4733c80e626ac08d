// @ts-check
/** Opens and closes the viewer, and moves through the list while it is open. */

import { byId } from '../shared/dom.js';
import { displayName } from './image-row.js';
import { Viewer } from './viewer.js';

/**
 * @typedef {import('../shared/api-types.js').ImageRow} ImageRow
 * @typedef {import('./listing.js').Listing} Listing
 */

const PAGE_TITLE = document.title;

export class ViewerController {
  #listing;
  #viewer;
  #on;
  #tally = byId('tally', HTMLElement);
  #notices = byId('notices', HTMLElement);
  #toasts = byId('toasts', HTMLElement);

  /**
   * @param {Listing} listing
   * @param {import('./viewer.js').ViewerServices} services
   * @param {object} on
   * @param {(row: ImageRow) => void} on.move another picture should be shown
   * @param {() => void} on.close the viewer should be closed
   * @param {(row: ImageRow) => void} on.remove
   * @param {(minConfidence: number) => void} on.minConfidence
   * @param {(key: string | undefined) => void} on.closed the focus should go to this picture
   * @param {(text: string) => void} on.announce
   * @param {(title: string, text: string) => void} on.notify
   */
  constructor(listing, services, on) {
    this.#listing = listing;
    this.#on = on;
    this.#viewer = new Viewer(services, {
      step: (by) => void this.#step(by),
      close: on.close,
      remove: on.remove,
      minConfidence: on.minConfidence,
      details: (details) => {
        listing.refresh(details);
        document.title = titleOf(details);
      },
      announce: on.announce,
      notify: on.notify,
    });
  }

  get isOpen() {
    return this.#viewer.isOpen;
  }

  /** The open picture, or ''. */
  get key() {
    return this.#viewer.key;
  }

  /** @param {boolean} deletable whether pictures can be deleted */
  set deletable(deletable) {
    this.#viewer.deletable = deletable;
  }

  /** @param {number} minConfidence percent */
  set minConfidence(minConfidence) {
    this.#viewer.minConfidence = minConfidence;
  }

  focus() {
    this.#viewer.focus();
  }

  /** @param {string} key */
  show(key) {
    // Only what is inside the dialog can be seen and used while it is open.
    if (!this.isOpen) this.#viewer.adopt({ notices: this.#notices, toasts: this.#toasts });
    const row = this.#listing.get(key) ?? null;
    document.title = titleOf(row ?? { key });
    void this.#viewer.show(key, row);
    this.updatePosition();
  }

  close() {
    const { key } = this.#viewer;
    this.#viewer.close();
    this.#tally.before(this.#notices);
    document.body.append(this.#toasts);
    document.title = PAGE_TITLE;
    // A picture that does not pass the filter has no tile. Its neighbour gets the focus.
    const isShown = this.#listing.shownWith(key) === this.#listing.shown;
    this.#on.closed(isShown ? key : this.#neighbour(key)?.key);
  }

  /** Shows where the picture is in the list, which may have changed. */
  updatePosition() {
    const { key } = this.#viewer;
    if (!key) return;
    const { state } = this.#listing;
    this.#viewer.position = { at: this.#indexOf(key) + 1, of: this.#listing.shownWith(key).length, more: state === 'more' || state === 'loading' };
  }

  /**
   * Moves on from a picture that is about to be deleted.
   * @param {ImageRow} row
   */
  leave(row) {
    if (!this.isOpen) return;
    const next = this.#neighbour(row.key);
    if (next) this.#move(next);
    else this.#on.close();
  }

  /** @param {number} by */
  async #step(by) {
    const { key } = this.#viewer;
    const at = this.#indexOf(key);
    if (at < 0) return;
    const isMissing = () => by > 0 && at + by >= this.#listing.shownWith(key).length && this.#listing.state === 'more';
    // Asking for the next picture also ends a pause.
    if (isMissing() && this.#listing.paused) await this.#listing.resume();
    while (isMissing() && !this.#listing.paused) await this.#listing.loadMore();
    const row = this.#listing.shownWith(key)[at + by];
    if (row && this.#viewer.key === key) this.#move(row);
  }

  /** @param {ImageRow} row */
  #move(row) {
    this.#on.move(row);
    this.#on.announce(displayName(row));
  }

  /** @param {string} key */
  #indexOf(key) {
    return this.#listing.shownWith(key).findIndex((row) => row.key === key);
  }

  /**
   * The picture after this one, or else the one before it.
   * @param {string} key
   */
  #neighbour(key) {
    const rows = this.#listing.shownWith(key);
    const at = this.#indexOf(key);
    return at < 0 ? undefined : (rows[at + 1] ?? rows[at - 1]);
  }
}

/** @param {Parameters<typeof displayName>[0]} row */
function titleOf(row) {
  return `${displayName(row)} – Sightline`;
}
