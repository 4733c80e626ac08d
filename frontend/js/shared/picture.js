// @ts-check
/** A picture with boxes drawn over it. Boxes use ratios, so they fit at any size. */

import { boxAt, placeTags } from './boxes.js';
import { h, svg } from './dom.js';
import { typeLabel } from './file-types.js';
import { percent } from './format.js';
import { icon } from './icons.js';

/** Small pictures are enlarged up to this factor. */
const MAX_ZOOM = 2;
/** Thumbnails shown instead of the picture are enlarged up to this factor. */
const MAX_PREVIEW_ZOOM = 3;

/** Every browser that can run this page can display these types. */
const SUPPORTED_EVERYWHERE = new Set(['image/jpeg', 'image/png', 'image/webp', 'image/gif', 'image/bmp', 'image/avif']);

/** Makes the masks' ids unique in the page. */
let maskCount = 0;

/**
 * @typedef {object} Mark a box with its name
 * @property {import('./boxes.js').Box} box
 * @property {import('./boxes.js').Point[] | null} [outline] drawn instead of the box
 * @property {string} name
 * @property {number} confidence
 * @property {number} hue
 * @property {number} finding the index of the finding it belongs to
 */

export class Picture {
  #image = h('img', { class: 'picture-image', alt: '', decoding: 'async', draggable: 'false' });
  #preview = h('img', { class: 'picture-preview', alt: '', hidden: true, draggable: 'false' });
  #placeholder = h('div', { class: 'picture-placeholder', hidden: true });
  #overlay = svg('svg', { class: 'picture-overlay', viewBox: '0 0 1 1', preserveAspectRatio: 'none', 'aria-hidden': 'true' });
  #tags = h('div', { class: 'picture-tags', 'aria-hidden': 'true' });
  #frame = h('div', { class: 'picture-frame' }, this.#preview, this.#image, this.#placeholder, this.#overlay, this.#tags);
  #note = h('figcaption', { class: 'picture-note', hidden: true });
  #resizes = new ResizeObserver(() => this.#placeTags());
  #url = '';
  /** @type {number | null} */
  #aspect = null;
  #failed = false;
  #previewWidth = 0;
  /** @type {{mark: Mark, shapes: SVGElement[], tag: HTMLElement}[]} */
  #boxes = [];
  /** @type {SVGPathElement | null} the part of the picture that stays bright while boxes are highlighted */
  #spotlight = null;
  /** @type {(finding: number | null) => void} */
  #onPoint;

