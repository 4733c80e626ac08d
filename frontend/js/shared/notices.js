// @ts-check
/** Messages about the page as a whole, or about files that were left out. They stay until dismissed. */

import { h } from './dom.js';
import { NO_PICTURE } from './files.js';
import { brief, list } from './format.js';
import { icon } from './icons.js';

/** How many files are named one by one. */
const NAMED = 3;

export class Notices {
  #leftWithFocus;

  /**
   * @param {HTMLElement} region with the role `alert`
   * @param {() => void} leftWithFocus the last one is dismissed while the focus is in it
   */
  constructor(region, leftWithFocus) {
    this.region = region;
    this.#leftWithFocus = leftWithFocus;
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
      h('button', { type: 'button', class: 'icon-button', 'aria-label': 'Dismiss', onclick: () => this.#dismiss(notice) }, icon('close')),
    );
    // A repeated mistake moves its message instead of piling it up.
    for (const other of this.region.children) if (other.textContent === notice.textContent) other.remove();
    this.region.append(notice);
  }

  /** @param {HTMLElement} notice */
  #dismiss(notice) {
    const focused = notice.contains(document.activeElement);
    notice.remove();
    if (!focused) return;
    const next = this.region.querySelector('button');
    if (next) next.focus();
    else this.#leftWithFocus();
  }

  clear() {
    this.region.replaceChildren();
  }
}

/**
 * Says which files were left out and why, and what to choose instead where that is the reason.
 * @param {readonly {name: string, reason: string}[]} left at least one
 * @param {readonly string[]} types what can go
 * @returns {{title: string, text: string}}
 */
export function leftOut(left, types) {
  const [first] = left;
  const advice = left.some(({ reason }) => reason === NO_PICTURE) ? ` Choose ${list([...types.slice(0, -1), `or ${types.at(-1)}`]).replace(' and or ', ' or ')} pictures.` : '';
  if (left.length === 1 && first) return { title: `${brief(first.name)} was left out:`, text: `${first.reason}.${advice}` };
  const names = left.slice(0, NAMED).map(({ name, reason }) => `${brief(name)} (${reason})`);
  const more = left.length - names.length;
  return { title: `${left.length} files were left out:`, text: `${list(more > 0 ? [...names, `${more} more`] : names)}.${advice}` };
}
