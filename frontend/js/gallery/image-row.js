// @ts-check
/** A picture in the index, as the gallery names and filters it. */

import { count, list } from '../shared/format.js';
import { mainTerm } from './terms.js';

/** @typedef {import('../shared/api-types.js').ImageRow} ImageRow */

/**
 * The name of the uploaded file, or the end of the key.
 * @param {{key: string, filename?: string}} row
 */
export function displayName({ key, filename }) {
  return filename || key.slice(key.lastIndexOf('/') + 1);
}

/**
 * Whether a picture passes the confidence filter. What counts is the confidence of the label or category that is
 * searched for, or of a label with a name that was typed, or else of the picture's best label.
 * @param {ImageRow} row
 * @param {Pick<import('./url-state.js').State, 'terms' | 'minConfidence'>} filter
 */
export function passesFilter(row, { terms, minConfidence }) {
  if (minConfidence <= 0) return true;
  const main = mainTerm(terms);
  if (main) return (row.confidence ?? labelConfidence(row, main.value)) >= minConfidence;
  const typed = terms.filter(({ kind, not }) => kind === 'any' && !not).map(({ value }) => labelConfidence(row, value));
  const best = row.labels.reduce((most, { confidence }) => Math.max(most, confidence), 0);
  return (typed.find((confidence) => confidence > 0) ?? best) >= minConfidence;
}

/**
 * The labels that, in these pictures, are only ancestors of others, such as Animal where there is a Dog. A row lists ancestors
 * after the other labels. They are at least as confident as the labels below them, so they begin where the confidence does not fall.
 * @param {readonly Pick<ImageRow, 'labels'>[]} rows
 * @returns {Set<string>}
 */
export function ancestorsAmong(rows) {
  /** @type {Set<string>} */
  const ancestors = new Set();
  /** @type {Set<string>} */
  const others = new Set();
  for (const { labels } of rows) {
    const from = labels.findIndex(({ confidence }, at) => at > 0 && confidence >= (labels[at - 1]?.confidence ?? 0));
    labels.forEach(({ name }, at) => (from > 0 && at >= from ? ancestors : others).add(name));
  }
  return new Set([...ancestors].filter((name) => !others.has(name)));
}

/**
 * The faces of a picture, such as `2 faces, Happy, 2–6 and 30–38 years`.
 * @param {Pick<ImageRow, 'faces' | 'emotions' | 'ages'>} row
 */
export function facesText({ faces = 0, emotions = [], ages = [] }) {
  const spans = ages.map(({ low, high }) => (low === high ? String(low) : `${low}–${high}`));
  return [count(faces, 'face'), ...emotions, ...(spans.length > 0 ? [`${list(spans)} years`] : [])].join(', ');
}

/**
 * @param {ImageRow} row
 * @param {string} label
 */
function labelConfidence({ labels }, label) {
  const wanted = label.toLowerCase();
  return labels.find(({ name }) => name.toLowerCase() === wanted)?.confidence ?? 0;
}
