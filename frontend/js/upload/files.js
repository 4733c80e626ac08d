// @ts-check
/** Which files can be uploaded, and what the page tells the API about them. */

import { FILE_TYPES } from '../shared/file-types.js';
import { bytes, list, shorten } from '../shared/format.js';

/** A digest of a larger file would need too much memory; the bucket still checks the length. */
const MAX_DIGEST_BYTES = 64 * 1024 * 1024;

/** How many skipped files a notice names. */
const MAX_NAMED = 3;

const UNSUPPORTED = 'not a supported picture type';

/** For people: `JPEG, PNG, …`. */
export const TYPE_LABELS = FILE_TYPES.map(({ label }) => label);

/** For a file input: the types, and the extensions of types that browsers often do not know. */
export const ACCEPT = [...FILE_TYPES.map(({ type }) => type), '.tif', '.tiff', '.avif', '.heic', '.heif'].join(',');

/** @typedef {{name: string, reason: string}} SkippedFile */

/**
 * The content type for the upload: the browser's, as the API spells it. If the browser gives none, as for HEIC on most
 * systems, it follows from the file's name.
 * @param {{name: string, type: string}} file
 * @returns {string | null} null when the API does not accept the type
 */
export function contentType(file) {
  const given = (file.type.split(';')[0] ?? '').trim().toLowerCase();
  if (given !== '' && given !== 'application/octet-stream') {
    return FILE_TYPES.find(({ type, aliases }) => type === given || aliases.includes(given))?.type ?? null;
  }
  const extension = /\.([a-z]+)$/.exec(file.name.toLowerCase())?.[1] ?? '';
  return FILE_TYPES.find(({ extensions }) => extensions.includes(extension))?.type ?? null;
}

/**
 * @param {{name: string, type: string, size: number}} file
 * @param {number | null} maxBytes
 * @returns {{type: string} | {reason: string}} the content type, or why the file cannot be uploaded
 */
export function checkFile(file, maxBytes) {
  const type = contentType(file);
  if (type === null) return { reason: UNSUPPORTED };
  if (file.size === 0) return { reason: 'the file is empty' };
  if (maxBytes !== null && file.size > maxBytes) {
    return { reason: `${bytes(file.size)}; the limit is ${bytes(maxBytes)}` };
  }
  return { type };
}

/**
 * A notice that names the skipped files and the reasons.
 * @param {readonly SkippedFile[]} skipped at least one
 * @returns {{title: string, text: string}}
 */
export function skippedNotice(skipped) {
  const [first] = skipped;
  const advice = skipped.some(({ reason }) => reason === UNSUPPORTED) ? ` Choose ${list(TYPE_LABELS, 'or')} pictures.` : '';
  if (skipped.length === 1 && first) return { title: `${shorten(first.name)} was skipped:`, text: `${first.reason}.${advice}` };
  const named = skipped.slice(0, MAX_NAMED).map(({ name, reason }) => `${shorten(name)} (${reason})`);
  const more = skipped.length - named.length;
  return { title: `${skipped.length} files were skipped:`, text: `${list(more > 0 ? [...named, `${more} more`] : named)}.${advice}` };
}

/**
 * @param {Blob} file
 * @returns {Promise<string | null>} 64 lower-case hex digits; null when the file is large or the page is no secure
 *   context, where browsers provide no `crypto.subtle`
 */
export async function sha256Hex(file) {
  const subtle = globalThis.crypto?.subtle;
  if (!subtle || file.size > MAX_DIGEST_BYTES) return null;
  const digest = new Uint8Array(await subtle.digest('SHA-256', await file.arrayBuffer()));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
