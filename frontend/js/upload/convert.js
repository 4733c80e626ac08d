// @ts-check
/**
 * Pictures of types that the service cannot decode, and some browsers can: HEIC, which iPhones take and
 * Safari shows. They are sent as JPEG.
 */

const CONVERTED = new Set(['image/heic']);

/** Rekognition takes pictures of up to 10,000 pixels a side (Amazon Rekognition Developer Guide, "Guidelines and quotas"). */
const MAX_SIDE = 10_000;
/** Safari on phones draws nothing on a canvas of more pixels; more would tell Rekognition no more either. */
const MAX_PIXELS = 16_777_216;
const QUALITY = 0.92;

/**
 * Whether a file of this type is converted where the browser can.
 * @param {string} contentType
 */
export function needsConversion(contentType) {
  return CONVERTED.has(contentType);
}

/**
 * A JPEG of the same picture: upright, without metadata, as large as the limits allow.
 * @param {File} file
 * @returns {Promise<File | null>} null where this browser cannot decode the file
 */
export async function toJpeg(file) {
  const url = URL.createObjectURL(file);
  const canvas = document.createElement('canvas');
  try {
    // An image element, because Safari decodes HEIC there before it does in `createImageBitmap`. Drawing
    // it applies its orientation.
    const image = new Image();
    image.src = url;
    await image.decode();
    const { width, height } = fit(image.naturalWidth, image.naturalHeight);
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext('2d', { alpha: false });
    if (!context) return null;
    // JPEG knows no transparency, and what shows through is better white than black.
    context.fillStyle = '#fff';
    context.fillRect(0, 0, width, height);
    context.imageSmoothingQuality = 'high';
    context.drawImage(image, 0, 0, width, height);
    /** @type {Blob | null} */
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', QUALITY));
    return blob?.type === 'image/jpeg' ? new File([blob], jpegName(file.name), { type: blob.type, lastModified: file.lastModified }) : null;
  } catch {
    return null;
  } finally {
    URL.revokeObjectURL(url);
    // Phones count the memory of a canvas until it is collected, which may be late.
    canvas.width = 0;
    canvas.height = 0;
  }
}

/**
 * The largest size of the same shape within the limits, in whole pixels.
 * @param {number} width
 * @param {number} height
 */
export function fit(width, height) {
  const scale = Math.min(1, MAX_SIDE / Math.max(width, height), Math.sqrt(MAX_PIXELS / (width * height)));
  // Rounded down, so that no limit is passed by half a pixel.
  return { width: Math.max(1, Math.floor(width * scale)), height: Math.max(1, Math.floor(height * scale)) };
}

/** @param {string} name */
export function jpegName(name) {
  return `${name.replace(/\.hei[cf]s?$/i, '')}.jpg`;
}
