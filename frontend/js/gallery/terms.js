// @ts-check
/**
 * The terms of a search: what a person types, what the address holds, and what the API gets. `dog -cat "hot dog" text:exit`
 * are four terms.
 */

/**
 * @typedef {'label' | 'category' | 'text' | 'filename' | 'color' | 'any'} Kind `any`: a label, category, found word, word of the
 *   file name or colour
 *
 * @typedef {object} Term
 * @property {Kind} kind
 * @property {string} value
 * @property {boolean} not whether it excludes pictures
 */

/** In the order in which terms are shown, written and sent. @type {readonly Kind[]} */
const KINDS = ['label', 'category', 'text', 'filename', 'color', 'any'];

/** What narrows a word to one kind. @type {Readonly<Record<string, Kind>>} */
const PREFIXES = { label: 'label', category: 'category', text: 'text', name: 'filename', filename: 'filename', color: 'color', colour: 'color' };
const PREFIX_OF = { label: 'label:', category: 'category:', text: 'text:', filename: 'name:', color: 'color:', any: '' };

/** The API's parameters. It excludes by the others within `q`. @type {Readonly<Partial<Record<Kind, string>>>} */
const EXCLUDING = { label: 'notLabel', category: 'notCategory' };

/** The simplified names of Rekognition's colours. */
export const COLOURS = ['Black', 'Blue', 'Brown', 'Cyan', 'Green', 'Grey', 'Orange', 'Pink', 'Purple', 'Red', 'White', 'Yellow'];

/**
 * The terms in a text that was typed.
 * @param {string} text
 * @returns {Term[]}
 */
export function parseTerms(text) {
  const terms = [...text.matchAll(/(-?)(?:(label|category|text|name|filename|colou?r):)?(?:["“”„]([^"“”„]*)["“”„]?|([^\s"“”„]+))/gi)].map(([, not = '', prefix = '', phrase, word]) => ({
    kind: PREFIXES[prefix.toLowerCase()] ?? 'any',
    value: (phrase ?? word ?? '').trim(),
    not: not !== '',
  }));
  return orderTerms(terms);
}

/**
 * A term as a person would type it.
 * @param {Term} term
 */
export function formatTerm({ kind, value, not }) {
  const isPlain = /^[^\s"“”„-][^\s"“”„]*$/.test(value) && !/^(label|category|text|name|filename|colou?r):/i.test(value);
  return `${not ? '-' : ''}${PREFIX_OF[kind]}${isPlain ? value : `"${value}"`}`;
}

/**
 * Each term once, in the order of KINDS.
 * @param {readonly Term[]} terms
 * @returns {Term[]}
 */
