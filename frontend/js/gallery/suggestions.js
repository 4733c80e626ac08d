// @ts-check
/** What a search could mean: labels and categories of the pictures, colours, or words as they were typed. */

import { COLOURS } from './terms.js';

/**
 * @typedef {import('../shared/api-types.js').Count} Count
 * @typedef {import('../shared/api-types.js').Counts} Counts
 *
 * @typedef {object} Suggestion
 * @property {import('./terms.js').Kind} kind
 * @property {string} name
 * @property {string} alias another name of the label that matches the text, or ''
 * @property {number | null} images how many pictures have it; null if unknown
 *
 * @typedef {object} SuggestionGroup
 * @property {string} title
 * @property {Suggestion[]} suggestions
 */

const MAX_LABELS = 8;
const MAX_CATEGORIES = 4;

/** How well a name matches; lower is better. */
const STARTS_WITH_TEXT = 0;
const WORD_STARTS_WITH_TEXT = 1;
const CONTAINS_TEXT = 2;
const NO_MATCH = 3;

/**
 * The best matches. Equal matches are ordered by their number of pictures.
 * @param {Counts} counts
 * @param {string} text without it: the most frequent labels and categories
 * @returns {SuggestionGroup[]} only groups with suggestions
 */
export function suggest({ labels, categories }, text) {
  const typed = text.trim();
  const words = /** @type {const} */ (['any', 'text', 'filename']).map((kind) => ({ kind, name: typed, alias: '', images: null }));
  return [
    { title: 'Labels', suggestions: bestMatches('label', labels, typed, MAX_LABELS) },
    { title: 'Categories', suggestions: bestMatches('category', categories, typed, MAX_CATEGORIES) },
    { title: 'Colours', suggestions: typed === '' ? [] : bestMatches('color', COLOURS.map((name) => ({ name, images: 0 })), typed, 2, WORD_STARTS_WITH_TEXT) },
    { title: 'Words', suggestions: typed === '' ? [] : words },
  ].filter(({ suggestions }) => suggestions.length > 0);
}

/**
 * Suggestions for a text of several words: for as many of its last words as name something. `hot do` names Hot Dog, `beach do`
 * names Dog and keeps `beach`.
 * @param {Counts} counts
 * @param {string} text
 * @returns {{before: string, not: boolean, groups: SuggestionGroup[]}} `before`: the words that a chosen label, category or
 *   colour leaves in the field; `not`: whether a minus is in front of it
 */
export function suggestForLastWords(counts, text) {
  const typed = text.trim();
  const whole = suggest(counts, unquoted(typed));
  const words = whole.filter(({ title }) => title === 'Words');
  for (const { index } of typed.matchAll(/(?<!\S)\S/g)) {
    const last = typed.slice(index);
    const groups = suggest(counts, unquoted(last)).filter(({ title }) => title !== 'Words');
    if (groups.length > 0) return { before: typed.slice(0, index).trim(), not: last.startsWith('-'), groups: [...groups, ...words] };
  }
  return { before: '', not: typed.startsWith('-'), groups: whole };
}

/**
 * Without a minus at its start and without quotes.
 * @param {string} text
 */
function unquoted(text) {
  return text.replace(/^-/, '').replace(/["“”„]/g, '');
}

/**
 * @param {Suggestion['kind']} kind
 * @param {readonly Count[]} counts
 * @param {string} text
 * @param {number} max
 * @param {number} [worst] the worst match that counts
 * @returns {Suggestion[]}
 */
function bestMatches(kind, counts, text, max, worst = CONTAINS_TEXT) {
  const forms = formsOf(normalise(text));
  return counts
    .map((count) => ({ count, ...bestName([count.name, ...(count.aliases ?? [])], forms) }))
    .filter((match) => match.rank <= worst)
    .sort((a, b) => a.rank - b.rank || b.count.images - a.count.images || a.count.name.localeCompare(b.count.name))
    .slice(0, max)
    .map(({ count, name }) => ({ kind, name: count.name, alias: name === count.name ? '' : name, images: kind === 'color' ? null : count.images }));
}

/**
 * The one of several names that matches best; of equal ones the first.
 * @param {readonly string[]} names
 * @param {readonly string[]} forms of the text
 */
function bestName(names, forms) {
  return names
    .map((name) => ({ name, rank: Math.min(...forms.map((form) => rank(normalise(name), form))) }))
    .reduce((best, match) => (match.rank < best.rank ? match : best));
}

/**
 * A word and what may be its singular.
 * @param {string} text
 */
function formsOf(text) {
  return [text, ...[/ies$/, /es$/, /s$/].flatMap((ending, at) => (text.length > 3 && ending.test(text) ? [text.replace(ending, at === 0 ? 'y' : '')] : []))];
}

/**
 * @param {string} name
 * @param {string} wanted
 */
function rank(name, wanted) {
  const at = name.indexOf(wanted);
  if (at < 0) return NO_MATCH;
  if (at === 0) return STARTS_WITH_TEXT;
  return /[\p{L}\p{N}]/u.test(name.charAt(at - 1)) ? CONTAINS_TEXT : WORD_STARTS_WITH_TEXT;
}

/** @param {string} text */
function normalise(text) {
  return text.trim().toLowerCase();
}
