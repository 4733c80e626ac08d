// @ts-check
/**
 * Deletions that can be taken back: the requests are sent when the time for that is over, or when the page is left.
 * Several deletions in a row are one, with one time that starts anew with each.
 */

import { Limiter } from '../shared/limiter.js';

/** How long a deletion can be taken back. */
export const UNDO_MS = 8000;
const AT_ONCE = 4;

/** @typedef {import('../shared/api-types.js').ImageRow} ImageRow */

export class Deletions {
  /** @type {Map<string, ImageRow>} those that can be taken back */
  #waiting = new Map();
  /** @type {Map<string, ImageRow>} those that were sent and not answered */
  #sent = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #held = false;
  #limiter = new Limiter(AT_ONCE);
  #on;

  /**
   * @param {object} on
   * @param {(key: string) => Promise<void>} on.remove asks the API
   * @param {(key: string) => void} on.removeOnLeaving asks it with a request that outlives the page
   * @param {(waiting: readonly ImageRow[]) => void} on.change what can be taken back now
   * @param {(rows: readonly ImageRow[], error: unknown | null) => void} on.end requests were answered; with an error
   *   the pictures are still there
   * @param {number} [undoMs] for tests
   */
  constructor(on, undoMs = UNDO_MS) {
    this.#on = on;
    this.undoMs = undoMs;
  }

  /** @param {ImageRow} row */
  add(row) {
    if (this.#waiting.has(row.key) || this.#sent.has(row.key)) return;
    this.#waiting.set(row.key, row);
    this.#wind();
    this.#tell();
  }

  /** @returns {readonly ImageRow[]} what was taken back */
  undo() {
    clearTimeout(this.#timer);
    const back = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#tell();
    return back;
  }

  /**
   * Stops the time while someone is at the button, and starts it anew afterwards.
   * @param {boolean} held
   */
  hold(held) {
    if (this.#held === held) return;
    this.#held = held;
    this.#wind();
  }

  /** Sends what waits, now. */
  async flush() {
    clearTimeout(this.#timer);
    const rows = [...this.#waiting.values()];
    this.#waiting.clear();
    if (rows.length === 0) return;
    this.#tell();
    for (const row of rows) this.#sent.set(row.key, row);
    /** @type {ImageRow[]} */
    const failed = [];
    /** @type {ImageRow[]} */
    const gone = [];
    /** @type {unknown} */
    let reason = null;
    await Promise.all(
      rows.map((row) =>
        this.#limiter
          .run(() => this.#on.remove(row.key))
          .then(
            () => gone.push(row),
            (error) => {
              reason = error;
              failed.push(row);
            },
          )
          .finally(() => this.#sent.delete(row.key)),
      ),
    );
    if (gone.length > 0) this.#on.end(gone, null);
    if (failed.length > 0) this.#on.end(failed, reason ?? new Error('The deletion failed.'));
  }

  /** The page is being left: what waits is sent, and what is on its way is sent again, since it may be cut off. */
  leave() {
    clearTimeout(this.#timer);
    for (const key of [...this.#waiting.keys(), ...this.#sent.keys()]) this.#on.removeOnLeaving(key);
    this.#waiting.clear();
    // A browser may keep the page and show it again as it was.
    this.#tell();
  }

  #wind() {
    clearTimeout(this.#timer);
    if (!this.#held && this.#waiting.size > 0) this.#timer = setTimeout(() => void this.flush(), this.undoMs);
  }

  #tell() {
    this.#on.change([...this.#waiting.values()]);
  }
}
