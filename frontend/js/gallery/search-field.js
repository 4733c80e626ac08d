// @ts-check
/**
 * The search field: a combobox with a list of suggestions, as in the ARIA Authoring Practices Guide ("Editable Combobox
 * With List Autocomplete"). The words in it are searched for, and stay in it to be changed. A chosen suggestion becomes a chip.
 */

import { byId, h } from '../shared/dom.js';
import { icon } from '../shared/icons.js';
import { suggestForLastWords } from './suggestions.js';
import { editableText, parseTerms, splitTerms, withoutTerm } from './terms.js';

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

/** With a finger, the keyboard on the screen covers the results. */
const touch = matchMedia('(pointer: coarse)');

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
  /** The text that is searched for. */
  #submitted = '';
  /** @type {readonly Term[]} terms that are not in the text */
  #chips = [];

  /**
   * @param {object} on
   * @param {(terms: Term[]) => void} on.search all terms
   */
  constructor(on) {
    this.#on = on;
    this.#input.addEventListener('input', () => {
      this.#showClear();
      this.#open();
      // Who empties the field does not search for its words any more.
      if (this.#input.value.trim() === '') this.#withoutWords();
    });
    // A first click selects the text, so that typing replaces it, as in a browser's address bar.
    this.#input.addEventListener('mousedown', (event) => {
      if (document.activeElement === this.#input) return;
      event.preventDefault();
      this.focus();
    });
    this.#input.addEventListener('click', () => this.#open());
    this.#input.addEventListener('keydown', (event) => this.#onKey(event));
    this.#input.addEventListener('blur', () => this.#close());
    this.#clear.addEventListener('click', () => {
      this.#input.focus();
      this.#clearAll();
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
    if (!this.#list.hidden) this.#open();
  }

  /**
   * @param {readonly Term[]} terms of the search
   * @param {boolean} isBack whether it is a former search: what is being typed does not belong to it
   * @returns {readonly Term[]} those that are not in the field
   */
  show(terms, isBack) {
    const { text, chips } = splitTerms(terms, this.#submitted);
    this.#chips = chips;
    // What is being typed stays while something else of the search changes.
    if (text !== this.#submitted || isBack) {
      this.#submitted = text;
      this.#setText(text);
    }
    this.#showClear();
    return chips;
  }

  /** Selects the text, so that typing replaces it. */
  focus() {
    this.#input.focus();
    this.#input.select();
  }

  /**
   * The terms of the text, which are searched for from now on.
   * @param {string} [chosen] a label that was chosen beside the field: what is its beginning was typed to find it
   */
  submit(chosen = '') {
    const { before, groups } = suggestForLastWords(this.#counts, this.#input.value);
    const completed = this.#input.value.trim() !== this.#submitted.trim() && groups.some(({ suggestions }) => suggestions.some(({ name }) => name === chosen));
    return this.#take(completed ? before : this.#input.value);
  }

  /**
   * Puts a chip back into the field to be changed.
   * @param {Term} term
   */
  edit(term) {
    const rest = withoutTerm(this.#chips, term);
    const before = this.#input.value.trim();
    const text = editableText(term);
    this.#on.search([...rest, ...this.#take(before)]);
    this.#input.value = before === '' ? text : `${before} ${text}`;
    this.#showClear();
    this.#input.focus();
    this.#input.setSelectionRange(this.#input.value.length - text.length, this.#input.value.length);
    this.#open();
  }

  /**
   * @param {string} text what stays in the field
   * @returns {Term[]}
   */
  #take(text) {
    this.#submitted = text.trim();
    this.#setText(this.#submitted);
    return parseTerms(text);
  }

  /** Searches by the chips alone. */
  #withoutWords() {
    if (this.#submitted === '') return;
    this.#submitted = '';
    this.#on.search([...this.#chips]);
  }

  #clearAll() {
    const searched = this.#submitted !== '' || this.#chips.length > 0;
    this.#take('');
    if (searched) this.#on.search([]);
  }

  /** @param {string} text */
  #setText(text) {
    this.#input.value = text;
    this.#showClear();
    this.#close();
  }

  #showClear() {
    this.#clear.hidden = this.#input.value === '' && this.#chips.length === 0;
  }

  #open() {
    const { groups, not } = suggestForLastWords(this.#counts, this.#input.value);
    this.#options = [];
    this.#list.replaceChildren(...groups.map((group) => this.#group(group, not)));
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
   * @param {import('./suggestions.js').SuggestionGroup} group
   * @param {boolean} not whether a minus excludes what is chosen
   */
  #group({ title, suggestions }, not) {
    const id = `suggestions-${title.toLowerCase()}`;
    return h(
      'div',
      { role: 'group', 'aria-labelledby': id, class: 'suggestion-group' },
      h('div', { id, class: 'suggestion-title', role: 'presentation' }, title),
      suggestions.map((suggestion) => this.#option(suggestion, not)),
    );
  }

  /**
   * @param {Suggestion} suggestion
   * @param {boolean} not
   */
  #option(suggestion, not) {
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
        not && !isWords && h('span', { class: 'suggestion-hint' }, 'not '),
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
    const { value } = this.#input;
    const chips = this.#chips;
    if (kind === 'any') this.#submit();
    else if (kind === 'text' || kind === 'filename') {
      // Several words become several terms.
      const words = parseTerms(value).map((word) => (word.kind === 'any' ? { ...word, kind } : word));
      this.#take('');
      this.#on.search([...chips, ...words]);
    } else {
      const { before, not } = suggestForLastWords(this.#counts, value);
      this.#on.search([...chips, ...this.#take(before), { kind, value: name, not }]);
    }
  }

  /** Searches for the text instead of what it was before. */
  #submit() {
    this.#on.search([...this.#chips, ...this.#take(this.#input.value)]);
    if (touch.matches) this.#input.blur();
    else this.#input.select();
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
      case 'Enter': {
        const chosen = this.#options[this.#active]?.suggestion;
        if (chosen) this.#choose(chosen);
        else this.#submit();
        break;
      }
      case 'Backspace': {
        const last = this.#chips.at(-1);
        if (this.#input.value !== '' || !last || event.repeat) return;
        this.edit(last);
        break;
      }
      case 'Escape':
        // The first press closes the list, the second clears the text, the third the search.
        if (open) this.#close();
        else if (this.#input.value !== '') {
          this.#setText('');
          this.#withoutWords();
        } else if (this.#chips.length > 0) this.#clearAll();
        else return;
        break;
      default:
        return;
    }
    event.preventDefault();
  }
}
