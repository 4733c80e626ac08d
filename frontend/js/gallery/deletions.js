// @ts-check
/**
 * Deletions that can be undone. The requests are sent when the time to undo is over, or when the person leaves the page.
 * Each further deletion restarts the time, and all of them are undone together.
 */

import { Limiter } from '../shared/limiter.js';

/** How long a deletion can be undone; the animation in gallery.css takes as long. */
export const UNDO_MS = 8000;
const MAX_REQUESTS = 4;
/** A prepared request can be sent for a few minutes only, so it is prepared again while the time to undo is paused. */
const PREPARE_AGAIN_MS = 120_000;

/** @typedef {import('../shared/api-types.js').ImageRow} ImageRow */

export class Deletions {
  /** @type {Map<string, ImageRow>} can be undone */
  #pending = new Map();
  /** @type {Map<string, ImageRow>} requests without a response yet */
  #sent = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #held = false;
  #limiter = new Limiter(MAX_REQUESTS);
  #on;

  /**
   * @param {object} on
   * @param {(key: string) => Promise<void>} on.remove sends the request
   * @param {(key: string) => void} [on.prepare] `removeOnLeaving` may follow
   * @param {(key: string) => void} on.removeOnLeaving sends a request that completes even if the page is closed
   * @param {(pending: readonly ImageRow[]) => void} on.change what can be undone now
   * @param {(rows: readonly ImageRow[]) => void} on.deleted
   * @param {(rows: readonly ImageRow[], error: unknown) => void} on.failed the pictures still exist
   * @param {number} [undoMs] for tests
   */
  constructor(on, undoMs = UNDO_MS) {
    this.#on = on;
    this.undoMs = undoMs;
  }

  /** @param {readonly ImageRow[]} rows */
  add(rows) {
    const added = rows.filter(({ key }) => !this.#pending.has(key) && !this.#sent.has(key));
    if (added.length === 0) return;
    for (const row of added) {
      this.#pending.set(row.key, row);
      this.#on.prepare?.(row.key);
    }
    this.#restartTimer();
    this.#notify();
  }

  /** @returns {readonly ImageRow[]} the restored pictures */
  undo() {
    clearTimeout(this.#timer);
    const restored = [...this.#pending.values()];
    this.#pending.clear();
    this.#notify();
    return restored;
  }

  /**
   * Pauses the time while the pointer or the focus is on the Undo notice, and restarts it afterwards.
   * @param {boolean} held
   */
  hold(held) {
    if (this.#held === held) return;
    this.#held = held;
    this.#restartTimer();
  }

  /** Sends the pending deletions now. */
  async flush() {
    clearTimeout(this.#timer);
    const rows = [...this.#pending.values()];
    this.#pending.clear();
    if (rows.length === 0) return;
    this.#notify();
    for (const row of rows) this.#sent.set(row.key, row);
    /** @type {ImageRow[]} */
    const failed = [];
    /** @type {ImageRow[]} */
    const deleted = [];
    /** @type {unknown} */
    let reason = null;
    await Promise.all(
      rows.map((row) =>
        this.#limiter
          .run(() => this.#on.remove(row.key))
          .then(
            () => deleted.push(row),
            (error) => {
              reason = error;
              failed.push(row);
            },
          )
          .finally(() => this.#sent.delete(row.key)),
      ),
    );
    if (deleted.length > 0) this.#on.deleted(deleted);
    if (failed.length > 0) this.#on.failed(failed, reason);
  }

  /** The person leaves the page: sends the pending deletions, and repeats the requests that leaving may cancel. */
  leave() {
    clearTimeout(this.#timer);
    for (const key of [...this.#pending.keys(), ...this.#sent.keys()]) this.#on.removeOnLeaving(key);
    this.#pending.clear();
    // The browser may keep the page and show it again later.
    this.#notify();
  }

  #restartTimer() {
    clearTimeout(this.#timer);
    if (this.#pending.size === 0) return;
    this.#timer = this.#held ? setTimeout(() => this.#prepareAgain(), PREPARE_AGAIN_MS) : setTimeout(() => void this.flush(), this.undoMs);
  }

  #prepareAgain() {
    for (const key of this.#pending.keys()) this.#on.prepare?.(key);
    this.#restartTimer();
  }

  #notify() {
    this.#on.change([...this.#pending.values()]);
  }
}
