// @ts-check
/** A picture with boxes drawn over it. Boxes are laid out in ratios, so they follow any size of the picture. */

import { boxAt, placeTags } from './boxes.js';
import { h, svg } from './dom.js';
import { typeLabel } from './files.js';
import { icon } from './icons.js';
import { percent } from './format.js';
import { sentence } from './messages.js';

/** Small pictures are shown larger than they are, up to this many times. */
const MAGNIFY = 2;
/** And small versions that stand for a picture up to this many times. */
const MAGNIFY_PREVIEW = 3;

/** Pictures of these types are shown by every browser that runs this page. */
const SHOWN_EVERYWHERE = new Set(['image/jpeg', 'image/png', 'image/webp', 'image/gif', 'image/bmp', 'image/avif']);

let masks = 0;

/**
 * @typedef {object} Mark a box with its name
 * @property {import('./boxes.js').Box} box
 * @property {string} name
 * @property {number} confidence
 * @property {number} hue
 * @property {number} label the index of the label it belongs to
 */

export class Picture {
  #image = h('img', { class: 'picture-image', alt: '', decoding: 'async', draggable: 'false' });
  #preview = h('img', { class: 'picture-preview', alt: '', hidden: true, draggable: 'false' });
  #blank = h('div', { class: 'picture-blank', hidden: true });
  #overlay = svg('svg', { class: 'picture-overlay', viewBox: '0 0 1 1', preserveAspectRatio: 'none', 'aria-hidden': 'true' });
  #tags = h('div', { class: 'picture-tags', 'aria-hidden': 'true' });
  #frame = h('div', { class: 'picture-frame' }, this.#preview, this.#image, this.#blank, this.#overlay, this.#tags);
  #note = h('figcaption', { class: 'picture-note', hidden: true });
  #resizes = new ResizeObserver(() => this.#placeTags());
  #url = '';
  /** @type {number | null} */
  #aspect = null;
  #failed = false;
  #previewWidth = 0;
  /** @type {{mark: Mark, shapes: SVGElement[], tag: HTMLElement}[]} */
  #drawn = [];
  /** @type {SVGPathElement | null} */
  #hole = null;
  /** @type {(label: number | null) => void} */
  #onPoint;

  /**
   * @param {object} about
   * @param {string} about.name
   * @param {string} about.contentType
   * @param {object} on
   * @param {(label: number | null) => void} on.point the pointer is over a box of this label, or over none
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
      this.#image.classList.add('there');
      this.#setSize(naturalWidth / naturalHeight, naturalWidth);
      on.size(naturalWidth, naturalHeight);
    });
    this.#image.addEventListener('error', () => {
      this.#failed = true;
      this.#showBlank();
    });
    this.#frame.addEventListener('pointermove', (event) => this.#point(event));
    this.#frame.addEventListener('pointerdown', (event) => this.#point(event));
    this.#frame.addEventListener('pointerleave', () => this.#onPoint(null));
    this.#resizes.observe(this.#frame);
  }

  /** @param {string} url of the whole picture; a `blob:` address is the picture's from now on */
  load(url) {
    this.#url = url;
    this.#image.src = url;
  }

  /**
   * Shows a small version until the picture is there, or for good where the browser cannot show the picture.
   * @param {{url: string, width: number}} preview its width in pixels
   * @param {{width: number, height: number}} size of the picture itself, upright, in pixels
   */
  preview(preview, { width, height }) {
    this.#preview.src = preview.url;
    this.#preview.hidden = false;
    this.#previewWidth = preview.width;
    this.#setSize(width / height, width);
  }

