// @ts-check
/** A picture with boxes drawn over it. Boxes use ratios, so they fit at any size and zoom. */

import { boxAt, placeTags } from './boxes.js';
import { h, svg } from './dom.js';
import { typeLabel } from './file-types.js';
import { icon } from './icons.js';
import { Zoom, isControl } from './zoom.js';
import { boxInView } from './zoom-geometry.js';

/** Small pictures are enlarged up to this factor, without zoom. */
const MAX_ENLARGED = 2;
/** Smaller renditions that are shown instead of the picture are enlarged up to this factor. */
const MAX_PREVIEW_ENLARGED = 3;

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
 * @property {number} instance which of the finding's boxes it is
 *
 * @typedef {object} Target what the pointer is over, or what is highlighted
 * @property {number | null} finding null for no box
 * @property {number | null} instance null for all boxes of the finding
 * @property {boolean} [clicked] whether it was clicked or tapped
 *
 * @typedef {{url: string, width: number}} Rendition its width in pixels
 */

export class Picture {
  #image = h('img', { class: 'picture-image', alt: '', decoding: 'async', draggable: 'false' });
  #preview = h('img', { class: 'picture-preview', alt: '', hidden: true, draggable: 'false' });
  #placeholder = h('div', { class: 'picture-placeholder', hidden: true });
  #overlay = svg('svg', { class: 'picture-overlay', viewBox: '0 0 1 1', preserveAspectRatio: 'none', 'aria-hidden': 'true' });
  #tags = h('div', { class: 'picture-tags', 'aria-hidden': 'true' });
  #content = h('div', { class: 'picture-content' }, this.#preview, this.#image, this.#placeholder, this.#overlay);
  #frame = h('div', { class: 'picture-frame' }, this.#content, this.#tags);
  #note = h('figcaption', { class: 'picture-note', hidden: true });
  #resizes = new ResizeObserver(() => {
    this.#tagSizes = [];
    this.#zoom.refit();
  });
  #zoom;
  #url = '';
  /** @type {number | null} */
  #aspect = null;
  #failed = false;
  #previewWidth = 0;
  /** @type {{mark: Mark, shapes: SVGElement[], tag: HTMLElement}[]} */
  #boxes = [];
  /** @type {SVGPathElement | null} the part of the picture that stays bright while boxes are highlighted */
  #spotlight = null;
  /** @type {{width: number, height: number}[]} */
  #tagSizes = [];
  #on;

  /**
   * @param {object} file
   * @param {string} file.name
   * @param {string} file.contentType
   * @param {object} on
   * @param {(target: Target | null) => void} on.point the pointer is over a box or clicked; null when it left the picture
   * @param {(width: number, height: number) => void} on.size the upright picture's size in pixels, once known
   * @param {(by: -1 | 1) => void} [on.swipe] to the next or previous picture
   */
  constructor({ name, contentType }, on) {
    this.name = name;
    this.contentType = contentType;
    this.#on = on;
    this.element = h('figure', { class: 'picture' }, this.#frame, this.#note);
    this.#zoom = new Zoom(
      { view: this.element, frame: this.#frame, content: this.#content },
      { change: () => this.#placeTags(), click: (event) => this.#point(event, true), swipe: on.swipe },
    );
    this.element.append(this.#zoom.controls);
    this.#image.addEventListener('load', () => {
      const { naturalWidth, naturalHeight } = this.#image;
      // Until the picture is decoded, nothing of it is on the screen.
      const hidePreview = () => (this.#preview.hidden = true);
      this.#image.decode().then(hidePreview, hidePreview);
      this.#image.classList.add('loaded');
      this.#zoom.naturalWidth = naturalWidth;
      this.#setSize(naturalWidth / naturalHeight, naturalWidth);
      on.size(naturalWidth, naturalHeight);
    });
    this.#image.addEventListener('error', () => {
      this.#failed = true;
      this.#showSubstitute();
    });
    this.element.addEventListener('pointermove', (event) => event.buttons === 0 && this.#point(event, false));
    this.element.addEventListener('pointerleave', () => on.point(null));
    this.#resizes.observe(this.#frame);
    this.#resizes.observe(this.element);
  }

  /** @param {string} url of the picture; `destroy` revokes a `blob:` address */
  load(url) {
    this.#url = url;
    this.#image.src = url;
  }

  /**
   * Shows smaller renditions until the picture has loaded, or permanently if the browser cannot display the picture.
   * @param {Rendition} smallest probably in the browser's cache
   * @param {{width: number, height: number}} size of the picture itself, upright, in pixels
   * @param {Rendition} [largest]
   */
  preview(smallest, { width, height }, largest = smallest) {
    this.#preview.src = smallest.url;
    this.#preview.hidden = false;
    this.#previewWidth = largest.width;
    this.#setSize(width / height, width);
    if (largest === smallest) return;
    const image = new Image();
    image.addEventListener('load', () => {
      // The picture itself may have been faster, or another one is shown.
      if (this.#preview.hasAttribute('src') && !this.#preview.hidden) this.#preview.src = largest.url;
    });
    image.src = largest.url;
  }

  /** Frees the browser's resources. */
  destroy() {
    this.#zoom.destroy();
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
    const several = new Set(marks.filter(({ instance }) => instance > 0).map(({ finding }) => finding));
    this.#boxes = byConfidence.map((mark) => {
      const d = pathOf(mark);
      return {
        mark,
        shapes: [svg('path', { class: 'box-casing', d }), svg('path', { class: `box hue-${mark.hue}`, d })],
        tag: h('span', { class: `tag hue-${mark.hue}` }, mark.name, several.has(mark.finding) && ` ${mark.instance + 1}`),
      };
    });
    this.#overlay.replaceChildren(mask, dim, ...[...this.#boxes].reverse().flatMap(({ shapes }) => shapes));
    this.#tags.replaceChildren(...this.#boxes.map(({ tag }) => tag));
    this.#tagSizes = [];
    this.#placeTags();
  }

  /**
   * Highlights the boxes of one finding, or one of them, and dims the rest of the picture.
   * @param {Target | null} target
   */
  highlight(target) {
    const highlighted = this.#boxes.filter(({ mark }) => isTarget(mark, target));
    this.#frame.classList.toggle('highlighting', highlighted.length > 0);
    for (const { mark, shapes, tag } of this.#boxes) {
      for (const each of [...shapes, tag]) each.classList.toggle('highlighted', isTarget(mark, target));
    }
    // While the highlight fades out, the bright part stays.
    if (highlighted.length > 0) {
      this.#spotlight?.setAttribute('d', highlighted.map(({ mark }) => pathOf(mark)).join(''));
    }
  }

  /**
   * Scrolls to the picture if it is almost off the screen, and moves a zoomed picture to the boxes.
   * @param {Target | null} [target]
   */
  reveal(target = null) {
    const { top, bottom } = this.#frame.getBoundingClientRect();
    if (bottom < innerHeight * 0.2 || top > innerHeight * 0.8) this.element.scrollIntoView({ block: 'center' });
    const box = this.#boxes.find(({ mark }) => isTarget(mark, target))?.mark.box;
    if (box) this.#zoom.reveal(box);
  }

  /** Places the tags on the part of the picture that can be seen. */
  #placeTags() {
    const frame = { width: this.#frame.clientWidth, height: this.#frame.clientHeight };
    if (frame.width === 0) return;
    if (this.#tagSizes.length === 0) this.#tagSizes = this.#boxes.map(({ tag }) => ({ width: tag.offsetWidth, height: tag.offsetHeight }));
    const { place, visible } = this.#zoom;
    const seen = this.#boxes.flatMap(({ mark, tag }, index) => {
      const box = boxInView(mark.box, place, visible, frame);
      tag.classList.toggle('outside', box === null);
      return box ? [{ tag, box, size: this.#tagSizes[index] ?? { width: 0, height: 0 } }] : [];
    });
    const positions = placeTags(
      seen.map(({ box }) => box),
      seen.map(({ size }) => size),
      visible,
    );
    seen.forEach(({ tag }, index) => {
      const position = positions[index];
      if (!position) return;
      tag.style.transform = `translate(${Math.round(visible.left + position.x)}px, ${Math.round(visible.top + position.y)}px)`;
      tag.classList.toggle('crowded', !position.shown);
    });
  }

  /**
   * @param {PointerEvent} event
   * @param {boolean} clicked
   */
  #point(event, clicked) {
    if (isControl(event.target)) {
      this.#on.point(null);
      return;
    }
    const { left, top, width, height } = this.#content.getBoundingClientRect();
    const index = boxAt(
      this.#boxes.map(({ mark }) => mark.box),
      (event.clientX - left) / width,
      (event.clientY - top) / height,
    );
    const { finding = null, instance = null } = this.#boxes[index]?.mark ?? {};
    this.#on.point({ finding, instance, clicked });
  }

  /** Shows the preview, or a placeholder, instead of a picture that the browser cannot display. */
  #showSubstitute() {
    this.#image.hidden = true;
    if (!this.#preview.hidden) {
      this.#preview.alt = this.#image.alt;
      this.#note.textContent = `Preview only. ${this.#reason()}`;
      this.#note.hidden = false;
      this.#frame.style.setProperty('--max-width', `${this.#previewWidth * MAX_PREVIEW_ENLARGED}px`);
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
    this.#frame.style.setProperty('--max-width', width ? `${width * MAX_ENLARGED}px` : '100%');
    this.#frame.classList.add('sized');
  }
}

/**
 * @param {Mark} mark
 * @param {Target | null} target
 */
function isTarget({ finding, instance }, target) {
  return target !== null && finding === target.finding && (target.instance === null || instance === target.instance);
}

/**
 * The outline of a mark as an SVG path.
 * @param {Mark} mark
 */
function pathOf({ box, outline }) {
  if (outline) return `${outline.map(({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${x} ${y}`).join('')}z`;
  return `M${box.left} ${box.top}h${box.width}v${box.height}h${-box.width}z`;
}
