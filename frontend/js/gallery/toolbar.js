// @ts-check
/** The controls above the pictures: search field, terms, confidence slider, status, filters, frequent labels. */

import { byId } from '../shared/dom.js';
import { percent } from '../shared/format.js';
import { FaceFilters } from './face-filters.js';
import { Filters } from './filters.js';
import { FrequentLabels } from './frequent-labels.js';
import { ancestorsAmong } from './image-row.js';
import { SearchField } from './search-field.js';
import { TermList } from './term-list.js';
import { isSameTerm, withoutTerm } from './terms.js';

/**
 * @typedef {import('../shared/api-types.js').Counts} Counts
 * @typedef {import('./terms.js').Term} Term
 * @typedef {import('./url-state.js').Query} Query
 */

export class Toolbar {
  #element = byId('toolbar', HTMLElement);
  #slider = byId('min-confidence', HTMLInputElement);
  #sliderValue = byId('min-confidence-value', HTMLOutputElement);
  #status = byId('status', HTMLSelectElement);
  #search;
  #termList;
  #filters;
  #faceFilters;
  #frequentLabels;
  #readCounts;
  #on;
  /** @type {readonly Term[]} */
  #terms = [];
  #countsFailed = false;

  /**
   * @param {() => Promise<Counts>} readCounts
   * @param {object} on
   * @param {(query: Partial<Query>) => void} on.search
   * @param {(minConfidence: number) => void} on.minConfidence
   * @param {(counts: Counts) => void} on.counts the numbers of pictures are known
   */
  constructor(readCounts, on) {
    this.#readCounts = readCounts;
    this.#on = on;
    const add = (/** @type {Term[]} */ terms) => on.search({ terms: [...this.#terms, ...terms] });
    this.#search = new SearchField({ add, removeLast: () => on.search({ terms: this.#terms.slice(0, -1) }), clear: () => on.search({ terms: [] }) });
    this.#termList = new TermList({
      remove: (term) => on.search({ terms: withoutTerm(this.#terms, term) }),
      invert: (term) => add([{ ...term, not: !term.not }]),
      focusLost: () => this.#search.focus(),
    });
    this.#filters = new Filters({ search: on.search, add: (term) => add([term]) });
    this.#faceFilters = new FaceFilters(on.search);
    this.#frequentLabels = new FrequentLabels((value) => {
      const term = { kind: /** @type {const} */ ('label'), value, not: false };
      if (this.#terms.some((each) => isSameTerm(each, term))) on.search({ terms: withoutTerm(this.#terms, term) });
      else add([term]);
    });
    // What scrolls below the toolbar stops at its lower edge.
    new ResizeObserver(() => document.documentElement.style.setProperty('--toolbar-height', `${this.#element.offsetHeight}px`)).observe(this.#element);
    this.#slider.addEventListener('input', () => on.minConfidence(this.#slider.valueAsNumber));
    this.#status.addEventListener('change', () => on.search({ status: /** @type {import('./url-state.js').Status} */ (this.#status.value) }));
  }

  /** The toolbar's lower edge on the screen: it covers what scrolls below it. */
  get bottom() {
    return Math.max(0, this.#element.getBoundingClientRect().bottom);
  }

  focusSearch() {
    this.#search.focus();
  }

  /** @param {import('./url-state.js').State} state */
  show(state) {
    const { terms, status, minConfidence } = state;
    this.#terms = terms;
    this.#filters.show(state);
    this.#faceFilters.show(state);
    this.#search.hasTerms = terms.length > 0;
    this.#termList.show(terms);
    this.#frequentLabels.searched = terms.flatMap(({ kind, value, not }) => (kind === 'label' && !not ? [value] : []));
    this.#status.value = status;
    this.#slider.value = String(minConfidence);
    this.#slider.setAttribute('aria-valuetext', minConfidence > 0 ? `${minConfidence} percent` : 'any');
    this.#sliderValue.textContent = minConfidence > 0 ? percent(minConfidence) : 'any';
  }

  /** @param {readonly import('../shared/api-types.js').ImageRow[]} rows pictures of the list */
  set examples(rows) {
    this.#frequentLabels.ancestors = ancestorsAmong(rows);
  }

  /** Loads the numbers of pictures per label and category, for the suggestions and the frequent labels. */
  async loadCounts() {
    try {
      const counts = await this.#readCounts();
      this.#countsFailed = false;
      this.#search.counts = counts;
      this.#frequentLabels.labels = counts.labels;
      this.#faceFilters.labels = counts.labels;
      this.#filters.categories = counts.categories;
      this.#on.counts(counts);
    } catch {
      // The listing fails for the same reason and reports it. Old counts are better than none.
      this.#countsFailed = true;
    }
  }

  /** Loads the counts again if that failed the last time. */
  retryCounts() {
    if (this.#countsFailed) void this.loadCounts();
  }
}
