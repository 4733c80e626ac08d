// @ts-check
/** The most frequent labels as buttons that search for them. */

import { byId, h } from '../shared/dom.js';

const MAX_LABELS = 12;

export class FrequentLabels {
  #element = byId('frequent-labels', HTMLElement);
  /** @type {readonly import('../shared/api-types.js').Count[]} */
  #labels = [];
  #searched = '';
  /** @type {{name: string, chip: HTMLButtonElement}[]} */
  #chips = [];
  #onSelect;

  /** @param {(label: string) => void} onSelect '' when the pressed button is pressed again */
  constructor(onSelect) {
    this.#onSelect = onSelect;
  }

  /** @param {readonly import('../shared/api-types.js').Count[]} labels most frequent first */
  set labels(labels) {
    this.#labels = labels.slice(0, MAX_LABELS);
    this.#render();
  }

  /** @param {string} label what is searched for */
  set searched(label) {
    if (this.#searched === label) return;
    this.#searched = label;
    this.#render();
  }

  #render() {
    const focused = this.#chips.find(({ chip }) => chip === document.activeElement)?.name;
    this.#chips = this.#labels.map((label) => ({ name: label.name, chip: this.#chip(label) }));
    this.#element.hidden = this.#labels.length === 0;
    this.#element.replaceChildren(...this.#chips.map(({ chip }) => chip));
    this.#chips.find(({ name }) => name === focused)?.chip.focus();
  }

  /** @param {import('../shared/api-types.js').Count} label */
  #chip({ name, images }) {
    const pressed = name.toLowerCase() === this.#searched.toLowerCase();
    return h(
      'button',
      { type: 'button', class: 'chip', 'aria-pressed': String(pressed), onclick: () => this.#onSelect(pressed ? '' : name) },
      name,
      ' ',
      h('span', { class: 'chip-count' }, images, h('span', { class: 'visually-hidden' }, images === 1 ? ' picture' : ' pictures')),
    );
  }
}
