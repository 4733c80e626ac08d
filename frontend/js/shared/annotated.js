// @ts-check
/** A picture with its boxes as a file: what the page shows, drawn on a canvas. */

/** A canvas of more pixels fails on phones (WebKit's limit is 4096 by 4096). */
const MAX_PIXELS = 16_777_216;
const JPEG_QUALITY = 0.92;

/** Sizes as parts of the longer side: lines, and the text of tags. */
const LINE = 1 / 400;
const TEXT = 1 / 56;
const MIN_LINE = 2;
const MIN_TEXT = 11;

/** For pictures that may be transparent. */
const LOSSLESS = new Set(['image/png', 'image/gif', 'image/webp', 'image/avif']);

/**
 * The name of the saved file: `cat-boxes.jpg` for `cat.jpg`.
 * @param {string} name of the picture
 * @param {string} contentType of the picture
 */
export function annotatedName(name, contentType) {
  const stem = name.replace(/\.[a-z0-9]{1,5}$/i, '') || name;
  return `${stem}-boxes.${LOSSLESS.has(contentType) ? 'png' : 'jpg'}`;
}

/**
 * @param {Blob} picture
 * @param {string} contentType of the picture; photographs are saved as JPEG, what may be transparent as PNG
 * @param {readonly import('./picture.js').Mark[]} marks
 * @param {{maxPixels?: number}} [options] larger pictures are saved smaller
 * @returns {Promise<Blob | null>} null when the browser cannot decode the picture
 */
export async function drawAnnotated(picture, contentType, marks, { maxPixels = MAX_PIXELS } = {}) {
  /** @type {ImageBitmap} */
  let bitmap;
  try {
    bitmap = await createImageBitmap(picture, { imageOrientation: 'from-image' });
  } catch {
    return null;
  }
  const canvas = document.createElement('canvas');
  try {
    const scale = Math.min(1, Math.sqrt(maxPixels / (bitmap.width * bitmap.height)));
    canvas.width = Math.max(1, Math.floor(bitmap.width * scale));
    canvas.height = Math.max(1, Math.floor(bitmap.height * scale));
    const lossless = LOSSLESS.has(contentType);
    const context = canvas.getContext('2d', { alpha: lossless });
    if (!context) return null;
    context.imageSmoothingQuality = 'high';
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    drawMarks(context, canvas, marks);
    return await new Promise((resolve) => canvas.toBlob(resolve, lossless ? 'image/png' : 'image/jpeg', JPEG_QUALITY));
  } finally {
    bitmap.close();
    // Frees the memory now. Phones count a canvas against their limit until it is garbage collected.
    canvas.width = 0;
    canvas.height = 0;
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {{width: number, height: number}} size
 * @param {readonly import('./picture.js').Mark[]} marks
 */
function drawMarks(context, { width, height }, marks) {
  const style = getComputedStyle(document.documentElement);
  const colour = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  const side = Math.max(width, height);
  const line = Math.max(MIN_LINE, side * LINE);
  const text = Math.max(MIN_TEXT, side * TEXT);
  context.font = `600 ${text}px ${colour('--font')}`;
  context.textBaseline = 'middle';
  context.lineJoin = 'round';
  const several = new Set(marks.filter(({ instance }) => instance > 0).map(({ finding }) => finding));
  // The most confident box is drawn last, above the others.
  for (const { box, outline, name, hue, finding, instance } of [...marks].sort((a, b) => a.confidence - b.confidence)) {
    const points = outline ?? [
      { x: box.left, y: box.top },
      { x: box.left + box.width, y: box.top },
      { x: box.left + box.width, y: box.top + box.height },
      { x: box.left, y: box.top + box.height },
    ];
    context.beginPath();
    for (const { x, y } of points) context.lineTo(x * width, y * height);
    context.closePath();
    // The casing keeps a box visible on a background of its own colour.
    for (const [stroke, thickness] of /** @type {const} */ ([['--casing', 2 * line], [`--box-${hue}`, line]])) {
      context.strokeStyle = colour(stroke);
      context.lineWidth = thickness;
      context.stroke();
    }
    const label = several.has(finding) ? `${name} ${instance + 1}` : name;
    const tag = { width: context.measureText(label).width + text, height: text * 1.5 };
    const x = Math.min(Math.max(0, box.left * width - line / 2), Math.max(0, width - tag.width));
    const above = box.top * height - tag.height;
    const y = above >= 0 ? above : Math.min(box.top * height, height - tag.height);
    context.fillStyle = colour(`--box-${hue}`);
    context.fillRect(x, y, tag.width, tag.height);
    context.fillStyle = colour('--on-box');
    context.fillText(label, x + text / 2, y + tag.height / 2);
  }
}
