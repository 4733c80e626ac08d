// @ts-check
/** Announces changes to screen readers. Many messages at once become one summary. */

const COLLECT_MS = 600;
const MAX_MESSAGES = 3;

export class Announcer {
  /** @type {string[]} */
  #messages = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {HTMLElement} region an `aria-live` region
   * @param {() => string} summary announced instead of too many messages
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
      this.region.textContent = this.#messages.length > MAX_MESSAGES ? this.summary() : this.#messages.join(' ');
      this.#messages = [];
    }, COLLECT_MS);
  }
}
