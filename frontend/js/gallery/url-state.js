// @ts-check
/** What is looked for and looked at, as it stands in the page's address: `?label=Dog&confidence=80#uploads/….jpg`. */

/**
 * @typedef {'' | 'succeeded' | 'partial' | 'failed'} Status
 *
 * @typedef {object} Query what the API is asked for; at most one of label and category
 * @property {string} label
 * @property {string} category
 * @property {Status} status
 *
 * @typedef {Query & {least: number, key: string}} State `least`: the lowest confidence shown, percent 0..99; `key`: the
 *   picture that is looked at, or ''
 */

const STATUSES = ['succeeded', 'partial', 'failed'];

/**
 * @param {{search: string, hash: string}} address
 * @returns {State}
 */
export function readState({ search, hash }) {
  const asked = new URLSearchParams(search);
  const label = (asked.get('label') ?? '').trim();
  const category = label ? '' : (asked.get('category') ?? '').trim();
  const status = asked.get('status') ?? '';
  const least = Number(asked.get('confidence') ?? 0);
  return {
    label,
    category,
    status: STATUSES.includes(status) ? /** @type {Status} */ (status) : '',
    least: Number.isFinite(least) ? Math.min(99, Math.max(0, Math.round(least))) : 0,
    key: keyOf(hash),
  };
}

/**
 * @param {State} state
 * @returns {string} to be put behind the page's path
 */
export function writeState({ label, category, status, least, key }) {
  const asked = new URLSearchParams();
  if (label) asked.set('label', label);
  else if (category) asked.set('category', category);
  if (status) asked.set('status', status);
  if (least > 0) asked.set('confidence', String(least));
  const search = asked.toString();
  return `${search && `?${search}`}${key && hashOf(key)}`;
}

/**
 * @param {string} key
 * @returns {string} the picture's place in an address, with `#`
 */
export function hashOf(key) {
  return `#${key.split('/').map(encodeURIComponent).join('/')}`;
}

/**
 * @param {string} hash
 * @returns {string} '' where it names no picture, such as the link that skips to the main part
 */
function keyOf(hash) {
  try {
    const key = decodeURIComponent(hash.replace(/^#/, ''));
    return /^(uploads|inline)\/./.test(key) ? key : '';
  } catch {
    return '';
  }
}

/**
 * @param {Query} a
 * @param {Query} b
 */
export function sameQuery(a, b) {
  return a.label === b.label && a.category === b.category && a.status === b.status;
}

/**
 * Whether a picture is shown: what it is searched for, or else its surest label, is at least so certain.
 * @param {import('../shared/api-types.js').ImageRow} row
 * @param {Pick<State, 'label' | 'category' | 'least'>} state
 */
export function passes(row, { label, category, least }) {
  if (least <= 0) return true;
  const best = label || category ? (row.confidence ?? confidenceOf(row, label)) : (row.labels[0]?.confidence ?? 0);
  return best >= least;
}

/**
 * @param {import('../shared/api-types.js').ImageRow} row
 * @param {string} label
 */
function confidenceOf({ labels }, label) {
  const wanted = label.toLowerCase();
  return labels.find(({ name }) => name.toLowerCase() === wanted)?.confidence ?? 0;
}

/**
 * What a row calls its picture: the name of the file that was uploaded, or the end of its key.
 * @param {{key: string, filename?: string}} row
 */
export function nameOf({ key, filename }) {
  return filename || key.slice(key.lastIndexOf('/') + 1);
}
