// @ts-check
/** Messages about the whole page, or about several files. They stay until they are dismissed. */

import { iconButton } from './buttons.js';
import { h } from './dom.js';
import { icon } from './icons.js';

export class Notices {
  #onFocusLost;

  /**
   * @param {HTMLElement} region with the role `alert`
   * @param {() => void} onFocusLost the last notice was dismissed while it had the focus
   */
  constructor(region, onFocusLost) {
    this.region = region;
    this.#onFocusLost = onFocusLost;
  }

  /**
   * @param {string} title
   * @param {string} text
   */
  add(title, text) {
    const notice = h(
      'div',
      { class: 'notice' },
      icon('alert'),
      h('p', {}, h('strong', {}, title), ' ', text),
      iconButton('close', 'Dismiss', () => this.#dismiss(notice)),
    );
    // The same message again replaces the earlier one.
    for (const other of this.region.children) if (other.textContent === notice.textContent) other.remove();
    this.region.append(notice);
  }

  clear() {
    this.region.replaceChildren();
  }

  /** @param {HTMLElement} notice */
  #dismiss(notice) {
    const focused = notice.contains(document.activeElement);
    notice.remove();
    if (!focused) return;
    const next = this.region.querySelector('button');
    if (next) next.focus();
    else this.#onFocusLost();
  }
}
