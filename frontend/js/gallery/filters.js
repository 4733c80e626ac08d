// @ts-check
/** The order of the pictures, and filters by category, colour and date behind a button. */

import { byId, h } from '../shared/dom.js';
import { COLOURS, mainTerm } from './terms.js';
import { filtersFaces } from './url-state.js';

/** @typedef {import('./url-state.js').State} State */

export class Filters {
  #toolbar = byId('toolbar', HTMLElement);
  #button = byId('filters-button', HTMLButtonElement);
  #number = byId('filters-number', HTMLElement);
  #panel = byId('filters', HTMLElement);
  #sort = byId('sort', HTMLSelectElement);
  #category = byId('category', HTMLSelectElement);
  #colour = byId('colour', HTMLSelectElement);
  #from = byId('date-from', HTMLInputElement);
  #to = byId('date-to', HTMLInputElement);
  #dates = byId('dates-name', HTMLElement);
  #open = false;
  #hasDates = false;

  /**
   * @param {object} on
   * @param {(query: Partial<import('./url-state.js').Query>) => void} on.search
   * @param {(term: import('./terms.js').Term) => void} on.add
   */
  constructor(on) {
    this.#button.addEventListener('click', () => {
      this.#open = this.#panel.hidden === true;
      this.#update();
    });
    this.#sort.addEventListener('change', () => on.search({ sort: /** @type {import('./url-state.js').Sort} */ (this.#sort.value) }));
    this.#colour.append(...COLOURS.map((name) => h('option', { value: name }, name)));
    for (const [select, kind] of /** @type {const} */ ([
      [this.#category, 'category'],
      [this.#colour, 'color'],
    ])) {
      select.addEventListener('change', () => {
        const { value } = select;
        // The term shows the choice. The list offers further ones.
        select.value = '';
        if (value) on.add({ kind, value, not: false });
      });
    }
    for (const input of [this.#from, this.#to]) {
      input.addEventListener('change', () => {
        const [from, to] = [this.#from.value, this.#to.value];
        // While somebody types 2026, browsers report the years 2, 20 and 202.
        if ([from, to].some((date) => date.startsWith('0'))) return;
        on.search(from && to && from > to ? { from: to, to: from } : { from, to });
      });
    }
  }

  /** @param {State} state */
  show(state) {
    const { terms, status, from, to, sort, minConfidence } = state;
    this.#sort.value = sort;
    const byConfidence = this.#sort.querySelector('option[value="confidence"]');
    if (byConfidence instanceof HTMLOptionElement) byConfidence.hidden = byConfidence.disabled = !mainTerm(terms);
    this.#from.value = from;
    this.#to.value = to;
    this.#dates.textContent = sort === 'taken' ? 'Taken' : 'Uploaded';
    this.#hasDates = from !== '' || to !== '';
    const active = [this.#hasDates, status !== '', minConfidence > 0, filtersFaces(state)].filter(Boolean).length;
    this.#number.textContent = active > 0 ? String(active) : '';
    this.#update();
  }

  /** @param {readonly import('../shared/api-types.js').Count[]} categories */
  set categories(categories) {
    const [any] = this.#category.options;
    this.#category.replaceChildren(...(any ? [any] : []), ...categories.map(({ name }) => name).sort((a, b) => a.localeCompare(b)).map((name) => h('option', { value: name }, name)));
  }

  /** Dates in use can always be removed. */
  #update() {
    this.#panel.hidden = !this.#open && !this.#hasDates;
    this.#toolbar.classList.toggle('open', !this.#panel.hidden);
    this.#button.setAttribute('aria-expanded', String(!this.#panel.hidden));
  }
}