  /** Releases what the browser holds for the picture. */
  destroy() {
    this.#resizes.disconnect();
    this.#image.removeAttribute('src');
    this.#preview.removeAttribute('src');
    URL.revokeObjectURL(this.#url);
  }

  /** @param {string} text */
  set description(text) {
    this.#image.alt = text;
    this.#blank.setAttribute('aria-label', text);
  }

  /**
   * The aspect to use where the browser cannot show the picture.
   * @param {number | null} aspect width by height
   */
  set aspect(aspect) {
    this.#aspect = aspect;
    if (this.#failed) this.#showBlank();
  }

  /** Whether an analysis is under way. */
  set busy(/** @type {boolean} */ busy) {
    this.#frame.classList.toggle('busy', busy);
  }

  set boxesShown(/** @type {boolean} */ shown) {
    this.#frame.classList.toggle('boxless', !shown);
  }

  /** @param {readonly Mark[]} marks */
  setMarks(marks) {
    masks += 1;
    const id = `hole-${masks}`;
    this.#hole = svg('path', { fill: '#000' });
    // A little more than the picture, whose edge may lie between two pixels.
    const all = { x: -0.003, y: -0.003, width: 1.006, height: 1.006 };
    const dim = svg('rect', { class: 'dim', ...all, mask: `url(#${id})` });
    const mask = svg('mask', { id, maskUnits: 'userSpaceOnUse', ...all }, svg('rect', all), this.#hole);
    // The strongest is drawn last, over the others.
    const byStrength = [...marks].sort((a, b) => b.confidence - a.confidence);
    this.#drawn = byStrength.map((mark) => {
      const { left, top, width, height } = mark.box;
      const at = { x: left, y: top, width, height };
      return {
        mark,
        shapes: [svg('rect', { class: 'box-casing', ...at }), svg('rect', { class: `box hue-${mark.hue}`, ...at })],
        tag: h('span', { class: `tag hue-${mark.hue}` }, h('span', { class: 'tag-name' }, mark.name), ' ', percent(mark.confidence)),
      };
    });
    this.#overlay.replaceChildren(mask, dim, ...[...this.#drawn].reverse().flatMap(({ shapes }) => shapes));
    this.#tags.replaceChildren(...this.#drawn.map(({ tag }) => tag));
    this.#placeTags();
  }

  /**
   * Lights the boxes of one label and dims the rest of the picture.
   * @param {number | null} label
   */
  highlight(label) {
    const lit = this.#drawn.filter(({ mark }) => mark.label === label);
    this.#frame.classList.toggle('lit', lit.length > 0);
    for (const { mark, shapes, tag } of this.#drawn) {
      for (const each of [...shapes, tag]) each.classList.toggle('on', mark.label === label);
    }
    // While it fades out, the light stays where it was.
    if (lit.length > 0) {
      this.#hole?.setAttribute('d', lit.map(({ mark: { box } }) => `M${box.left} ${box.top}h${box.width}v${box.height}h${-box.width}z`).join(''));
    }
  }

  /** Scrolls to the picture when next to nothing of it can be seen. */
  reveal() {
    const { top, bottom } = this.#frame.getBoundingClientRect();
    if (bottom < innerHeight * 0.2 || top > innerHeight * 0.8) this.element.scrollIntoView({ block: 'center' });
  }

  #placeTags() {
    const frame = { width: this.#frame.clientWidth, height: this.#frame.clientHeight };
    if (frame.width === 0) return;
    const sizes = this.#drawn.map(({ tag }) => ({ width: tag.offsetWidth, height: tag.offsetHeight }));
    const places = placeTags(
      this.#drawn.map(({ mark }) => mark.box),
      sizes,
      frame,
    );
    this.#drawn.forEach(({ tag }, index) => {
      const place = places[index];
      if (!place) return;
      tag.style.transform = `translate(${Math.round(place.x)}px, ${Math.round(place.y)}px)`;
      tag.classList.toggle('crowded', !place.shown);
    });
  }

  /** @param {PointerEvent} event */
  #point(event) {
    const { left, top, width, height } = this.#frame.getBoundingClientRect();
    const index = boxAt(
      this.#drawn.map(({ mark }) => mark.box),
      (event.clientX - left) / width,
      (event.clientY - top) / height,
    );
    this.#onPoint(this.#drawn[index]?.mark.label ?? null);
  }

  #showBlank() {
    this.#image.hidden = true;
    if (!this.#preview.hidden) {
      this.#preview.alt = this.#image.alt;
      this.#note.textContent = `A small preview: ${this.#unshown()}`;
      this.#note.hidden = false;
      this.#frame.style.setProperty('--most', `${this.#previewWidth * MAGNIFY_PREVIEW}px`);
      return;
    }
    this.#blank.hidden = false;
    this.#blank.setAttribute('role', 'img');
    this.#blank.replaceChildren(
      icon('picture'),
      h('strong', {}, this.name),
      h('span', {}, sentence(this.#unshown())),
    );
    this.#setSize(this.#aspect ?? 4 / 3, null);
  }

  /** Why the browser does not show the picture. */
  #unshown() {
    const label = typeLabel(this.contentType);
    return SHOWN_EVERYWHERE.has(this.contentType) ? `no ${label} picture can be read from this file.` : `this browser does not show ${label} pictures.`;
  }

  /**
   * @param {number} aspect
   * @param {number | null} width natural width in pixels
   */
  #setSize(aspect, width) {
    this.#frame.style.setProperty('--aspect', String(aspect));
    this.#frame.style.setProperty('--most', width ? `${width * MAGNIFY}px` : '100%');
    this.#frame.classList.add('sized');
  }
}
