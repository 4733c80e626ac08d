// @ts-check
/** The notice of deletions that can still be taken back. It lies over everything, the viewer too. */

import { h } from '../dom.js';
import { count } from '../format.js';
import { icon } from '../icons.js';
import { nameOf } from './state.js';

export class UndoNotice {
  #text = h('p', {});
  #clock = h('span', { class: 'undo-clock', 'aria-hidden': 'true' });
  #button;
  #focusAfter;

  /**
   * @param {HTMLElement} dock
   * @param {object} on
   * @param {() => void} on.undo
   * @param {(held: boolean) => void} on.hold someone is at the notice, or no longer
   * @param {() => void} on.leftWithFocus the notice goes while the focus is in it
   */
  constructor(dock, on) {
    this.#focusAfter = on.leftWithFocus;
    this.dock = dock;
    this.#button = h('button', { type: 'button', class: 'button small', onclick: on.undo }, icon('undo'), 'Undo');
    this.element = h('div', { class: 'undo', hidden: true }, icon('bin'), this.#text, this.#button, this.#clock);
    dock.append(this.element);
    let at = { pointer: false, focus: false };
    const hold = (/** @type {Partial<typeof at>} */ change) => {
      at = { ...at, ...change };
      const held = at.pointer || at.focus;
      this.element.classList.toggle('held', held);
      on.hold(held);
    };
    this.element.addEventListener('pointerenter', (event) => event.pointerType === 'mouse' && hold({ pointer: true }));
    this.element.addEventListener('pointerleave', () => hold({ pointer: false }));
    this.element.addEventListener('focusin', () => hold({ focus: true }));
    this.element.addEventListener('focusout', () => hold({ focus: false }));
  }

  /** @param {readonly import('../shapes.js').ImageRow[]} waiting */
  show(waiting) {
    const [first] = waiting;
    const focused = this.element.contains(document.activeElement);
    this.element.hidden = !first;
    if (!first) {
      this.element.classList.remove('held');
      if (focused) this.#focusAfter();
      return;
    }
    this.#text.replaceChildren(
      h('strong', {}, waiting.length === 1 ? nameOf(first) : count(waiting.length, 'picture')),
      waiting.length === 1 ? ' is being deleted.' : ' are being deleted.',
      h('span', { class: 'undo-hint' }, ' Leaving the page deletes at once.'),
    );
    // Starts the clock's animation anew.
    this.#clock.replaceWith((this.#clock = h('span', { class: 'undo-clock', 'aria-hidden': 'true' })));
  }
}
