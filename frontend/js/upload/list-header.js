// @ts-check
/** The line above the list: the state of all pictures together, and buttons that act on several of them. */

import { byId } from '../shared/dom.js';

/** @typedef {import('./tasks.js').Tasks} Tasks */

export class ListHeader {
  #tally = byId('tally', HTMLElement);
  #cancelAll = byId('cancel-all', HTMLButtonElement);
  #retryAll = byId('retry-all', HTMLButtonElement);
  #clear = byId('clear', HTMLButtonElement);
  #tasks;
  #onFocusLost;

  /**
   * @param {Tasks} tasks
   * @param {object} on
   * @param {() => void} on.clear remove every finished picture
   * @param {() => void} on.focusLost a button was hidden while it had the focus
   */
  constructor(tasks, on) {
    this.#tasks = tasks;
    this.#onFocusLost = on.focusLost;
    this.#cancelAll.addEventListener('click', () => tasks.all.forEach((task) => task.cancel()));
    this.#retryAll.addEventListener('click', () => tasks.retryable.forEach((task) => void task.start()));
    this.#clear.addEventListener('click', on.clear);
  }

  /** Such as `3 of 5 analysed, 1 failed`. */
  get summary() {
    const done = this.#tasks.count('done');
    const failed = this.#tasks.count('failed');
    const analysed = this.#tasks.active.length > 0 ? `${done} of ${this.#tasks.all.length} analysed` : `${done} analysed`;
    return failed > 0 ? `${analysed}, ${failed} failed` : analysed;
  }

  update() {
    const total = this.#tasks.all.length;
    const active = this.#tasks.active.length;
    this.#tally.textContent = this.summary;
    const focused = [this.#cancelAll, this.#retryAll].find((each) => each === document.activeElement);
    this.#cancelAll.hidden = active < 2;
    this.#retryAll.hidden = this.#tasks.retryable.length < 2;
    this.#clear.hidden = active === total;
    if (focused?.hidden) this.#onFocusLost();
    document.title = active > 0 ? `${total - active} of ${total} – Sightline` : 'Sightline';
  }
}
