// @ts-check
/** Deletes pictures: hides them at once, offers to undo, and brings them back if the API rejects the deletion. */

import { errorMessage, oneLine } from '../shared/error-messages.js';
import { count, list, shorten } from '../shared/format.js';
import { Deletions } from './deletions.js';
import { displayName } from './image-row.js';
import { UndoNotice } from './undo-notice.js';

/** More pictures are counted instead of named. */
const MAX_NAMED = 3;

/** @typedef {import('../shared/api-types.js').ImageRow} ImageRow */

export class DeletionController {
  /** Whether the person may delete pictures. */
  allowed = true;

  #listing;
  #deletions;
  #notice;
  #on;

  /**
   * @param {HTMLElement} container of the Undo notice
   * @param {import('./listing.js').Listing} listing
   * @param {Pick<import('./images-api.js').ImagesApi, 'remove' | 'prepareRemoval' | 'removeOnLeaving'>} images
   * @param {object} on
   * @param {(row: ImageRow) => void} on.beforeRemove the picture is about to be hidden
   * @param {() => void} on.deleted the API deleted pictures
   * @param {(key: string) => void} on.restored
   * @param {() => void} on.focusLost
   * @param {(text: string) => void} on.announce
   * @param {(title: string, text: string) => void} on.notify
   */
  constructor(container, listing, images, on) {
    this.#listing = listing;
    this.#on = on;
    const unlimited = new AbortController().signal;
    this.#deletions = new Deletions({
      remove: (key) => images.remove(key, unlimited),
      prepare: images.prepareRemoval,
      removeOnLeaving: images.removeOnLeaving,
      change: (pending) => this.#notice.show(pending),
      deleted: on.deleted,
      failed: (rows, error) => this.#onFailure(rows, error),
    });
    this.#notice = new UndoNotice(container, { undo: () => this.undo(), hold: (held) => this.#deletions.hold(held), focusLost: on.focusLost });
    addEventListener('pagehide', () => this.#deletions.leave());
  }

  get canUndo() {
    return this.#notice.isShown;
  }

  /** @param {readonly ImageRow[]} rows */
  remove(rows) {
    const [first] = rows;
    if (!this.allowed || !first) return;
    for (const row of rows) this.#on.beforeRemove(row);
    this.#listing.hide(rows.map(({ key }) => key));
    this.#deletions.add(rows);
    const what = rows.length === 1 ? `${displayName(first)} is` : `${count(rows.length, 'picture')} are`;
    this.#on.announce(`${what} being deleted. Press Control Z to undo.`);
  }

  undo() {
    const restored = this.#deletions.undo();
    this.#listing.unhide(restored.map(({ key }) => key));
    const [first] = restored;
    if (!first) return;
    this.#on.announce(restored.length === 1 ? `${displayName(first)} was restored.` : `${count(restored.length, 'picture')} were restored.`);
    this.#on.restored(first.key);
  }

  /**
   * @param {readonly ImageRow[]} rows
   * @param {unknown} error
   */
  #onFailure(rows, error) {
    this.#listing.unhide(rows.map(({ key }) => key));
    const names = rows.length > MAX_NAMED ? count(rows.length, 'picture') : list(rows.map((row) => shorten(displayName(row))));
    this.#on.notify(`${names} could not be deleted.`, oneLine(errorMessage(error)));
  }
}
