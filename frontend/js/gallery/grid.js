// @ts-check
/**
 * The pictures as a grid in which only those near the screen exist, so that ten thousand cost no more than fifty. One
 * tile is a tab stop; the arrow keys, Home, End, Page Up and Page Down go through all of them.
 */

import { h } from '../shared/dom.js';
import { count, percent } from '../shared/format.js';
import { icon } from '../shared/icons.js';
import { hashOf, nameOf } from './url-state.js';
import { heightOf, layOut, placeOf, stepFrom, windowOf } from './grid-layout.js';

/** @typedef {import('../shared/api-types.js').ImageRow} ImageRow */

/** The text below a picture and the space between two tiles, as the style sheet has them, in pixels. */
const CAPTION = 48;
const RATIO = 0.76;
/** A tile's least width: about the thumbnails' own size, for sharp pictures. */
const WIDE = { least: 158, gap: 14 };
const NARROW = { least: 136, gap: 10 };
const NARROW_BELOW = 600;

const NAMED = 3;
/** Pictures that are so many times longer than wide, or wider than long, are shown whole: a part of them tells nothing. */
const WHOLE_FROM = 3;

export class Grid {
  #list;
  #on;
  /** @type {readonly ImageRow[]} */
  #rows = [];
  /** @type {{label: string, category: string, least: number}} */
  #view = { label: '', category: '', least: 0 };
  #complete = true;
  #layout = layOut(0, { ...WIDE, caption: CAPTION, ratio: RATIO });
  /** @type {Map<string, {item: HTMLElement, link: HTMLAnchorElement, row: ImageRow}>} */
  #tiles = new Map();
  /** The tile that Tab leads to, by key and, when that is gone, by place. */
  #active = { key: '', index: 0 };
  #drawing = false;

