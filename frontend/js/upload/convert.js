// @ts-check
/**
 * Converts pictures that the service cannot decode: HEIC, which iPhones use. They are uploaded as JPEG. Safari decodes them
 * by itself; elsewhere `heic.js` does.
 */

import { decodeHeic } from './heic.js';

const CONVERTED = new Set(['image/heic']);

/** Rekognition accepts pictures of up to 10,000 pixels per side (Amazon Rekognition Developer Guide, "Guidelines and quotas"). */
const MAX_SIDE = 10_000;
/** Safari on phones cannot draw on a larger canvas. Rekognition would not benefit from more pixels either. */
const MAX_PIXELS = 16_777_216;
const QUALITY = 0.92;

/**
 * Whether files of this type are converted.
 * @param {string} contentType
 */
export function needsConversion(contentType) {
  return CONVERTED.has(contentType);
}

/**
 * The same picture as a JPEG: upright, without metadata, as large as the limits allow.
 * @param {File} file
 * @returns {Promise<File | null>} null when the file cannot be decoded
 */
export async function toJpeg(file) {
  const blob = (await decodedByBrowser(file)) ?? (await decodeHeic(file, { maxSide: MAX_SIDE, maxPixels: MAX_PIXELS }));
  return blob?.type === 'image/jpeg' ? new File([blob], jpegName(file.name), { type: blob.type, lastModified: file.lastModified }) : null;
}

/**
 * @param {File} file
 * @returns {Promise<Blob | null>} null when this browser cannot decode the file
 */
async function decodedByBrowser(file) {
  const url = URL.createObjectURL(file);
  const canvas = document.createElement('canvas');
  try {
    // An image element, because older Safari versions decode HEIC only there and not in `createImageBitmap`. Drawing
    // it applies its orientation.
    const image = new Image();
    image.src = url;
    await image.decode();
    const { width, height } = fit(image.naturalWidth, image.naturalHeight);
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext('2d', { alpha: false });
    if (!context) return null;
    // JPEG has no transparency. Without a background, transparent parts would be black.
    context.fillStyle = '#fff';
    context.fillRect(0, 0, width, height);
    context.imageSmoothingQuality = 'high';
    context.drawImage(image, 0, 0, width, height);
    return await new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', QUALITY));
  } catch {
    return null;
  } finally {
    URL.revokeObjectURL(url);
    // Frees the memory now. Phones count a canvas against their limit until it is garbage collected.
    canvas.width = 0;
    canvas.height = 0;
  }
}

/**
 * The largest size with the same proportions within the limits, in whole pixels.
 * @param {number} width
 * @param {number} height
 */
export function fit(width, height) {
  const scale = Math.min(1, MAX_SIDE / Math.max(width, height), Math.sqrt(MAX_PIXELS / (width * height)));
  // Rounded down, so that rounding never exceeds a limit.
  return { width: Math.max(1, Math.floor(width * scale)), height: Math.max(1, Math.floor(height * scale)) };
}

/** @param {string} name */
export function jpegName(name) {
  return `${name.replace(/\.hei[cf]s?$/i, '')}.jpg`;
}
