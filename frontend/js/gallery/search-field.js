// @ts-check
/**
 * The search field: a combobox with a list of suggestions, as in the ARIA Authoring Practices Guide ("Editable Combobox
 * With List Autocomplete"). What is chosen or typed becomes a term beside the others.
 */

import { byId, h } from '../shared/dom.js';
import { icon } from '../shared/icons.js';
import { suggest } from './suggestions.js';
import { parseTerms } from './terms.js';

/**
 * @typedef {import('./suggestions.js').Suggestion} Suggestion
 * @typedef {import('./terms.js').Term} Term
 */

/** @type {Record<import('./terms.js').Kind, {icon: import('../shared/icons.js').IconName, hint: string}>} */
export const KIND_VIEWS = {
  label: { icon: 'tag', hint: 'label' },
  category: { icon: 'picture', hint: 'category' },
  color: { icon: 'palette', hint: 'colour' },
  any: { icon: 'search', hint: 'anywhere' },
  text: { icon: 'text', hint: 'as a word in pictures' },
  filename: { icon: 'file', hint: 'in file names' },
};

export class SearchField {
  #input = byId('search', HTMLInputElement);
  #list = byId('suggestions', HTMLElement);
  #clear = byId('search-clear', HTMLButtonElement);
  #on;
  /** @type {import('../shared/api-types.js').Counts} */
  #counts = { labels: [], categories: [] };
  /** @type {{suggestion: Suggestion, option: HTMLElement}[]} */
  #options = [];
  #active = -1;
  #hasTerms = false;

  /**
   * @param {object} on
   * @param {(terms: Term[]) => void} on.add
   * @param {() => void} on.removeLast
   * @param {() => void} on.clear all terms
   */
  constructor(on) {
    this.#on = on;
    this.#input.addEventListener('input', () => {
      this.#showClear();
      this.#open();
    });
    this.#input.addEventListener('click', () => this.#open());
    this.#input.addEventListener('keydown', (event) => this.#onKey(event));
    this.#input.addEventListener('blur', () => this.#close());
    this.#clear.addEventListener('click', () => {
      this.#setText('');
      this.#input.focus();
      if (this.#hasTerms) on.clear();
    });
    // Keeps the focus in the field while an option is pressed.
    this.#list.addEventListener('pointerdown', (event) => event.preventDefault());
    this.#list.addEventListener('click', (event) => {
      const at = this.#options.findIndex(({ option }) => event.target instanceof Node && option.contains(event.target));
      const chosen = this.#options[at]?.suggestion;
      if (chosen) this.#choose(chosen);
    });
  }

  /** @param {import('../shared/api-types.js').Counts} counts */
  set counts(counts) {
    this.#counts = counts;
    const typing = document.activeElement === this.#input && this.#input.value !== '';
    if (typing || !this.#list.hidden) this.#open();
  }

  /** @param {boolean} hasTerms whether the search has terms */
  set hasTerms(hasTerms) {
    this.#hasTerms = hasTerms;
    this.#showClear();
  }

  focus() {
    this.#input.focus();
  }

  /** @param {string} text */
  #setText(text) {
    this.#input.value = text;
    this.#showClear();
    this.#close();
  }

  #showClear() {
    this.#clear.hidden = this.#input.value === '' && !this.#hasTerms;
  }

  #open() {
    const { text } = this.#typed();
    this.#options = [];
    this.#list.replaceChildren(...suggest(this.#counts, text).map((group) => this.#group(group)));
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

  /** The text without a minus at its start, which excludes. */
  #typed() {
    const value = this.#input.value.trimStart();
    return { text: value.replace(/^-/, ''), not: value.startsWith('-') };
  }

  /** @param {import('./suggestions.js').SuggestionGroup} group */
  #group({ title, suggestions }) {
    const id = `suggestions-${title.toLowerCase()}`;
    return h(
      'div',
      { role: 'group', 'aria-labelledby': id, class: 'suggestion-group' },
      h('div', { id, class: 'suggestion-title', role: 'presentation' }, title),
      suggestions.map((suggestion) => this.#option(suggestion)),
    );
  }

  /** @param {Suggestion} suggestion */
  #option(suggestion) {
    const { kind, name, alias, images } = suggestion;
    const view = KIND_VIEWS[kind];
    const isWords = kind === 'any' || kind === 'text' || kind === 'filename';
    const option = h(
      'div',
      { role: 'option', id: `option-${this.#options.length}`, class: 'suggestion', 'aria-selected': 'false' },
      icon(view.icon),
      h(
        'span',
        { class: 'suggestion-text' },
        this.#typed().not && h('span', { class: 'suggestion-hint' }, 'not '),
        h('span', { class: 'suggestion-name' }, isWords ? `“${name}”` : name),
        ' ',
        alias ? h('span', { class: 'suggestion-hint' }, `also ${alias} `) : isWords && h('span', { class: 'suggestion-hint' }, `${view.hint} `),
      ),
      images !== null && h('span', { class: 'suggestion-count' }, String(images), h('span', { class: 'visually-hidden' }, images === 1 ? ' picture' : ' pictures')),
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

  /** @param {Suggestion} suggestion */
  #choose({ kind, name }) {
    const { not } = this.#typed();
    this.#setText('');
    // Several words become several terms.
    const words = kind === 'any' || kind === 'text' || kind === 'filename' ? parseTerms(name) : [];
    this.#on.add(words.length > 0 ? words.map((word) => ({ ...word, kind: word.kind === 'any' ? kind : word.kind, not: not || word.not })) : [{ kind, value: name, not }]);
  }

  #submit() {
    const chosen = this.#options[this.#active]?.suggestion;
    if (chosen) {
      this.#choose(chosen);
      return;
    }
    const terms = parseTerms(this.#input.value);
    this.#setText('');
    if (terms.length > 0) this.#on.add(terms);
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
        this.#submit();
        break;
      case 'Backspace':
        if (this.#input.value !== '' || !this.#hasTerms || event.repeat) return;
        this.#on.removeLast();
        break;
      case 'Escape':
        // The first press closes the list, the second clears the text, the third the search.
        if (open) this.#close();
        else if (this.#input.value !== '') this.#setText('');
        else if (this.#hasTerms) this.#on.clear();
        else return;
        break;
      default:
        return;
    }
    event.preventDefault();
  }
}
