// @ts-check
/** The notice of pending deletions with its Undo button. It is above everything, the viewer too. */

import { button } from '../shared/buttons.js';
import { h } from '../shared/dom.js';
import { count, shorten } from '../shared/format.js';
import { icon } from '../shared/icons.js';
import { displayName } from './image-row.js';

export class UndoNotice {
  #text = h('p', {});
  #timeBar = h('span', { class: 'undo-time', 'aria-hidden': 'true' });
  #element;
  #on;
  #attention = { pointer: false, focus: false };

  /**
   * @param {HTMLElement} container
   * @param {object} on
   * @param {() => void} on.undo
   * @param {(held: boolean) => void} on.hold the pointer or the focus is on the notice, or no longer
   * @param {() => void} on.focusLost the notice was hidden while it had the focus
   */
  constructor(container, on) {
    this.#on = on;
    this.#element = h('div', { class: 'undo', hidden: true }, icon('bin'), this.#text, button('Undo', on.undo, { icon: 'undo', small: true }), this.#timeBar);
    container.append(this.#element);
    this.#element.addEventListener('pointerenter', (event) => event.pointerType === 'mouse' && this.#setAttention({ pointer: true }));
    this.#element.addEventListener('pointerleave', () => this.#setAttention({ pointer: false }));
    this.#element.addEventListener('focusin', () => this.#setAttention({ focus: true }));
    this.#element.addEventListener('focusout', () => this.#setAttention({ focus: false }));
  }

  get isShown() {
    return !this.#element.hidden;
  }

  /** @param {readonly import('../shared/api-types.js').ImageRow[]} pending */
  show(pending) {
    const [first] = pending;
    const focused = this.#element.contains(document.activeElement);
    this.#element.hidden = !first;
    if (!first) {
      // Browsers fire no `pointerleave` or `focusout` for an element that is hidden.
      this.#setAttention({ pointer: false, focus: false });
      if (focused) this.#on.focusLost();
      return;
    }
    this.#text.replaceChildren(
      h('strong', {}, pending.length === 1 ? shorten(displayName(first)) : count(pending.length, 'picture')),
      pending.length === 1 ? ' is being deleted.' : ' are being deleted.',
      h('span', { class: 'undo-hint' }, ' Leaving the page deletes immediately.'),
    );
    // A new element restarts the animation.
    this.#timeBar.replaceWith((this.#timeBar = h('span', { class: 'undo-time', 'aria-hidden': 'true' })));
  }

  /** @param {{pointer?: boolean, focus?: boolean}} change */
  #setAttention(change) {
    this.#attention = { ...this.#attention, ...change };
    const held = this.#attention.pointer || this.#attention.focus;
    this.#element.classList.toggle('held', held);
    this.#on.hold(held);
  }
}
