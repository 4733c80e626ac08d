// @ts-check
/** The terms of the search that are not words in the search field, as chips. Each can be changed, turned into its opposite, or removed. */

import { byId, h } from '../shared/dom.js';
import { icon } from '../shared/icons.js';
import { KIND_VIEWS } from './search-field.js';

/** @typedef {import('./terms.js').Term} Term */

export class TermList {
  #element = byId('terms', HTMLElement);
  #on;
  /** @type {readonly Term[]} */
  #terms = [];

  /**
   * @param {object} on
   * @param {(term: Term) => void} on.edit
   * @param {(term: Term) => void} on.remove
   * @param {(term: Term) => void} on.invert
   * @param {() => void} on.focusLost the last term was removed while it had the focus
   */
  constructor(on) {
    this.#on = on;
  }

  /** @param {readonly Term[]} terms */
  show(terms) {
    if (JSON.stringify(terms) === JSON.stringify(this.#terms)) return;
    const focused = [...this.#element.querySelectorAll('button')].findIndex((button) => button === document.activeElement);
    this.#terms = terms;
    this.#element.hidden = terms.length === 0;
    this.#element.replaceChildren(...terms.map((term) => this.#chip(term)));
    if (focused < 0) return;
    const buttons = this.#element.querySelectorAll('button');
    if (buttons.length > 0) buttons[Math.min(focused, buttons.length - 1)]?.focus();
    else this.#on.focusLost();
  }

  /** @param {Term} term */
  #chip(term) {
    const { kind, value, not } = term;
    const { icon: name, hint } = KIND_VIEWS[kind];
    const invert = h(
      'button',
      { type: 'button', class: 'term-invert', 'aria-pressed': String(not), 'aria-label': `Exclude ${value} (${hint})`, title: not ? 'Show pictures with it' : 'Exclude pictures with it', onclick: () => this.#on.invert(term) },
      icon(not ? 'minus' : name),
      not && h('span', { class: 'term-not' }, 'not'),
    );
    const edit = h('button', { type: 'button', class: 'term-edit', 'aria-label': `Change ${value}`, title: 'Change', onclick: () => this.#on.edit(term) }, h('span', { class: 'term-value' }, value));
    const remove = h('button', { type: 'button', class: 'term-remove', 'aria-label': `Remove ${value}`, title: 'Remove', onclick: () => this.#on.remove(term) }, icon('close'));
    return h('li', { class: not ? 'term not' : 'term' }, invert, edit, remove);
  }
}
