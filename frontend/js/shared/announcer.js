// @ts-check
/** Tells screen readers what happened, without flooding them when many pictures finish together. */

const GATHER_MS = 600;
const MOST = 3;

export class Announcer {
  /** @type {string[]} */
  #messages = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {HTMLElement} region an `aria-live` region
   * @param {() => string} summary said instead when there are too many messages
   */
  constructor(region, summary) {
    this.region = region;
    this.summary = summary;
  }

  /** @param {string} message */
  say(message) {
    this.#messages.push(message);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.region.textContent = this.#messages.length > MOST ? this.summary() : this.#messages.join(' ');
      this.#messages = [];
    }, GATHER_MS);
  }
}
