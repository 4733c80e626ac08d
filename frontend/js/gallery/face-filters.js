// @ts-check
/** Filters by faces: how many, their emotion and age. Hidden while no picture is known to have a face. */

import { byId, h } from '../shared/dom.js';
import { EMOTIONS, agesOf, filtersFaces } from './url-state.js';

/** The label of every picture with a face. */
const FACE = 'face';

export class FaceFilters {
  #element = byId('face-filters', HTMLElement);
  #minFaces = byId('min-faces', HTMLSelectElement);
  #emotion = byId('emotion', HTMLSelectElement);
  #ageFrom = byId('age-from', HTMLInputElement);
  #ageTo = byId('age-to', HTMLInputElement);
  #anyFaces = false;
  #filters = false;

  /** @param {(query: Pick<import('./url-state.js').Query, 'minFaces' | 'emotion' | 'ageFrom' | 'ageTo'>) => void} onChange */
  constructor(onChange) {
    this.#emotion.append(...EMOTIONS.map((emotion) => h('option', { value: emotion }, emotion)));
    for (const control of [this.#minFaces, this.#emotion, this.#ageFrom, this.#ageTo]) {
      control.addEventListener('change', () =>
        onChange({ minFaces: Number(this.#minFaces.value), emotion: this.#emotion.value, ...agesOf(this.#ageFrom.value, this.#ageTo.value) }),
      );
    }
  }

  /** @param {import('./url-state.js').State} state */
  show(state) {
    const { minFaces, emotion, ageFrom, ageTo } = state;
    this.#showMinFaces(minFaces);
    this.#emotion.value = emotion;
    this.#ageFrom.value = ageFrom === null ? '' : String(ageFrom);
    this.#ageTo.value = ageTo === null ? '' : String(ageTo);
    this.#filters = filtersFaces(state);
    this.#update();
  }

  /** @param {readonly import('../shared/api-types.js').Count[]} labels */
  set labels(labels) {
    this.#anyFaces = labels.some(({ name }) => name.toLowerCase() === FACE);
    this.#update();
  }

  /**
   * An address may name a number that the list of choices lacks.
   * @param {number} minFaces
   */
  #showMinFaces(minFaces) {
    const value = String(minFaces);
    if (![...this.#minFaces.options].some((option) => option.value === value)) {
      this.#minFaces.append(h('option', { value }, `At least ${value} faces`));
    }
    this.#minFaces.value = value;
  }

  /** A filter in use can always be removed. */
  #update() {
    this.#element.hidden = !this.#anyFaces && !this.#filters;
  }
}