  /**
   * @param {object} file
   * @param {string} file.name
   * @param {string} file.contentType
   * @param {object} on
   * @param {(finding: number | null) => void} on.point the pointer is over a box of this finding, or over none
   * @param {(width: number, height: number) => void} on.size the upright picture's size in pixels, once known
   */
  constructor({ name, contentType }, on) {
    this.name = name;
    this.contentType = contentType;
    this.#onPoint = on.point;
    this.element = h('figure', { class: 'picture' }, this.#frame, this.#note);
    this.#image.addEventListener('load', () => {
      const { naturalWidth, naturalHeight } = this.#image;
      this.#preview.hidden = true;
      this.#image.classList.add('loaded');
      this.#setSize(naturalWidth / naturalHeight, naturalWidth);
      on.size(naturalWidth, naturalHeight);
    });
    this.#image.addEventListener('error', () => {
      this.#failed = true;
      this.#showSubstitute();
    });
    this.#frame.addEventListener('pointermove', (event) => this.#point(event));
    this.#frame.addEventListener('pointerdown', (event) => this.#point(event));
    this.#frame.addEventListener('pointerleave', () => this.#onPoint(null));
    this.#resizes.observe(this.#frame);
  }

  /** @param {string} url of the picture; `destroy` revokes a `blob:` address */
  load(url) {
    this.#url = url;
    this.#image.src = url;
  }

  /**
   * Shows a thumbnail until the picture has loaded, or permanently if the browser cannot display the picture.
   * @param {{url: string, width: number}} preview its width in pixels
   * @param {{width: number, height: number}} size of the picture itself, upright, in pixels
   */
  preview(preview, { width, height }) {
    this.#preview.src = preview.url;
    this.#preview.hidden = false;
    this.#previewWidth = preview.width;
    this.#setSize(width / height, width);
  }

  /** Frees the browser's resources. */
  destroy() {
    this.#resizes.disconnect();
    this.#image.removeAttribute('src');
    this.#preview.removeAttribute('src');
    URL.revokeObjectURL(this.#url);
  }

  /** @param {string} text */
  set description(text) {
    this.#image.alt = text;
    this.#placeholder.setAttribute('aria-label', text);
  }

  /**
   * The aspect ratio to use if the browser cannot display the picture.
   * @param {number | null} aspect width divided by height
   */
  set aspect(aspect) {
    this.#aspect = aspect;
    if (this.#failed) this.#showSubstitute();
  }

  /** Whether an analysis is under way. */
  set busy(/** @type {boolean} */ busy) {
    this.#frame.classList.toggle('busy', busy);
  }

  set boxesShown(/** @type {boolean} */ shown) {
    this.#frame.classList.toggle('boxes-hidden', !shown);
  }

  /** @param {readonly Mark[]} marks */
  setMarks(marks) {
    maskCount += 1;
    const id = `spotlight-${maskCount}`;
    this.#spotlight = svg('path', { fill: '#000' });
    // Slightly larger than the picture, whose edge may fall between two pixels.
    const all = { x: -0.003, y: -0.003, width: 1.006, height: 1.006 };
    const dim = svg('rect', { class: 'dim', ...all, mask: `url(#${id})` });
    const mask = svg('mask', { id, maskUnits: 'userSpaceOnUse', ...all }, svg('rect', all), this.#spotlight);
    // The most confident box is drawn last, above the others.
    const byConfidence = [...marks].sort((a, b) => b.confidence - a.confidence);
    this.#boxes = byConfidence.map((mark) => {
      const d = pathOf(mark);
      return {
        mark,
        shapes: [svg('path', { class: 'box-casing', d }), svg('path', { class: `box hue-${mark.hue}`, d })],
        tag: h('span', { class: `tag hue-${mark.hue}` }, h('span', { class: 'tag-name' }, mark.name), ' ', percent(mark.confidence)),
      };
    });
    this.#overlay.replaceChildren(mask, dim, ...[...this.#boxes].reverse().flatMap(({ shapes }) => shapes));
    this.#tags.replaceChildren(...this.#boxes.map(({ tag }) => tag));
    this.#placeTags();
  }

  /**
   * Highlights the boxes of one finding and dims the rest of the picture.
   * @param {number | null} finding
   */
  highlight(finding) {
    const highlighted = this.#boxes.filter(({ mark }) => mark.finding === finding);
    this.#frame.classList.toggle('highlighting', highlighted.length > 0);
    for (const { mark, shapes, tag } of this.#boxes) {
      for (const each of [...shapes, tag]) each.classList.toggle('highlighted', mark.finding === finding);
    }
    // While the highlight fades out, the bright part stays.
    if (highlighted.length > 0) {
      this.#spotlight?.setAttribute('d', highlighted.map(({ mark }) => pathOf(mark)).join(''));
    }
  }

  /** Scrolls to the picture if it is almost off the screen. */
  reveal() {
    const { top, bottom } = this.#frame.getBoundingClientRect();
    if (bottom < innerHeight * 0.2 || top > innerHeight * 0.8) this.element.scrollIntoView({ block: 'center' });
  }

  #placeTags() {
    const frame = { width: this.#frame.clientWidth, height: this.#frame.clientHeight };
    if (frame.width === 0) return;
    const sizes = this.#boxes.map(({ tag }) => ({ width: tag.offsetWidth, height: tag.offsetHeight }));
    const positions = placeTags(
      this.#boxes.map(({ mark }) => mark.box),
      sizes,
      frame,
    );
    this.#boxes.forEach(({ tag }, index) => {
      const position = positions[index];
      if (!position) return;
      tag.style.transform = `translate(${Math.round(position.x)}px, ${Math.round(position.y)}px)`;
      tag.classList.toggle('crowded', !position.shown);
    });
  }

  /** @param {PointerEvent} event */
  #point(event) {
    const { left, top, width, height } = this.#frame.getBoundingClientRect();
    const index = boxAt(
      this.#boxes.map(({ mark }) => mark.box),
      (event.clientX - left) / width,
      (event.clientY - top) / height,
    );
    this.#onPoint(this.#boxes[index]?.mark.finding ?? null);
  }

  /** Shows the preview, or a placeholder, instead of a picture that the browser cannot display. */
  #showSubstitute() {
    this.#image.hidden = true;
    if (!this.#preview.hidden) {
      this.#preview.alt = this.#image.alt;
      this.#note.textContent = `Preview only. ${this.#reason()}`;
      this.#note.hidden = false;
      this.#frame.style.setProperty('--max-width', `${this.#previewWidth * MAX_PREVIEW_ZOOM}px`);
      return;
    }
    this.#placeholder.hidden = false;
    this.#placeholder.setAttribute('role', 'img');
    this.#placeholder.replaceChildren(
      icon('picture'),
      h('strong', {}, this.name),
      h('span', {}, this.#reason()),
    );
    this.#setSize(this.#aspect ?? 4 / 3, null);
  }

  /** Why the browser does not display the picture. */
  #reason() {
    const label = typeLabel(this.contentType);
    return SUPPORTED_EVERYWHERE.has(this.contentType) ? `This file is not a valid ${label} picture.` : `This browser cannot display ${label} pictures.`;
  }

  /**
   * @param {number} aspect
   * @param {number | null} width natural width in pixels
   */
  #setSize(aspect, width) {
    this.#frame.style.setProperty('--aspect', String(aspect));
    this.#frame.style.setProperty('--max-width', width ? `${width * MAX_ZOOM}px` : '100%');
    this.#frame.classList.add('sized');
  }
}

/**
 * The outline of a mark as an SVG path.
 * @param {Mark} mark
 */
function pathOf({ box, outline }) {
  if (outline) return `${outline.map(({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${x} ${y}`).join('')}z`;
  return `M${box.left} ${box.top}h${box.width}v${box.height}h${-box.width}z`;
}
