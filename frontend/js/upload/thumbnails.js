// @ts-check
/** Thumbnails for the list. They are decoded a few at a time, and only near the screen. */

import { h } from '../shared/dom.js';
import { Limiter } from '../shared/limiter.js';

/** Pixels of the longer side: twice the size in the list, for high-resolution screens. */
const SIDE = 240;

const decoding = new Limiter(2);

/** Draws each picture's thumbnail once its canvas comes into view. */
export class Thumbnails {
  /** @type {WeakMap<Element, () => void>} */
  #jobs = new WeakMap();
  #observer = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        this.#observer.unobserve(target);
        this.#jobs.get(target)?.();
      }
    },
    { rootMargin: '200px' },
  );

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {() => Promise<Blob | string | null>} read the picture, or the address of a thumbnail
   * @param {(drawn: boolean) => void} done
   */
  add(canvas, read, done) {
    this.#jobs.set(canvas, () => {
      decoding
        .run(async () => draw(canvas, await read()))
        .then(done, () => done(false));
    });
    this.#observer.observe(canvas);
  }

  /** @param {HTMLCanvasElement} canvas */
  remove(canvas) {
    this.#observer.unobserve(canvas);
  }
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Blob | string | null} file
 * @returns {Promise<boolean>} whether there was a picture
 */
async function draw(canvas, file) {
  if (!canvas.isConnected) return true;
  if (!file) return false;
  if (typeof file === 'string') {
    // Not drawn on the canvas: that would need CORS.
    canvas.replaceWith(h('img', { src: file, alt: '', decoding: 'async' }));
    return true;
  }
  const bitmap = await createImageBitmap(file, { imageOrientation: 'from-image' });
  const scale = Math.min(1, SIDE / Math.max(bitmap.width, bitmap.height));
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext('2d');
  if (context) {
    context.imageSmoothingQuality = 'high';
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  }
  bitmap.close();
  return true;
}
