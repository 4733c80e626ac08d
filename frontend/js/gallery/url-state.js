// @ts-check
/** The gallery's state in the page's address: `?label=Dog&q=beach&faces=1&sort=oldest&confidence=80#uploads/….jpg`. */

import { keyPath } from '../shared/keys.js';
import { mainTerm, orderTerms, parametersOf, readTerms } from './terms.js';

/**
 * @typedef {'' | 'succeeded' | 'partial' | 'failed'} Status
 * @typedef {'newest' | 'oldest' | 'confidence' | 'taken'} Sort `taken`: the newest taken first
 *
 * @typedef {object} Query the search that the API answers
 * @property {readonly import('./terms.js').Term[]} terms
 * @property {Status} status
 * @property {string} from a date such as `2026-01-31`, or ''; of the upload, or of the taking with the sort `taken`
 * @property {string} to inclusive
 * @property {Sort} sort
 * @property {number} minFaces 0 for pictures with and without faces
 * @property {string} emotion main emotion of a face, or ''
 * @property {number | null} ageFrom estimated age of a face, in years
 * @property {number | null} ageTo
 *
 * @typedef {Query & {minConfidence: number, key: string}} State `minConfidence`: percent, 0..99; `key`: the open picture,
 *   or ''
 */

/** The emotions of faces, as the API names them. */
export const EMOTIONS = ['Happy', 'Sad', 'Angry', 'Calm', 'Surprised', 'Confused', 'Disgusted', 'Fear'];

/** The API's highest number of faces, and its highest age. */
const MAX_FACES = 100;
export const MAX_AGE = 150;

/**
 * The search for all pictures.
 * @type {Readonly<Query>}
 */
export const EVERYTHING = Object.freeze({
  terms: Object.freeze([]),
  status: '',
  from: '',
  to: '',
  sort: 'newest',
  minFaces: 0,
  emotion: '',
  ageFrom: null,
  ageTo: null,
});

const STATUSES = ['succeeded', 'partial', 'failed'];
const SORTS = ['newest', 'oldest', 'confidence', 'taken'];

/**
 * @param {{search: string, hash: string}} location
 * @returns {State}
 */
export function readState({ search, hash }) {
  const parameters = new URLSearchParams(search);
  const status = parameters.get('status') ?? '';
  const minConfidence = Number(parameters.get('confidence') ?? 0);
  const minFaces = Number(parameters.get('faces') ?? 0);
  const emotion = (parameters.get('emotion') ?? '').toLowerCase();
  const [from = '', to = from] = (parameters.get('age') ?? '').split('-');
  const sort = parameters.get('sort') ?? '';
  const query = withValidSort({
    terms: readTerms(parameters),
    from: dateOf(parameters.get('from')),
    to: dateOf(parameters.get('to')),
    sort: SORTS.includes(sort) ? /** @type {Sort} */ (sort) : 'newest',
    minFaces: Number.isInteger(minFaces) && minFaces > 0 ? Math.min(MAX_FACES, minFaces) : 0,
    emotion: EMOTIONS.find((each) => each.toLowerCase() === emotion) ?? '',
    ...agesOf(from, to),
    status: STATUSES.includes(status) ? /** @type {Status} */ (status) : '',
  });
  return {
    ...query,
    minConfidence: Number.isFinite(minConfidence) ? Math.min(99, Math.max(0, Math.round(minConfidence))) : 0,
    key: keyOf(hash),
  };
}

/**
 * @param {State} state
 * @returns {string} the address after the page's path
 */
export function writeState({ terms, status, from, to, sort, minFaces, emotion, ageFrom, ageTo, minConfidence, key }) {
  const parameters = new URLSearchParams(parametersOf(terms));
  if (minFaces > 0) parameters.set('faces', String(minFaces));
  if (emotion) parameters.set('emotion', emotion);
  if (ageFrom !== null || ageTo !== null) parameters.set('age', `${ageFrom ?? ''}-${ageTo ?? ''}`);
  if (status) parameters.set('status', status);
  if (from) parameters.set('from', from);
  if (to) parameters.set('to', to);
  if (sort !== 'newest') parameters.set('sort', sort);
  if (minConfidence > 0) parameters.set('confidence', String(minConfidence));
  const search = parameters.toString();
  return `${search && `?${search}`}${key && hashOf(key)}`;
}

/**
 * @param {string} key
 * @returns {string} the part of the address that opens the picture, with `#`
 */
export function hashOf(key) {
  return `#${keyPath(key)}`;
}

/**
 * @param {Query} a
 * @param {Query} b
 */
export function sameQuery(a, b) {
  return queryText(a) === queryText(b);
}

/**
 * Whether a search leaves out pictures.
 * @param {Query} query
 */
export function isFiltered(query) {
  return !sameQuery({ ...query, sort: 'newest' }, EVERYTHING);
}

/**
 * The query without an open picture and a confidence, as one text.
 * @param {Query} query
 */
export function queryText(query) {
  return writeState({ ...query, minConfidence: 0, key: '' });
}

/**
 * Pictures can be sorted by the confidence of a label or category alone.
 * @template {Query} Q
 * @param {Q} query
 * @returns {Q}
 */
export function withValidSort(query) {
  const terms = orderTerms(query.terms);
  return { ...query, terms, sort: query.sort === 'confidence' && !mainTerm(terms) ? 'newest' : query.sort };
}

/**
 * Whether a search has a filter by faces, emotion or age.
 * @param {Query} query
 */
export function filtersFaces({ minFaces, emotion, ageFrom, ageTo }) {
  return minFaces > 0 || emotion !== '' || ageFrom !== null || ageTo !== null;
}

/**
 * A span of ages from what a person wrote. An end that is no age is open; ends in the wrong order are swapped.
 * @param {string} from
 * @param {string} to
 * @returns {{ageFrom: number | null, ageTo: number | null}}
 */
export function agesOf(from, to) {
  const year = (/** @type {string} */ text) => (/^\s*\d{1,3}\s*$/.test(text) ? Math.min(MAX_AGE, Number(text)) : null);
  const [ageFrom, ageTo] = [year(from), year(to)];
  return ageFrom !== null && ageTo !== null && ageFrom > ageTo ? { ageFrom: ageTo, ageTo: ageFrom } : { ageFrom, ageTo };
}

/**
 * @param {string | null} text
 * @returns {string} '' when it is no date
 */
function dateOf(text) {
  const date = (text ?? '').trim();
  const time = /^\d{4}-\d\d-\d\d$/.test(date) ? new Date(date) : new Date(NaN);
  // JavaScript reads 30 February as 2 March.
  return !Number.isNaN(time.getTime()) && time.toISOString().startsWith(date) ? date : '';
}

/**
 * @param {string} hash
 * @returns {string} '' when the hash names no picture, as in the “Skip to the pictures” link
 */
function keyOf(hash) {
  try {
    const key = decodeURIComponent(hash.replace(/^#/, ''));
    return /^(uploads|inline)\/./.test(key) ? key : '';
  } catch {
    return '';
  }
}
