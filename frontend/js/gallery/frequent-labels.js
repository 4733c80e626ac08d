// @ts-check
/** The most frequent labels as buttons that search for them, without ancestors of others. */

import { byId, h } from '../shared/dom.js';
import { Ancestry } from './ancestry.js';

const MAX_LABELS = 12;

export class FrequentLabels {
  #element = byId('frequent-labels', HTMLElement);
  /** @type {readonly import('../shared/api-types.js').Count[]} */
  #labels = [];
  #ancestry = new Ancestry();
  /** In lower case. @type {readonly string[]} */
  #searched = [];
  /** @type {{name: string, chip: HTMLButtonElement}[]} */
  #chips = [];
  /** What the chips show, to leave them alone while nothing changes. */
  #shown = '';
  #onToggle;

  /** @param {(label: string) => void} onToggle */
  constructor(onToggle) {
    this.#onToggle = onToggle;
  }

  /** @param {readonly import('../shared/api-types.js').Count[]} labels most frequent first */
  set labels(labels) {
    this.#labels = labels;
    this.#render();
  }

  /** @param {readonly import('../shared/api-types.js').ImageRow[]} rows whose labels tell which are ancestors of others */
  learn(rows) {
    if (this.#ancestry.learn(rows)) this.#render();
  }

  /** @param {import('../shared/api-types.js').ResultDocument} document */
  learnDocument(document) {
    this.#ancestry.learnDocument(document);
    this.#render();
  }

  /** @param {readonly string[]} labels what is searched for */
  set searched(labels) {
    const searched = labels.map((label) => label.toLowerCase());
    if (searched.join('\n') === this.#searched.join('\n')) return;
    this.#searched = searched;
    this.#render();
  }

  #render() {
    const focused = this.#chips.find(({ chip }) => chip === document.activeElement)?.name;
    const shown = this.#ancestry.mostTelling(this.#labels, MAX_LABELS, (name) => this.#searched.includes(name.toLowerCase()));
    if (JSON.stringify([shown, this.#searched]) === this.#shown) return;
    this.#shown = JSON.stringify([shown, this.#searched]);
    this.#chips = shown.map((label) => ({ name: label.name, chip: this.#chip(label) }));
    this.#element.hidden = this.#labels.length === 0;
    this.#element.replaceChildren(...this.#chips.map(({ chip }) => chip));
    this.#chips.find(({ name }) => name === focused)?.chip.focus();
  }

  /** @param {import('../shared/api-types.js').Count} label */
  #chip({ name, images }) {
    const pressed = this.#searched.includes(name.toLowerCase());
    return h(
      'button',
      { type: 'button', class: 'chip', 'aria-pressed': String(pressed), onclick: () => this.#onToggle(name) },
      name,
      ' ',
      h('span', { class: 'chip-count' }, images, h('span', { class: 'visually-hidden' }, images === 1 ? ' picture' : ' pictures')),
    );
  }
}
