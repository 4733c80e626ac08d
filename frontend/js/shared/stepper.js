// @ts-check
/** Buttons for the previous and the next picture, with the current position between them. */

import { iconButton } from './buttons.js';
import { h } from './dom.js';

/**
 * @typedef {object} Position
 * @property {number} at counted from 1; 0 when the picture is not in the list
 * @property {number} of how many pictures the list has
 * @property {boolean} [more] whether the list can grow
 */

export class Stepper {
  #previous;
  #next;
  #position = h('span', { class: 'stepper-position' });
  #hideSingle;

  /**
   * @param {(by: -1 | 1) => void} step
   * @param {{hideSingle?: boolean}} [options] `hideSingle`: shows nothing while there is only one picture
   */
  constructor(step, { hideSingle = false } = {}) {
    this.#hideSingle = hideSingle;
    this.#previous = iconButton('previous', 'Previous picture', () => step(-1));
    this.#next = iconButton('next', 'Next picture', () => step(1));
    this.element = h('div', { class: 'stepper' }, this.#previous, this.#position, this.#next);
  }

  /** @param {Position} position */
  set position({ at, of, more = false }) {
    this.#position.textContent = at > 0 ? `${at} of ${of}${more ? '+' : ''}` : '';
    this.#previous.disabled = at <= 1;
    this.#next.disabled = at === 0 || (at >= of && !more);
    this.element.hidden = this.#hideSingle && of < 2;
  }
}
