// @ts-check
/** A picture in the index, as the gallery names and filters it. */

import { count, list } from '../shared/format.js';
import { splitLabels } from './ancestry.js';
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

/** How many labels a caption names. */
const MAX_LABELS = 3;

/**
 * The text below a picture's name: its first labels, without ancestors of others, as on the upload page.
 * @param {ImageRow} row
 * @param {number} minConfidence percent
 */
export function captionOf(row, minConfidence) {
  if (row.status === 'failed') return 'Analysis failed';
  const passing = (/** @type {ImageRow['labels']} */ labels) => labels.filter(({ confidence }) => confidence >= minConfidence).map(({ name }) => name);
  const telling = passing(splitLabels(row.labels).telling);
  const names = telling.length > 0 ? telling : passing(row.labels);
  if (names.length === 0) return row.faces ? count(row.faces, 'face') : row.labels.length > 0 ? 'No labels at this confidence' : 'No labels';
  const more = names.length - MAX_LABELS;
  return `${names.slice(0, MAX_LABELS).join(', ')}${more > 0 ? ` + ${more}` : ''}`;
}

/**
 * Whether only the result document says what was found: text or moderation labels.
 * @param {ImageRow} row
 */
export function needsDocument({ status, labels, faces }) {
  return status !== 'failed' && labels.length === 0 && !faces;
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
