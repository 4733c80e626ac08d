// @ts-check
/** The order of the pictures, and the panel of filters that a button opens and closes. */

import { byId, h } from '../shared/dom.js';
import { confidenceText } from '../shared/format.js';
import { FaceFilters } from './face-filters.js';
import { COLOURS, mainTerm } from './terms.js';
import { EVERYTHING, filtersFaces } from './url-state.js';

/**
 * @typedef {import('./url-state.js').State} State
 * @typedef {import('./url-state.js').Query} Query
 */

export class Filters {
  #toolbar = byId('toolbar', HTMLElement);
  #button = byId('filters-button', HTMLButtonElement);
  #number = byId('filters-number', HTMLElement);
  #panel = byId('filters', HTMLElement);
  #reset = byId('filters-reset', HTMLButtonElement);
  #sort = byId('sort', HTMLSelectElement);
  #slider = byId('min-confidence', HTMLInputElement);
  #sliderValue = byId('min-confidence-value', HTMLOutputElement);
  #status = byId('status', HTMLSelectElement);
  #category = byId('category', HTMLSelectElement);
  #colour = byId('colour', HTMLSelectElement);
  #from = byId('date-from', HTMLInputElement);
  #to = byId('date-to', HTMLInputElement);
  #dates = byId('dates-name', HTMLElement);
  #faces;

  /**
   * @param {object} on
   * @param {(query: Partial<Query>) => void} on.search
   * @param {(minConfidence: number) => void} on.minConfidence
   * @param {(term: import('./terms.js').Term) => void} on.add
   */
  constructor(on) {
    this.#faces = new FaceFilters(on.search);
    this.#button.addEventListener('click', () => this.#toggle());
    byId('filters-done', HTMLButtonElement).addEventListener('click', () => this.#toggle(false));
    this.#panel.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || event.defaultPrevented) return;
      event.preventDefault();
      event.stopPropagation();
      this.#toggle(false);
    });
    this.#reset.addEventListener('click', () => {
      const { status, from, to, minFaces, emotion, ageFrom, ageTo } = EVERYTHING;
      on.search({ status, from, to, minFaces, emotion, ageFrom, ageTo });
      on.minConfidence(0);
      // A disabled button loses the focus.
      this.#button.focus();
    });
    this.#slider.addEventListener('input', () => on.minConfidence(this.#slider.valueAsNumber));
    this.#status.addEventListener('change', () => on.search({ status: /** @type {import('./url-state.js').Status} */ (this.#status.value) }));
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
    this.#status.value = status;
    this.#slider.value = String(minConfidence);
    this.#slider.setAttribute('aria-valuetext', minConfidence > 0 ? `${minConfidence} percent` : 'any');
    this.#sliderValue.textContent = minConfidence > 0 ? confidenceText(minConfidence) : 'any';
    this.#from.value = from;
    this.#to.value = to;
    this.#dates.textContent = sort === 'taken' ? 'Taken' : 'Uploaded';
    this.#faces.show(state);
    const active = [from !== '' || to !== '', status !== '', minConfidence > 0, filtersFaces(state)].filter(Boolean).length;
    this.#number.replaceChildren(...(active > 0 ? [String(active), h('span', { class: 'visually-hidden' }, ' in use')] : []));
    this.#reset.disabled = active === 0;
  }

  /** @param {import('../shared/api-types.js').Counts} counts */
  set counts({ labels, categories }) {
    this.#faces.labels = labels;
    const [any] = this.#category.options;
    this.#category.replaceChildren(...(any ? [any] : []), ...categories.map(({ name }) => name).sort((a, b) => a.localeCompare(b)).map((name) => h('option', { value: name }, name)));
  }

  /** @param {boolean} [open] without it: the other state */
  #toggle(open = this.#panel.hidden === true) {
    // The button is left when the panel closes.
    if (!open && this.#panel.contains(document.activeElement)) this.#button.focus();
    this.#panel.hidden = !open;
    this.#toolbar.classList.toggle('open', open);
    this.#button.setAttribute('aria-expanded', String(open));
  }
}
