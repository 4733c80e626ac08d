// @ts-check
/** The gallery's state in the page's address: `?label=Dog&confidence=80#uploads/….jpg`. */

import { keyPath } from '../shared/keys.js';

/**
 * @typedef {'' | 'succeeded' | 'partial' | 'failed'} Status
 *
 * @typedef {object} Query the search that the API answers; it has a label or a category, not both
 * @property {string} label
 * @property {string} category
 * @property {Status} status
 *
 * @typedef {Query & {minConfidence: number, key: string}} State `minConfidence`: percent, 0..99; `key`: the open picture,
 *   or ''
 */

const STATUSES = ['succeeded', 'partial', 'failed'];

/**
 * @param {{search: string, hash: string}} location
 * @returns {State}
 */
export function readState({ search, hash }) {
  const parameters = new URLSearchParams(search);
  const label = (parameters.get('label') ?? '').trim();
  const category = label ? '' : (parameters.get('category') ?? '').trim();
  const status = parameters.get('status') ?? '';
  const minConfidence = Number(parameters.get('confidence') ?? 0);
  return {
    label,
    category,
    status: STATUSES.includes(status) ? /** @type {Status} */ (status) : '',
    minConfidence: Number.isFinite(minConfidence) ? Math.min(99, Math.max(0, Math.round(minConfidence))) : 0,
    key: keyOf(hash),
  };
}

/**
 * @param {State} state
 * @returns {string} the address after the page's path
 */
export function writeState({ label, category, status, minConfidence, key }) {
  const parameters = new URLSearchParams();
  if (label) parameters.set('label', label);
  else if (category) parameters.set('category', category);
  if (status) parameters.set('status', status);
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
  return a.label === b.label && a.category === b.category && a.status === b.status;
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
