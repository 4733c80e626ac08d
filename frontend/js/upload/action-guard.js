// @ts-check
/** A button whose action changes by itself, from Cancel to Remove for instance. */

/** A press this soon after a change is ignored. */
export const SETTLE_MS = 400;

/**
 * Keeps the second click of a double click on “Cancel” from triggering “Remove”.
 * @template {string} A
 */
export class ActionGuard {
  /** @type {A | null} */
  #action = null;
  #changedAt = -Infinity;
  #clock;

  /** @param {() => number} [clock] milliseconds, for tests */
  constructor(clock = () => performance.now()) {
    this.#clock = clock;
  }

  /**
   * @param {A} action what the button does from now on
   * @returns {boolean} whether the action changed
   */
  set(action) {
    if (action === this.#action) return false;
    if (this.#action !== null) this.#changedAt = this.#clock();
    this.#action = action;
    return true;
  }

  /** The action for a press now; null too soon after a change. */
  get action() {
    return this.#clock() - this.#changedAt >= SETTLE_MS ? this.#action : null;
  }
}
