// @ts-check
/** The lines above the list: the state of all pictures together, the time they need, and buttons that act on several of them. */

import { byId } from '../shared/dom.js';
import { percent } from '../shared/format.js';
import { Batch, timeLeft } from './batch.js';

/** @typedef {import('./tasks.js').Tasks} Tasks */

export class ListHeader {
  #tally = byId('tally', HTMLElement);
  #progress = byId('batch', HTMLProgressElement);
  #timeLeft = byId('time-left', HTMLElement);
  #cancelAll = byId('cancel-all', HTMLButtonElement);
  #retryAll = byId('retry-all', HTMLButtonElement);
  #saveAll = byId('save-all', HTMLButtonElement);
  #clear = byId('clear', HTMLButtonElement);
  #batch = new Batch();
  #tasks;
  #onFocusLost;

  /**
   * @param {Tasks} tasks
   * @param {object} on
   * @param {() => void} on.clear remove every finished picture
   * @param {() => void} on.saveAll
   * @param {() => void} on.focusLost a button was hidden while it had the focus
   */
  constructor(tasks, on) {
    this.#tasks = tasks;
    this.#onFocusLost = on.focusLost;
    this.#cancelAll.addEventListener('click', () => tasks.all.forEach((task) => task.cancel()));
    this.#retryAll.addEventListener('click', () => tasks.retryable.forEach((task) => void task.start()));
    this.#saveAll.addEventListener('click', on.saveAll);
    this.#clear.addEventListener('click', on.clear);
  }

  /** Such as `3 of 5 analysed, 1 failed`. */
  get summary() {
    const done = this.#tasks.count('done');
    const failed = this.#tasks.count('failed');
    const analysed = this.#tasks.active.length > 0 ? `${done} of ${this.#tasks.all.length} analysed` : `${done} analysed`;
    return failed > 0 ? `${analysed}, ${failed} failed` : analysed;
  }

  /** @param {string} text on the button that saves all results */
  set saving(text) {
    this.#saveAll.textContent = text;
  }

  update() {
    const total = this.#tasks.all.length;
    const active = this.#tasks.active.length;
    this.#tally.textContent = this.summary;
    this.#showProgress(active);
    const focused = [this.#cancelAll, this.#retryAll, this.#saveAll].find((each) => each === document.activeElement);
    this.#cancelAll.hidden = active < 2;
    this.#retryAll.hidden = this.#tasks.retryable.length < 2;
    this.#saveAll.hidden = this.#tasks.finished.length < 2;
    this.#clear.hidden = active === total;
    if (focused?.hidden) this.#onFocusLost();
    document.title = active > 0 ? `${total - active} of ${total} – Sightline` : 'Sightline';
  }

  /** @param {number} active pictures that are running */
  #showProgress(active) {
    const batch = this.#batch.update(this.#tasks.all);
    const paused = active > 0 && this.#tasks.count('retrying') === active;
    // A single picture has a progress bar of its own.
    const shown = batch !== null && this.#tasks.all.length > 1;
    this.#progress.hidden = !shown;
    this.#timeLeft.hidden = !shown;
    if (!shown) return;
    this.#progress.value = batch.fraction;
    this.#progress.setAttribute('aria-valuetext', percent(Math.floor(100 * batch.fraction)));
    if (paused) this.#timeLeft.textContent = navigator.onLine ? 'Waiting to try again' : 'Waiting for the network';
    else this.#timeLeft.textContent = batch.leftMs === null ? 'Estimating the time left' : sentenceCase(timeLeft(batch.leftMs));
  }
}

/** @param {string} text */
function sentenceCase(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
