// @ts-check
/**
 * The search field: a combobox with a list of suggestions, as in the ARIA Authoring Practices Guide ("Editable Combobox
 * With List Autocomplete").
 */

import { byId, h } from '../shared/dom.js';
import { icon } from '../shared/icons.js';
import { resolve, suggest } from './suggestions.js';

/** @typedef {import('./suggestions.js').Suggestion} Suggestion */

export class SearchField {
  #input = byId('search', HTMLInputElement);
  #list = byId('suggestions', HTMLElement);
  #clear = byId('search-clear', HTMLButtonElement);
  #onSearch;
  /** @type {import('../shared/api-types.js').Counts} */
  #counts = { labels: [], categories: [] };
  /** @type {{suggestion: Suggestion, option: HTMLElement}[]} */
  #options = [];
  #active = -1;
  /** The current search. The text in the field may differ while the person types. */
  #searched = '';

  /** @param {(suggestion: Suggestion | null) => void} onSearch null: all pictures */
  constructor(onSearch) {
    this.#onSearch = onSearch;
    this.#input.addEventListener('input', () => {
      this.#clear.hidden = this.#input.value === '';
      this.#open();
    });
    this.#input.addEventListener('click', () => this.#open());
    this.#input.addEventListener('keydown', (event) => this.#onKey(event));
    this.#input.addEventListener('blur', () => this.#close());
    this.#clear.addEventListener('click', () => {
      this.show('');
      this.#input.focus();
      this.#onSearch(null);
    });
    // Keeps the focus in the field while an option is pressed.
    this.#list.addEventListener('pointerdown', (event) => event.preventDefault());
    this.#list.addEventListener('click', (event) => {
      const at = this.#options.findIndex(({ option }) => event.target instanceof Node && option.contains(event.target));
      if (at >= 0) this.#choose(this.#options[at]?.suggestion ?? null);
    });
  }

  /** @param {import('../shared/api-types.js').Counts} counts */
  set counts(counts) {
    this.#counts = counts;
    const typing = document.activeElement === this.#input && this.#input.value !== this.#searched;
    if (typing || !this.#list.hidden) this.#open();
  }

  focus() {
    this.#input.focus();
  }

  /** @param {string} text the current search */
  show(text) {
    this.#searched = text;
    this.#input.value = text;
    this.#clear.hidden = text === '';
    this.#close();
  }

  #open() {
    const text = this.#input.value === this.#searched ? '' : this.#input.value;
    const { labels, categories } = suggest(this.#counts, text);
    this.#options = [];
    this.#list.replaceChildren(...this.#group('Labels', labels), ...this.#group('Categories', categories));
    this.#markOption(-1);
    const expanded = this.#options.length > 0;
    this.#list.hidden = !expanded;
    this.#input.setAttribute('aria-expanded', String(expanded));
  }

  #close() {
    this.#list.hidden = true;
    this.#input.setAttribute('aria-expanded', 'false');
    this.#markOption(-1);
  }

  /**
   * @param {string} title
   * @param {readonly Suggestion[]} suggestions
   */
  #group(title, suggestions) {
    if (suggestions.length === 0) return [];
    const id = `suggestions-${title.toLowerCase()}`;
    return [
      h(
        'div',
        { role: 'group', 'aria-labelledby': id, class: 'suggestion-group' },
        h('div', { id, class: 'suggestion-title', role: 'presentation' }, title),
        suggestions.map((suggestion) => this.#option(suggestion)),
      ),
    ];
  }

  /** @param {Suggestion} suggestion */
  #option(suggestion) {
    const option = h(
      'div',
      { role: 'option', id: `option-${this.#options.length}`, class: 'suggestion', 'aria-selected': 'false' },
      icon(suggestion.kind === 'label' ? 'tag' : 'picture'),
      h('span', { class: 'suggestion-name' }, suggestion.name),
      h('span', { class: 'suggestion-count' }, String(suggestion.images ?? ''), h('span', { class: 'visually-hidden' }, suggestion.images === 1 ? ' picture' : ' pictures')),
    );
    this.#options.push({ suggestion, option });
    return option;
  }

  /** @param {number} index -1 for none */
  #markOption(index) {
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
    this.#onSearch(suggestion);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.isComposing) return;
    const last = this.#options.length - 1;
    const open = !this.#list.hidden;
    switch (event.key) {
      case 'ArrowDown':
        if (open) this.#markOption(this.#active >= last ? 0 : this.#active + 1);
        else {
          this.#open();
          this.#markOption(0);
        }
        break;
      case 'ArrowUp':
        if (open) this.#markOption(this.#active <= 0 ? last : this.#active - 1);
        else {
          this.#open();
          this.#markOption(this.#options.length - 1);
        }
        break;
      case 'Enter':
        this.#choose(this.#options[this.#active]?.suggestion ?? resolve(this.#counts, this.#input.value));
        break;
      case 'Escape':
        // The first press closes the list, the second clears the text.
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