  /**
   * @param {HTMLElement} list
   * @param {object} on
   * @param {(row: ImageRow) => void} on.open
   * @param {(row: ImageRow) => void} on.remove
   * @param {() => number} on.cover how much of the screen's upper part is covered, in pixels
   * @param {(row: ImageRow) => Promise<string | null>} on.stale asks for another address of a thumbnail that does not load
   */
  constructor(list, on) {
    this.#list = list;
    this.#on = on;
    new ResizeObserver(() => this.#measure()).observe(list);
    addEventListener('scroll', () => this.#soon(), { passive: true });
    addEventListener('resize', () => this.#soon());
    list.addEventListener('keydown', (event) => this.#key(event));
    list.addEventListener('focusin', (event) => {
      const key = event.target instanceof Element ? event.target.closest('li')?.dataset.key : undefined;
      if (key) this.#activate(this.#rows.findIndex((row) => row.key === key));
    });
  }

  /**
   * @param {readonly ImageRow[]} rows
   * @param {object} view
   * @param {string} view.label what is searched for
   * @param {string} view.category
   * @param {number} view.least the lowest confidence of a label that is named
   * @param {boolean} complete whether these are all
   */
  show(rows, { label, category, least }, complete) {
    const focused = this.#list.contains(document.activeElement);
    const another = label !== this.#view.label || category !== this.#view.category || least !== this.#view.least;
    this.#rows = rows;
    this.#view = { label, category, least };
    this.#complete = complete;
    if (another) for (const { link, row } of this.#tiles.values()) this.#fill(link, row);
    const at = rows.findIndex(({ key }) => key === this.#active.key);
    this.#activate(at >= 0 ? at : Math.min(this.#active.index, Math.max(0, rows.length - 1)));
    this.#draw();
    // The tile that had the focus may be gone; its neighbour takes it.
    if (focused && !this.#list.contains(document.activeElement)) this.focus();
  }

  /**
   * Puts the focus on a picture, wherever it lies.
   * @param {string} [key] the active one where none is given or it is not there
   */
  focus(key) {
    const at = this.#rows.findIndex((row) => row.key === key);
    if (at >= 0) this.#activate(at);
    if (this.#rows.length === 0) return;
    this.#reveal();
    this.#draw();
    this.#tiles.get(this.#active.key)?.link.focus({ preventScroll: true });
  }

  #measure() {
    const width = this.#list.clientWidth;
    const size = width < NARROW_BELOW ? NARROW : WIDE;
    this.#layout = layOut(width, { ...size, caption: CAPTION, ratio: RATIO });
    this.#list.style.setProperty('--tile-width', `${this.#layout.tileWidth}px`);
    this.#list.style.setProperty('--tile-height', `${this.#layout.tileHeight}px`);
    this.#list.style.setProperty('--caption', `${CAPTION}px`);
    this.#draw();
  }

  #soon() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      this.#draw();
    });
  }

  #draw() {
    this.#list.style.blockSize = `${heightOf(this.#rows.length, this.#layout)}px`;
    const top = -this.#list.getBoundingClientRect().top;
    const { first, end } = windowOf({ top, height: innerHeight }, this.#rows.length, this.#layout);
    /** @type {Map<string, number>} */
    const wanted = new Map();
    const want = (/** @type {number} */ index) => {
      const row = this.#rows[index];
      if (row) wanted.set(row.key, index);
    };
    // The tab stop exists wherever the screen is.
    if (this.#active.index < first) want(this.#active.index);
    for (let index = first; index < end; index += 1) want(index);
    if (this.#active.index >= end) want(this.#active.index);

    for (const [key, { item }] of this.#tiles) {
      if (wanted.has(key)) continue;
      // A picture that is not needed any more is not loaded to its end.
      item.querySelector('img')?.removeAttribute('src');
      item.remove();
      this.#tiles.delete(key);
    }
    /** @type {Element | null} */
    let before = this.#list.firstElementChild;
    for (const [key, index] of wanted) {
      const row = this.#rows[index];
      if (!row) continue;
      const { item, link } = this.#tiles.get(key) ?? this.#make(row);
      const { x, y } = placeOf(index, this.#layout);
      item.style.transform = `translate(${x}px, ${y}px)`;
      item.setAttribute('aria-posinset', String(index + 1));
      item.setAttribute('aria-setsize', String(this.#complete ? this.#rows.length : -1));
      link.tabIndex = index === this.#active.index ? 0 : -1;
      // In the order of the pictures, for those who read the page and do not look at it.
      if (item === before) before = before.nextElementSibling;
      else this.#list.insertBefore(item, before);
    }
  }

  /** @param {ImageRow} row */
  #make(row) {
    const link = h('a', { class: 'tile', href: hashOf(row.key), tabindex: -1 });
    link.addEventListener('click', (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button !== 0) return;
      event.preventDefault();
      this.#on.open(row);
    });
    const item = h('li', { class: 'tile-place' }, link);
    item.dataset.key = row.key;
    const tile = { item, link, row };
    this.#fill(link, row);
    this.#tiles.set(row.key, tile);
    return tile;
  }

  /**
   * @param {HTMLAnchorElement} link
   * @param {ImageRow} row
   */
  #fill(link, row) {
    const name = nameOf(row);
    const { label, category, least } = this.#view;
    const sought = (label || category) && row.confidence !== undefined ? percent(Math.floor(row.confidence)) : '';
    const picture = link.querySelector('.tile-picture') ?? this.#picture(row);
    link.title = name;
    link.replaceChildren(
      picture,
      h('span', { class: 'tile-name' }, name),
      h('span', { class: 'tile-labels' }, captionOf(row, least)),
      ...(sought ? [h('span', { class: 'tile-badge' }, h('span', { class: 'visually-hidden' }, `${label || category} `), sought)] : []),
      ...(row.status === 'succeeded'
        ? []
        : [h('span', { class: `tile-state ${row.status}` }, icon('alert'), h('span', { class: 'visually-hidden' }, row.status === 'partial' ? 'partly analysed' : 'failed'))]),
    );
  }

  /** @param {ImageRow} row */
  #picture(row) {
    const blank = () => h('span', { class: 'tile-picture blank' }, icon('picture'));
    if (!row.thumbnail) return blank();
    const { width, height } = row.thumbnail;
    const whole = Math.max(width / height, height / width) > WHOLE_FROM;
    const image = h('img', { class: whole ? 'tile-picture whole' : 'tile-picture', alt: '', decoding: 'async', draggable: 'false', width, height });
    let renewed = false;
    image.addEventListener('load', () => image.classList.add('there'));
    image.addEventListener('error', async () => {
      // Addresses of thumbnails run out while a page stays open.
      const url = renewed ? null : await this.#on.stale(row);
      renewed = true;
      if (!image.isConnected) return;
      if (url) image.src = url;
      else image.replaceWith(blank());
    });
    image.src = row.thumbnail.url;
    return image;
  }

  /** @param {number} index */
  #activate(index) {
    const row = this.#rows[index];
    const before = this.#tiles.get(this.#active.key);
    if (before) before.link.tabIndex = -1;
    this.#active = { key: row?.key ?? '', index: Math.max(0, index) };
    const now = this.#tiles.get(this.#active.key);
    if (now) now.link.tabIndex = 0;
  }

  /** Scrolls as far as is needed to have the active tile between the bar at the top and the screen's lower edge. */
  #reveal() {
    const { y } = placeOf(this.#active.index, this.#layout);
    const top = this.#list.getBoundingClientRect().top + y;
    const bar = this.#on.cover() + 12;
    const below = top + this.#layout.tileHeight + 16 - innerHeight;
    if (top < bar) scrollBy(0, top - bar);
    else if (below > 0) scrollBy(0, below);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const row = this.#rows[this.#active.index];
    if (!row) return;
    if (event.key === 'Delete') {
      // Each picture takes a press of its own: a key that is held down would delete many.
      if (!event.repeat) this.#on.remove(row);
    } else if (event.key === ' ') {
      this.#on.open(row);
    } else {
      const to = stepFrom(event.key, this.#active.index, this.#rows.length, this.#layout, innerHeight);
      if (to === null) return;
      this.#activate(to);
      this.focus();
    }
    event.preventDefault();
  }
}

/**
 * @param {ImageRow} row
 * @param {number} least
 */
function captionOf(row, least) {
  if (row.status === 'failed') return 'Could not be analysed';
  const names = row.labels.filter(({ confidence }) => confidence >= least).map(({ name }) => name);
  if (names.length === 0) return row.faces ? count(row.faces, 'face') : 'No labels';
  const more = names.length - NAMED;
  return `${names.slice(0, NAMED).join(', ')}${more > 0 ? ` + ${more}` : ''}`;
}
