// @ts-check
/** The labels and categories that match a text. */

/**
 * @typedef {import('../shared/api-types.js').Count} Count
 * @typedef {import('../shared/api-types.js').Counts} Counts
 *
 * @typedef {object} Suggestion
 * @property {'label' | 'category'} kind
 * @property {string} name
 * @property {number | null} images how many pictures have it; null if unknown
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
 * @param {string} text
 * @returns {{labels: Suggestion[], categories: Suggestion[]}}
 */
export function suggest({ labels, categories }, text) {
  return { labels: bestMatches('label', labels, text, MAX_LABELS), categories: bestMatches('category', categories, text, MAX_CATEGORIES) };
}

/**
 * The search for a text that was typed: the label with that name, else the category, else the first suggestion with a
 * word that starts with the text, else a label with no known pictures.
 * @param {Counts} counts
 * @param {string} text
 * @returns {Suggestion | null} null for an empty text
 */
export function resolve({ labels, categories }, text) {
  const wanted = normalise(text);
  if (wanted === '') return null;
  const label = labels.find(({ name }) => normalise(name) === wanted);
  if (label) return { kind: 'label', ...label };
  const category = categories.find(({ name }) => normalise(name) === wanted);
  if (category) return { kind: 'category', ...category };
  const [match] = [...bestMatches('label', labels, text, 1), ...bestMatches('category', categories, text, 1)].filter(({ name }) => rank(normalise(name), wanted) <= WORD_STARTS_WITH_TEXT);
  return match ?? { kind: 'label', name: text.trim(), images: null };
}

/**
 * @param {Suggestion['kind']} kind
 * @param {readonly Count[]} counts
 * @param {string} text
 * @param {number} max
 * @returns {Suggestion[]}
 */
function bestMatches(kind, counts, text, max) {
  const wanted = normalise(text);
  return counts
    .map((count) => ({ count, rank: rank(normalise(count.name), wanted) }))
    .filter((match) => match.rank < NO_MATCH)
    .sort((a, b) => a.rank - b.rank || b.count.images - a.count.images || a.count.name.localeCompare(b.count.name))
    .slice(0, max)
    .map(({ count }) => ({ kind, name: count.name, images: count.images }));
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
