// @ts-check
/**
 * Decodes HEIC pictures with libheif, in a worker of its own: decoding takes seconds and must not hold up the page. The
 * library is loaded with the first picture.
 */

/** Relative to this file. */
const LIBRARY = '../vendor/libheif.js';
const QUALITY = 0.92;

/**
 * @typedef {object} HeifImage of libheif's JavaScript API
 * @property {() => number} get_width upright
 * @property {() => number} get_height
 * @property {() => boolean} is_primary
 * @property {(target: ImageData, done: (filled: ImageData | null) => void) => void} display
 * @property {() => void} free
 *
 * @typedef {{HeifDecoder: new () => {decode: (bytes: Uint8Array) => HeifImage[]}}} Libheif
 *
 * @typedef {object} Scope what is global in a worker that is no module, as the library needs it
 * @property {(url: string) => void} importScripts
 * @property {() => Libheif} libheif
 *
 * @typedef {import('./heic.js').Job} Job
 * @typedef {import('./heic.js').Answer} Answer
 */

const scope = /** @type {Scope} */ (/** @type {unknown} */ (globalThis));
/** One for all pictures: it frees the memory of the last one. @type {InstanceType<Libheif['HeifDecoder']> | null} */
let decoder = null;

addEventListener('message', async (/** @type {MessageEvent<Job>} */ { data: job }) => {
  /** @type {Answer} */
  let answer = { id: job.id, jpeg: null };
  try {
    answer = { id: job.id, jpeg: await toJpeg(job) };
  } catch {
    // The page says that the file cannot be read.
  }
  postMessage(answer);
});

/** @param {Job} job */
async function toJpeg({ file, maxSide, maxPixels }) {
  if (!decoder) {
    scope.importScripts(LIBRARY);
    decoder = new (scope.libheif().HeifDecoder)();
  }
  const images = decoder.decode(new Uint8Array(await file.arrayBuffer()));
  try {
    const image = images.find((each) => each.is_primary()) ?? images[0];
    if (!image) return null;
    const [width, height] = [image.get_width(), image.get_height()];
    /** @type {ImageData | null} */
    const pixels = await new Promise((resolve) => image.display(new ImageData(width, height), resolve));
    if (!pixels) return null;
    const scale = Math.min(1, maxSide / Math.max(width, height), Math.sqrt(maxPixels / (width * height)));
    const bitmap = await createImageBitmap(pixels);
    const canvas = new OffscreenCanvas(Math.max(1, Math.floor(width * scale)), Math.max(1, Math.floor(height * scale)));
    const context = canvas.getContext('2d', { alpha: false });
    if (!context) return null;
    // JPEG has no transparency. Without a background, transparent parts would be black.
    context.fillStyle = '#fff';
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingQuality = 'high';
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
    return await canvas.convertToBlob({ type: 'image/jpeg', quality: QUALITY });
  } finally {
    for (const image of images) image.free();
  }
}
