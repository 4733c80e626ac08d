// @ts-check
/**
 * The search field: a combobox with a list of suggestions, after the pattern of the ARIA Authoring Practices Guide
 * ("Editable Combobox With List Autocomplete").
 */

import { h } from '../shared/dom.js';
import { icon } from '../shared/icons.js';
import { meant, suggest } from './suggestions.js';

/** @typedef {import('./suggestions.js').Suggestion} Suggestion */

export class Search {
  #input;
  #list;
  #clear;
  #on;
  /** @type {import('../shared/api-types.js').Counts} */
  #counts = { labels: [], categories: [] };
  /** @type {{suggestion: Suggestion, option: HTMLElement}[]} */
  #options = [];
  #active = -1;
  /** The text that stands for what is searched for now. */
  #settled = '';

  /**
   * @param {object} parts
   * @param {HTMLInputElement} parts.input
   * @param {HTMLElement} parts.list
   * @param {HTMLButtonElement} parts.clear
   * @param {object} on
   * @param {(suggestion: Suggestion | null) => void} on.choose null: everything
   */
  constructor({ input, list, clear }, on) {
    this.#input = input;
    this.#list = list;
    this.#clear = clear;
    this.#on = on;
    input.addEventListener('input', () => {
      clear.hidden = input.value === '';
      this.#open();
    });
    input.addEventListener('click', () => this.#open());
    input.addEventListener('keydown', (event) => this.#key(event));
    input.addEventListener('blur', () => this.#close());
    clear.addEventListener('click', () => {
      this.show('');
      input.focus();
      this.#on.choose(null);
    });
    // The focus stays in the field while an option is pressed.
    list.addEventListener('pointerdown', (event) => event.preventDefault());
    list.addEventListener('click', (event) => {
      const at = this.#options.findIndex(({ option }) => event.target instanceof Node && option.contains(event.target));
      if (at >= 0) this.#choose(this.#options[at]?.suggestion ?? null);
    });
  }

  /** @param {import('../shared/api-types.js').Counts} counts */
  set counts(counts) {
    this.#counts = counts;
    const typing = document.activeElement === this.#input && this.#input.value !== this.#settled;
    if (typing || !this.#list.hidden) this.#open();
  }

  /** @param {string} text what is searched for now */
  show(text) {
    this.#settled = text;
    this.#input.value = text;
    this.#clear.hidden = text === '';
    this.#close();
  }

  #open() {
    const text = this.#input.value === this.#settled ? '' : this.#input.value;
    const { labels, categories } = suggest(this.#counts, text);
    this.#options = [];
    this.#list.replaceChildren(...this.#group('Labels', labels), ...this.#group('Categories', categories));
    this.#mark(-1);
    const any = this.#options.length > 0;
    this.#list.hidden = !any;
    this.#input.setAttribute('aria-expanded', String(any));
  }

  #close() {
    this.#list.hidden = true;
    this.#input.setAttribute('aria-expanded', 'false');
    this.#mark(-1);
  }

  /**
   * @param {string} title
   * @param {readonly Suggestion[]} suggestions
   */
  #group(title, suggestions) {
    if (suggestions.length === 0) return [];
    const id = `found-${title.toLowerCase()}`;
    return [
      h(
        'div',
        { role: 'group', 'aria-labelledby': id, class: 'found-group' },
        h('div', { id, class: 'found-title', role: 'presentation' }, title),
        suggestions.map((suggestion) => this.#option(suggestion)),
      ),
    ];
  }

  /** @param {Suggestion} suggestion */
  #option(suggestion) {
    const option = h(
      'div',
      { role: 'option', id: `option-${this.#options.length}`, class: 'found-option', 'aria-selected': 'false' },
      icon(suggestion.kind === 'label' ? 'tag' : 'picture'),
      h('span', { class: 'found-name' }, suggestion.name),
      h('span', { class: 'found-count' }, String(suggestion.images ?? ''), h('span', { class: 'visually-hidden' }, suggestion.images === 1 ? ' picture' : ' pictures')),
    );
    this.#options.push({ suggestion, option });
    return option;
  }

  /** @param {number} index -1 for none */
  #mark(index) {
    this.#active = index;
    this.#options.forEach(({ option }, at) => option.setAttribute('aria-selected', String(at === index)));
    const marked = this.#options[index]?.option;
    if (marked) {
      this.#input.setAttribute('aria-activedescendant', marked.id);
      marked.scrollIntoView({ block: 'nearest' });
    } else {
      this.#input.removeAttribute('aria-activedescendant');
    }
  }

  /** @param {Suggestion | null} suggestion */
  #choose(suggestion) {
    this.show(suggestion?.name ?? '');
    this.#on.choose(suggestion);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.isComposing) return;
    const last = this.#options.length - 1;
    const open = !this.#list.hidden;
    switch (event.key) {
      case 'ArrowDown':
        if (open) this.#mark(this.#active >= last ? 0 : this.#active + 1);
        else {
          this.#open();
          this.#mark(0);
        }
        break;
      case 'ArrowUp':
        if (open) this.#mark(this.#active <= 0 ? last : this.#active - 1);
        else {
          this.#open();
          this.#mark(this.#options.length - 1);
        }
        break;
      case 'Enter':
        this.#choose(this.#options[this.#active]?.suggestion ?? meant(this.#counts, this.#input.value));
        break;
      case 'Escape':
        // Once for the list, once more for the text.
        if (open) this.#close();
        else if (this.#input.value !== '') this.#choose(null);
        else return;
        break;
      default:
        return;
    }
    event.preventDefault();
  }
}
