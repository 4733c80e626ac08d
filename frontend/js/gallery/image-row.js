// @ts-check
/** A picture in the index, as the gallery names and filters it. */

import { count, list } from '../shared/format.js';

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
 * searched for, or else of the picture's best label.
 * @param {ImageRow} row
 * @param {Pick<import('./url-state.js').State, 'label' | 'category' | 'minConfidence'>} filter
 */
export function passesFilter(row, { label, category, minConfidence }) {
  if (minConfidence <= 0) return true;
  const best = label || category ? (row.confidence ?? labelConfidence(row, label)) : (row.labels[0]?.confidence ?? 0);
  return best >= minConfidence;
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
