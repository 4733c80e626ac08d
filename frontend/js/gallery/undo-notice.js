// @ts-check
/** The notice of deletions that can still be taken back. It lies over everything, the viewer too. */

import { h } from '../shared/dom.js';
import { brief, count } from '../shared/format.js';
import { icon } from '../shared/icons.js';
import { nameOf } from './url-state.js';

export class UndoNotice {
  #text = h('p', {});
  #clock = h('span', { class: 'undo-clock', 'aria-hidden': 'true' });
  #button;
  #on;
  #at = { pointer: false, focus: false };

  /**
   * @param {HTMLElement} dock
   * @param {object} on
   * @param {() => void} on.undo
   * @param {(held: boolean) => void} on.hold someone is at the notice, or no longer
   * @param {() => void} on.leftWithFocus the notice goes while the focus is in it
   */
  constructor(dock, on) {
    this.#on = on;
    this.dock = dock;
    this.#button = h('button', { type: 'button', class: 'button small', onclick: on.undo }, icon('undo'), 'Undo');
    this.element = h('div', { class: 'undo', hidden: true }, icon('bin'), this.#text, this.#button, this.#clock);
    dock.append(this.element);
    this.element.addEventListener('pointerenter', (event) => event.pointerType === 'mouse' && this.#hold({ pointer: true }));
    this.element.addEventListener('pointerleave', () => this.#hold({ pointer: false }));
    this.element.addEventListener('focusin', () => this.#hold({ focus: true }));
    this.element.addEventListener('focusout', () => this.#hold({ focus: false }));
  }

  /** @param {{pointer?: boolean, focus?: boolean}} change */
  #hold(change) {
    this.#at = { ...this.#at, ...change };
    const held = this.#at.pointer || this.#at.focus;
    this.element.classList.toggle('held', held);
    this.#on.hold(held);
  }

  /** @param {readonly import('../shared/api-types.js').ImageRow[]} waiting */
  show(waiting) {
    const [first] = waiting;
    const focused = this.element.contains(document.activeElement);
    this.element.hidden = !first;
    if (!first) {
      // Nobody is at a notice that is gone, whatever the browser tells of it.
      this.#hold({ pointer: false, focus: false });
      if (focused) this.#on.leftWithFocus();
      return;
    }
    this.#text.replaceChildren(
      h('strong', {}, waiting.length === 1 ? brief(nameOf(first)) : count(waiting.length, 'picture')),
      waiting.length === 1 ? ' is being deleted.' : ' are being deleted.',
      h('span', { class: 'undo-hint' }, ' Leaving the page deletes at once.'),
    );
    // Starts the clock's animation anew.
    this.#clock.replaceWith((this.#clock = h('span', { class: 'undo-clock', 'aria-hidden': 'true' })));
  }
}
