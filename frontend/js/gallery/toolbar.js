// @ts-check
/** The controls above the pictures: search field, chips of its terms, filters, frequent labels. */

import { byId } from '../shared/dom.js';
import { Filters } from './filters.js';
import { FrequentLabels } from './frequent-labels.js';
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
  #search;
  #termList;
  #filters;
  #frequentLabels;
  #readCounts;
  #on;
  /** @type {readonly Term[]} */
  #terms = [];
  /** Those that are not words in the search field. @type {readonly Term[]} */
  #chips = [];
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
    // Words in the search field count, though nobody pressed Enter.
    const search = (/** @type {Term[]} */ chips, chosen = '') => on.search({ terms: [...chips, ...this.#search.submit(chosen)] });
    const add = (/** @type {Term} */ term) => search([...this.#chips, term], term.value);
    this.#search = new SearchField({ search: (terms) => on.search({ terms }) });
    this.#termList = new TermList({
      edit: (term) => this.#search.edit(term),
      remove: (term) => search(withoutTerm(this.#chips, term)),
      invert: (term) => add({ ...term, not: !term.not }),
      focusLost: () => this.#search.focus(),
    });
    this.#filters = new Filters({ search: (query) => on.search({ ...query, terms: [...this.#chips, ...this.#search.submit()] }), minConfidence: on.minConfidence, add });
    this.#frequentLabels = new FrequentLabels((value) => {
      const term = { kind: /** @type {const} */ ('label'), value, not: false };
      if (this.#terms.some((each) => isSameTerm(each, term))) on.search({ terms: withoutTerm([...this.#chips, ...this.#search.submit()], term) });
      else add(term);
    });
    // What scrolls below the toolbar stops at its lower edge.
    new ResizeObserver(() => document.documentElement.style.setProperty('--toolbar-height', `${this.#element.offsetHeight}px`)).observe(this.#element);
  }

  /** The toolbar's lower edge on the screen: it covers what scrolls below it. */
  get bottom() {
    return Math.max(0, this.#element.getBoundingClientRect().bottom);
  }

  focusSearch() {
    this.#search.focus();
  }

  /**
   * @param {import('./url-state.js').State} state
   * @param {boolean} [isBack] whether the person went back or forward to it
   */
  show(state, isBack = false) {
    const { terms } = state;
    this.#terms = terms;
    this.#chips = this.#search.show(terms, isBack);
    this.#filters.show(state);
    this.#termList.show(this.#chips);
    this.#frequentLabels.searched = terms.flatMap(({ kind, value, not }) => (kind === 'label' && !not ? [value] : []));
  }

  /** @param {readonly import('../shared/api-types.js').ImageRow[]} rows pictures of the list */
  learn(rows) {
    this.#frequentLabels.learn(rows);
  }

  /** @param {import('../shared/api-types.js').ResultDocument} document */
  learnDocument(document) {
    this.#frequentLabels.learnDocument(document);
  }

  /** Loads the numbers of pictures per label and category, for the suggestions and the frequent labels. */
  async loadCounts() {
    try {
      const counts = await this.#readCounts();
      this.#countsFailed = false;
      this.#search.counts = counts;
      this.#frequentLabels.labels = counts.labels;
      this.#filters.counts = counts;
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