export function orderTerms(terms) {
  /** @type {Map<string, Term>} */
  const known = new Map();
  for (const term of terms) {
    const value = term.value.replace(/["“”„]/g, ' ').trim();
    // A term and its exclusion would find nothing. The last one counts.
    if (!/^-*$/.test(value)) known.set(`${term.kind} ${value.toLowerCase()}`, { ...term, value });
  }
  return [...known.values()].sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || Number(a.not) - Number(b.not));
}

/**
 * The parameters of the API and of the page's address.
 * @param {readonly Term[]} terms
 * @returns {[string, string][]}
 */
export function parametersOf(terms) {
  /** @type {[string, string][]} */
  const parameters = [];
  /** @type {string[]} */
  const words = [];
  for (const term of terms) {
    const name = term.not ? EXCLUDING[term.kind] : term.kind === 'any' ? undefined : term.kind;
    if (name) parameters.push([name, term.value]);
    else words.push(formatTerm(term));
  }
  return words.length > 0 ? [...parameters, ['q', words.join(' ')]] : parameters;
}

/**
 * @param {URLSearchParams} parameters
 * @returns {Term[]}
 */
export function readTerms(parameters) {
  const read = (/** @type {Kind} */ kind, name = /** @type {string} */ (kind), not = false) => parameters.getAll(name).map((value) => ({ kind, value, not }));
  const named = KINDS.flatMap((kind) => (kind === 'any' ? [] : [...read(kind), ...(EXCLUDING[kind] ? read(kind, EXCLUDING[kind], true) : [])]));
  return orderTerms([...named, ...parameters.getAll('q').flatMap(parseTerms)]);
}

/**
 * The label or category whose confidence counts, if there is one.
 * @param {readonly Term[]} terms
 */
export function mainTerm(terms) {
  return terms.find(({ kind, not }) => !not && (kind === 'label' || kind === 'category')) ?? null;
}

/**
 * @param {readonly Term[]} terms
 * @param {Term} term
 */
export function withoutTerm(terms, term) {
  return terms.filter((each) => !isSameTerm(each, term));
}

/**
 * Which terms are the text in the search field, and which are chips beside it. The text stays as it was typed while the search
 * has its terms. Otherwise, such as after Back, it has the words of the search.
 * @param {readonly Term[]} terms
 * @param {string} text what was submitted last
 * @returns {{text: string, chips: Term[]}}
 */
export function splitTerms(terms, text) {
  const isIn = (/** @type {readonly Term[]} */ some) => (/** @type {Term} */ term) => some.some((each) => isSameTerm(each, term));
  const typed = parseTerms(text);
  const words = terms.filter(({ kind }) => kind === 'any');
  if (typed.every(isIn(terms)) && words.every(isIn(typed))) return { text, chips: terms.filter((term) => !isIn(typed)(term)) };
  return { text: words.map(formatTerm).join(' '), chips: terms.filter(({ kind }) => kind !== 'any') };
}

/**
 * The text with which a person changes a chip. A label's name becomes a word, so that suggestions for other labels follow.
 * @param {Term} term
 */
export function editableText(term) {
  return formatTerm(['label', 'category', 'color'].includes(term.kind) ? { ...term, kind: 'any' } : term);
}

/**
 * Replaces a word that no picture has by a similar name. Several words may be one name: `dinning table`.
 * @param {readonly Term[]} terms
 * @param {string} word
 * @param {string} name
 */
export function correctTerms(terms, word, name) {
  const wrong = word.toLowerCase();
  const is = (/** @type {readonly Term[]} */ some) => some.map(({ value }) => value.toLowerCase()).join(' ') === wrong;
  const corrected = terms.map((term) => (is([term]) ? { ...term, value: name } : term));
  if (corrected.some(({ value }) => value === name)) return orderTerms(corrected);
  for (const [start, first] of terms.entries()) {
    const end = terms.findIndex((_, at) => at > start && is(terms.slice(start, at + 1)));
    if (end > start) return orderTerms([...terms.slice(0, start), { ...first, value: name }, ...terms.slice(end + 1)]);
  }
  return orderTerms([...terms, { kind: 'any', value: name, not: false }]);
}

/**
 * @param {Term} a
 * @param {Term} b
 */
export function isSameTerm(a, b) {
  return a.kind === b.kind && a.not === b.not && a.value.toLowerCase() === b.value.toLowerCase();
}

/**
 * The terms in words, such as ` with “Dog” and “Beach”, without “Cat”`.
 * @param {readonly Term[]} terms
 */
export function termsClause(terms) {
  const quoted = (/** @type {readonly Term[]} */ some) => joined(some.map(({ value }) => `“${value}”`));
  const wanted = (/** @type {Kind} */ kind) => terms.filter((term) => term.kind === kind && !term.not);
  const excluded = terms.filter(({ not }) => not);
  const clause = (/** @type {string} */ before, /** @type {readonly Term[]} */ some, after = '') => (some.length > 0 ? ` ${before}${quoted(some)}${after}` : '');
  return [
    clause('with ', wanted('label')),
    clause('in ', wanted('category')),
    clause('with the text ', wanted('text')),
    clause('named ', wanted('filename')),
    clause('in ', wanted('color').map((term) => ({ ...term, value: term.value.toLowerCase() }))),
    clause('for ', wanted('any')),
    clause('without ', excluded),
  ].join('');
}

/** @param {readonly string[]} items */
function joined(items) {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}
