// @ts-check
/** The controls above the pictures: search field, confidence slider, status, faces, frequent labels. */

import { byId } from '../shared/dom.js';
import { percent } from '../shared/format.js';
import { FaceFilters } from './face-filters.js';
import { FrequentLabels } from './frequent-labels.js';
import { SearchField } from './search-field.js';

/**
 * @typedef {import('../shared/api-types.js').Counts} Counts
 * @typedef {import('./url-state.js').Query} Query
 */

export class Toolbar {
  #element = byId('toolbar', HTMLElement);
  #slider = byId('min-confidence', HTMLInputElement);
  #sliderValue = byId('min-confidence-value', HTMLOutputElement);
  #status = byId('status', HTMLSelectElement);
  #search;
  #faceFilters;
  #frequentLabels;
  #readCounts;
  #countsFailed = false;

  /**
   * @param {() => Promise<Counts>} readCounts
   * @param {object} on
   * @param {(query: Partial<Query>) => void} on.search
   * @param {(minConfidence: number) => void} on.minConfidence
   */
  constructor(readCounts, on) {
    this.#readCounts = readCounts;
    this.#search = new SearchField((found) =>
      on.search({ label: found?.kind === 'label' ? found.name : '', category: found?.kind === 'category' ? found.name : '' }),
    );
    this.#faceFilters = new FaceFilters(on.search);
    this.#frequentLabels = new FrequentLabels((label) => on.search({ label, category: '' }));
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
    const { label, category, status, minConfidence } = state;
    this.#faceFilters.show(state);
    this.#search.show(label || category);
    this.#frequentLabels.searched = label;
    this.#status.value = status;
    this.#slider.value = String(minConfidence);
    this.#slider.setAttribute('aria-valuetext', minConfidence > 0 ? `${minConfidence} percent` : 'any');
    this.#sliderValue.textContent = minConfidence > 0 ? percent(minConfidence) : 'any';
  }

  /** Loads the numbers of pictures per label and category, for the suggestions and the frequent labels. */
  async loadCounts() {
    try {
      const counts = await this.#readCounts();
      this.#countsFailed = false;
      this.#search.counts = counts;
      this.#frequentLabels.labels = counts.labels;
      this.#faceFilters.labels = counts.labels;
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
