// @ts-check
/** What a button does at present, where that changes by itself. */

/** So long after a change a press is still meant for what the button did before. */
export const SETTLE_MS = 400;

/**
 * Keeps the second click of a double click on “Cancel” from being taken for “Remove”.
 * @template {string} M
 */
export class Meaning {
  /** @type {M | null} */
  #now = null;
  #since = -Infinity;
  #clock;

  /** @param {() => number} [clock] milliseconds, for tests */
  constructor(clock = () => performance.now()) {
    this.#clock = clock;
  }

  /**
   * @param {M} meaning what the button says from now on
   * @returns {boolean} whether that is another than before
   */
  set(meaning) {
    if (meaning === this.#now) return false;
    if (this.#now !== null) this.#since = this.#clock();
    this.#now = meaning;
    return true;
  }

  /** What a press means now; null where it comes too soon after a change. */
  get pressed() {
    return this.#clock() - this.#since >= SETTLE_MS ? this.#now : null;
  }
}
