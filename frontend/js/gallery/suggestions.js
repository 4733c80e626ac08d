// @ts-check
/** Which labels and categories a few letters may mean. */

/**
 * @typedef {object} Suggestion
 * @property {'label' | 'category'} kind
 * @property {string} name
 * @property {number | null} images how many pictures have it; null where it is not among the counts
 */

const LABELS = 8;
const CATEGORIES = 4;

/**
 * The names that begin with the text first, then those with a word that does, then those that hold it anywhere; the
 * more frequent first among equals.
 * @param {import('../shared/api-types.js').Counts} counts
 * @param {string} text
 * @returns {{labels: Suggestion[], categories: Suggestion[]}}
 */
export function suggest({ labels, categories }, text) {
  return { labels: best('label', labels, text, LABELS), categories: best('category', categories, text, CATEGORIES) };
}

/**
 * What a text means that was typed and not chosen: the label of that name, else the category, else the first suggestion
 * of which a word begins with it, else a label that is not among the counts.
 * @param {import('../shared/api-types.js').Counts} counts
 * @param {string} text
 * @returns {Suggestion | null} null for an empty text
 */
export function meant({ labels, categories }, text) {
  const wanted = fold(text);
  if (wanted === '') return null;
  const label = labels.find(({ name }) => fold(name) === wanted);
  if (label) return { kind: 'label', ...label };
  const category = categories.find(({ name }) => fold(name) === wanted);
  if (category) return { kind: 'category', ...category };
  const [begun] = [...best('label', labels, text, 1), ...best('category', categories, text, 1)].filter(({ name }) => rank(fold(name), wanted) < 2);
  return begun ?? { kind: 'label', name: text.trim(), images: null };
}

/**
 * @param {Suggestion['kind']} kind
 * @param {readonly import('../shared/api-types.js').Count[]} counts
 * @param {string} text
 * @param {number} most
 * @returns {Suggestion[]}
 */
function best(kind, counts, text, most) {
  const wanted = fold(text);
  return counts
    .map((count) => ({ count, rank: rank(fold(count.name), wanted) }))
    .filter(({ rank: at }) => at < 3)
    .sort((a, b) => a.rank - b.rank || b.count.images - a.count.images || a.count.name.localeCompare(b.count.name))
    .slice(0, most)
    .map(({ count }) => ({ kind, name: count.name, images: count.images }));
}

/**
 * @param {string} name
 * @param {string} wanted
 */
function rank(name, wanted) {
  const at = name.indexOf(wanted);
  if (at < 0) return 3;
  if (at === 0) return 0;
  return /[\p{L}\p{N}]/u.test(name.charAt(at - 1)) ? 2 : 1;
}

/** @param {string} text */
function fold(text) {
  return text.trim().toLowerCase();
}
