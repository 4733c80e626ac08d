// @ts-check
/** Small pictures for the list, decoded one after the other and only for what is on the screen. */

import { Limiter } from '../shared/limiter.js';

/** Pixels of the longer side: twice the size in the list, for dense screens. */
const SIDE = 240;

const decoding = new Limiter(2);

/**
 * Draws a file's picture once the canvas comes into view.
 */
export class Thumbnails {
  /** @type {WeakMap<Element, () => void>} */
  #jobs = new WeakMap();
  #views = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        this.#views.unobserve(target);
        this.#jobs.get(target)?.();
      }
    },
    { rootMargin: '200px' },
  );

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {File} file
   * @param {(drawn: boolean) => void} done
   */
  add(canvas, file, done) {
    this.#jobs.set(canvas, () => {
      decoding
        .run(() => draw(canvas, file))
        .then(
          () => done(true),
          () => done(false),
        );
    });
    this.#views.observe(canvas);
  }

  /** @param {HTMLCanvasElement} canvas */
  remove(canvas) {
    this.#views.unobserve(canvas);
  }
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {File} file
 */
async function draw(canvas, file) {
  if (!canvas.isConnected) return;
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
}
