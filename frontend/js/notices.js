// @ts-check
/** Messages about the page as a whole, or about files that were left out. They stay until dismissed. */

import { h } from './dom.js';
import { list } from './format.js';
import { icon } from './icons.js';

/** How many files are named one by one. */
const NAMED = 3;

export class Notices {
  /** @param {HTMLElement} region with the role `alert` */
  constructor(region) {
    this.region = region;
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
      h('button', { type: 'button', class: 'icon-button', 'aria-label': 'Dismiss', onclick: () => notice.remove() }, icon('close')),
    );
    // A repeated mistake moves its message instead of piling it up.
    for (const other of this.region.children) if (other.textContent === notice.textContent) other.remove();
    this.region.append(notice);
  }

  clear() {
    this.region.replaceChildren();
  }
}

/**
 * Says which files were left out and why.
 * @param {readonly {name: string, reason: string}[]} left at least one
 * @param {readonly string[]} types what can go
 * @returns {{title: string, text: string}}
 */
export function leftOut(left, types) {
  const [first] = left;
  const advice = `Choose ${list([...types.slice(0, -1), `or ${types.at(-1)}`]).replace(' and or ', ' or ')} pictures.`;
  if (left.length === 1 && first) return { title: `${first.name} was left out:`, text: `${first.reason}. ${advice}` };
  const names = left.slice(0, NAMED).map(({ name, reason }) => `${name} (${reason})`);
  const more = left.length - names.length;
  return { title: `${left.length} files were left out:`, text: `${list(more > 0 ? [...names, `${more} more`] : names)}. ${advice}` };
}
