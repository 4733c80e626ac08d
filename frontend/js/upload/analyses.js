// @ts-check
/** Which analyses the person asks for. The browser remembers the choice. */

import { h } from '../shared/dom.js';
import { icon } from '../shared/icons.js';
import { JsonStorage } from '../shared/storage.js';

/** For people. A service may offer analyses that are newer than the page; they have their own names. @type {Record<string, string>} */
const NAMES = {
  labels: 'Labels',
  'image-properties': 'Colours and quality',
  faces: 'Faces',
  text: 'Text',
  moderation: 'Unsafe content',
  celebrities: 'Celebrities',
  ppe: 'Protective equipment',
  'custom-labels': 'Custom labels',
};

const STORED_AS = 'sightline.analyses';

export class AnalysesChoice {
  /** @type {readonly string[]} */
  #offers;
  #chosen;
  #storage;
  #initial;

  /**
   * @param {readonly string[]} offers the analyses of the service
   * @param {readonly string[] | null} initial those that are asked for unless the person chooses; null: all
   * @param {() => Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>} [open] for tests
   */
  constructor(offers, initial, open = () => localStorage) {
    this.#offers = offers;
    this.#storage = new JsonStorage(open);
    this.#chosen = new Set(chosenFrom(offers, this.#storage.read(STORED_AS).chosen) ?? chosenFrom(offers, initial) ?? offers);
    this.#initial = initial;
  }

  /** What to request; null: all that the service offers. */
  get value() {
    // Without a list of offers, the page's configuration decides alone.
    if (this.#offers.length === 0) return this.#initial === null ? null : [...this.#initial];
    return this.#chosen.size === this.#offers.length ? null : this.#offers.filter((name) => this.#chosen.has(name));
  }

  /** @returns {HTMLElement | null} null when there is nothing to choose */
  view() {
    if (this.#offers.length < 2) return null;
    const summary = h('span', {}, this.description);
    const hint = h('p', { class: 'muted', role: 'status' });
    return h(
      'details',
      { class: 'analyses' },
      h('summary', {}, icon('chevron'), h('span', {}, 'Look for: ', summary)),
      h(
        'fieldset',
        {},
        h('legend', { class: 'visually-hidden' }, 'What to look for in the next pictures'),
        this.#offers.map((name) => this.#option(name, summary, hint)),
      ),
      hint,
    );
  }

  /**
   * @param {string} name
   * @param {HTMLElement} summary
   * @param {HTMLElement} hint
   */
  #option(name, summary, hint) {
    const checkbox = h('input', { type: 'checkbox', name: 'analysis', value: name });
    checkbox.checked = this.#chosen.has(name);
    checkbox.addEventListener('change', () => {
      const accepted = this.set(name, checkbox.checked);
      checkbox.checked = this.#chosen.has(name);
      hint.textContent = accepted ? '' : 'Choose at least one.';
      summary.textContent = this.description;
    });
    return h('label', { class: 'check' }, checkbox, NAMES[name] ?? name);
  }

  /**
   * @param {string} name
   * @param {boolean} chosen
   * @returns {boolean} false for the last one, which stays
   */
  set(name, chosen) {
    if (!chosen && this.#chosen.size === 1) return false;
    if (chosen) this.#chosen.add(name);
    else this.#chosen.delete(name);
    this.#storage.write(STORED_AS, { chosen: [...this.#chosen] });
    return true;
  }

  /** The choice in words. */
  get description() {
    const chosen = this.#offers.filter((name) => this.#chosen.has(name));
    return chosen.length === this.#offers.length ? 'everything' : chosen.map((name) => (NAMES[name] ?? name).toLowerCase()).join(', ');
  }
}

/**
 * @param {readonly string[]} offers
 * @param {unknown} names
 * @returns {string[] | null} null when none of the names is offered
 */
function chosenFrom(offers, names) {
  const chosen = Array.isArray(names) ? offers.filter((name) => names.includes(name)) : [];
  return chosen.length > 0 ? chosen : null;
}
