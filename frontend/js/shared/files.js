// @ts-check
/** Which files the page takes, and what it tells the API about them. */

import { bytes } from './format.js';

/** The types the API takes, by the names it uses for them, with what people call them and how files end. */
const TYPES = [
  { type: 'image/jpeg', label: 'JPEG', endings: ['jpg', 'jpeg', 'jpe', 'jfif', 'pjpeg', 'pjp'], also: ['image/jpg', 'image/pjpeg'] },
  { type: 'image/png', label: 'PNG', endings: ['png'], also: ['image/x-png', 'image/apng'] },
  { type: 'image/webp', label: 'WebP', endings: ['webp'], also: [] },
  { type: 'image/gif', label: 'GIF', endings: ['gif'], also: [] },
  { type: 'image/bmp', label: 'BMP', endings: ['bmp', 'dib'], also: ['image/x-bmp', 'image/x-ms-bmp'] },
  { type: 'image/tiff', label: 'TIFF', endings: ['tif', 'tiff'], also: ['image/tif', 'image/x-tiff'] },
  { type: 'image/avif', label: 'AVIF', endings: ['avif'], also: [] },
  { type: 'image/heic', label: 'HEIC', endings: ['heic', 'heif'], also: ['image/heif', 'image/heic-sequence', 'image/heif-sequence'] },
];

/** Above this a digest in the page would hold too much memory at once; the bucket still checks the length. */
const DIGEST_LIMIT = 64 * 1024 * 1024;

/** Why a file of another type cannot go. */
export const NO_PICTURE = 'not a picture of a type Sightline takes';

/** For people: `JPEG, PNG, …`. */
export const TYPE_LABELS = TYPES.map(({ label }) => label);

/** For a file input: types, and the endings of those that browsers often do not know. */
export const ACCEPT = [...TYPES.map(({ type }) => type), '.tif', '.tiff', '.avif', '.heic', '.heif'].join(',');

/**
 * The content type to ask an upload for: the browser's, in the API's spelling, or one guessed from the
 * name where the browser gives none (HEIC on most systems).
 * @param {{name: string, type: string}} file
 * @returns {string | null} null when it is no type the API takes
 */
export function contentType(file) {
  const given = (file.type.split(';')[0] ?? '').trim().toLowerCase();
  if (given !== '' && given !== 'application/octet-stream') {
    return TYPES.find(({ type, also }) => type === given || also.includes(given))?.type ?? null;
  }
  const ending = /\.([a-z]+)$/.exec(file.name.toLowerCase())?.[1] ?? '';
  return TYPES.find(({ endings }) => endings.includes(ending))?.type ?? null;
}

/** @param {string} type as {@link contentType} gives it */
export function typeLabel(type) {
  return TYPES.find((each) => each.type === type)?.label ?? type;
}

/**
 * @param {{name: string, type: string, size: number}} file
 * @param {number | null} maxBytes
 * @returns {{type: string} | {reason: string}} the content type, or why the file cannot go
 */
export function check(file, maxBytes) {
  const type = contentType(file);
  if (type === null) return { reason: NO_PICTURE };
  if (file.size === 0) return { reason: 'the file is empty' };
  if (maxBytes !== null && file.size > maxBytes) {
    return { reason: `${bytes(file.size)} is more than the ${bytes(maxBytes)} allowed` };
  }
  return { type };
}

/**
 * @param {Blob} file
 * @returns {Promise<string | null>} 64 lower-case hex digits; null where the page may not compute it
 *   (browsers give `crypto.subtle` to secure contexts only) or the file is large
 */
export async function sha256Hex(file) {
  const subtle = globalThis.crypto?.subtle;
  if (!subtle || file.size > DIGEST_LIMIT) return null;
  const digest = new Uint8Array(await subtle.digest('SHA-256', await file.arrayBuffer()));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
