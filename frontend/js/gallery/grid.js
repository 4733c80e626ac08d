// @ts-check
/**
 * The pictures as a virtual grid: only tiles near the screen are in the page, so ten thousand cost no more than fifty.
 * One tile is a tab stop; the arrow keys, Home, End, Page Up and Page Down move through all of them.
 */

import { byId, h } from '../shared/dom.js';
import { count, percent } from '../shared/format.js';
import { icon } from '../shared/icons.js';
import { heightOf, indexAfterKey, layoutFor, positionOf, visibleRange } from './grid-layout.js';
import { displayName, facesText } from './image-row.js';
import { filtersFaces, hashOf } from './url-state.js';

/** @typedef {import('../shared/api-types.js').ImageRow} ImageRow */

/** The height of the text below a picture, in pixels, and a picture's height divided by its width. */
const SHAPE = { caption: 48, ratio: 0.76 };
/** In pixels. The minimum width is about that of the thumbnails, so that they are sharp. */
const WIDE = { ...SHAPE, minWidth: 158, gap: 14 };
const NARROW = { ...SHAPE, minWidth: 136, gap: 10 };
/** Grids below this width use NARROW. */
const NARROW_BELOW = 600;

/** How many labels a caption names. */
const MAX_LABELS = 3;
/** Pictures with a larger ratio of the long to the short side are not cropped: a part of them would say too little. */
const MAX_CROPPED_ASPECT = 3;

export class Grid {
  #list = byId('tiles', HTMLElement);
  #on;
  /** @type {readonly ImageRow[]} */
  #rows = [];
  /** What a tile shows depends on it. */
  #filter = { label: '', category: '', minConfidence: 0, faces: false };
  #complete = true;
  #layout = layoutFor(0, WIDE);
  /** @type {Map<string, {item: HTMLElement, link: HTMLAnchorElement, row: ImageRow}>} */
  #tiles = new Map();
  /** The tab stop, by key and, when that picture is gone, by index. */
  #active = { key: '', index: 0 };
  #scheduled = false;

  /**
   * @param {object} on
   * @param {(row: ImageRow) => void} on.open
   * @param {(row: ImageRow) => void} on.remove
   * @param {() => number} on.coveredHeight how many pixels at the top of the screen are covered
   * @param {(row: ImageRow) => Promise<string | null>} on.thumbnailExpired returns a new address for the thumbnail
   */
  constructor(on) {
    this.#on = on;
    new ResizeObserver(() => this.#measure()).observe(this.#list);
    addEventListener('scroll', () => this.#scheduleRender(), { passive: true });
    addEventListener('resize', () => this.#scheduleRender());
    this.#list.addEventListener('keydown', (event) => this.#onKey(event));
    this.#list.addEventListener('focusin', (event) => {
      const key = event.target instanceof Element ? event.target.closest('li')?.dataset.key : undefined;
      if (key) this.#activate(this.#rows.findIndex((row) => row.key === key));
    });
  }

  /**
   * @param {readonly ImageRow[]} rows
   * @param {import('./url-state.js').State} state captions name only labels with at least its confidence; with a filter by
   *   faces they say which faces a picture has
   * @param {boolean} complete whether these are all pictures
   * @param {boolean} keepPlace whether the pictures on the screen stay where they are
   */
  show(rows, state, complete, keepPlace) {
    const { label, category, minConfidence } = state;
    const focused = this.#list.contains(document.activeElement);
    const filter = { label, category, minConfidence, faces: filtersFaces(state) };
    const filterChanged = JSON.stringify(filter) !== JSON.stringify(this.#filter);
    const shift = keepPlace ? this.#shiftTo(rows) : 0;
    this.#rows = rows;
    this.#filter = filter;
    this.#complete = complete;
    if (filterChanged) for (const { link, row } of this.#tiles.values()) this.#fill(link, row);
    const at = rows.findIndex(({ key }) => key === this.#active.key);
    this.#activate(at >= 0 ? at : Math.min(this.#active.index, Math.max(0, rows.length - 1)));
    if (shift !== 0) {
      this.#resize();
      scrollBy({ top: shift, behavior: 'instant' });
    }
    this.#render();
    // The tile with the focus may be gone. Its neighbour gets the focus.
    if (focused && !this.#list.contains(document.activeElement)) this.focus();
  }

  /**
   * Moves the focus to a picture, which need not be on the screen.
   * @param {string} [key] without it, or if the picture is not in the grid: the tab stop
   */
  focus(key) {
    const at = this.#rows.findIndex((row) => row.key === key);
    if (at >= 0) this.#activate(at);
    if (this.#rows.length === 0) return;
    this.#scrollToActive();
    this.#render();
    this.#tiles.get(this.#active.key)?.link.focus({ preventScroll: true });
  }

  #measure() {
    const width = this.#list.clientWidth;
    this.#layout = layoutFor(width, width < NARROW_BELOW ? NARROW : WIDE);
    this.#list.style.setProperty('--tile-width', `${this.#layout.tileWidth}px`);
    this.#list.style.setProperty('--tile-height', `${this.#layout.tileHeight}px`);
    this.#list.style.setProperty('--caption', `${SHAPE.caption}px`);
    this.#render();
  }

  /**
   * How far the first picture on the screen moves down if these pictures are shown, in pixels. Zero while the list's beginning
   * is on the screen: there, new pictures should be seen.
   * @param {readonly ImageRow[]} rows
   */
  #shiftTo(rows) {
    const top = this.#on.coveredHeight() - this.#list.getBoundingClientRect().top;
    if (top <= 0) return 0;
    const indices = new Map(rows.map(({ key }, index) => [key, index]));
    const first = Math.floor(top / this.#layout.pitchY) * this.#layout.columns;
    for (let index = first; index < this.#rows.length; index += 1) {
      const to = indices.get(this.#rows[index]?.key ?? '');
      if (to !== undefined) return positionOf(to, this.#layout).y - positionOf(index, this.#layout).y;
    }
    return 0;
  }

  #resize() {
    this.#list.style.blockSize = `${heightOf(this.#rows.length, this.#layout)}px`;
  }

  #scheduleRender() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      this.#render();
    });
  }

  #render() {
    this.#resize();
    const top = -this.#list.getBoundingClientRect().top;
    const { first, end } = visibleRange({ top, height: innerHeight }, this.#rows.length, this.#layout);
    /** @type {Map<string, number>} */
    const visible = new Map();
    const include = (/** @type {number} */ index) => {
      const row = this.#rows[index];
      if (row) visible.set(row.key, index);
    };
    // The tab stop is always in the page.
    if (this.#active.index < first) include(this.#active.index);
    for (let index = first; index < end; index += 1) include(index);
    if (this.#active.index >= end) include(this.#active.index);

    for (const [key, { item }] of this.#tiles) {
      if (visible.has(key)) continue;
      // Cancels the download of a thumbnail that is not needed any more.
      item.querySelector('img')?.removeAttribute('src');
      item.remove();
      this.#tiles.delete(key);
    }
    /** @type {Element | null} */
    let before = this.#list.firstElementChild;
    for (const [key, index] of visible) {
      const row = this.#rows[index];
      if (!row) continue;
      const tile = this.#tiles.get(key) ?? this.#createTile(row);
      // The picture was analysed again.
      if (tile.row !== row) this.#refill(tile, row);
      const { item, link } = tile;
      const { x, y } = positionOf(index, this.#layout);
      item.style.transform = `translate(${x}px, ${y}px)`;
      item.setAttribute('aria-posinset', String(index + 1));
      item.setAttribute('aria-setsize', String(this.#complete ? this.#rows.length : -1));
      link.tabIndex = index === this.#active.index ? 0 : -1;
      // Screen readers read the elements in their order in the page.
      if (item === before) before = before.nextElementSibling;
      else this.#list.insertBefore(item, before);
    }
  }

  /** @param {ImageRow} row */
  #createTile(row) {
    const link = h('a', { class: 'tile', href: hashOf(row.key), tabindex: -1 });
    link.addEventListener('click', (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button !== 0) return;
      event.preventDefault();
      this.#on.open(row);
    });
    const item = h('li', { class: 'tile-item' }, link);
    item.dataset.key = row.key;
    const tile = { item, link, row };
    this.#fill(link, row);
    this.#tiles.set(row.key, tile);
    return tile;
  }

  /**
   * @param {{link: HTMLAnchorElement, row: ImageRow}} tile
   * @param {ImageRow} row
   */
  #refill(tile, row) {
    tile.row = row;
    tile.link.querySelector('.tile-picture')?.remove();
    this.#fill(tile.link, row);
  }

  /**
   * @param {HTMLAnchorElement} link
   * @param {ImageRow} row
   */
  #fill(link, row) {
    const name = displayName(row);
    const { label, category, minConfidence, faces } = this.#filter;
    const confidence = (label || category) && row.confidence !== undefined ? percent(Math.floor(row.confidence)) : '';
    const picture = link.querySelector('.tile-picture') ?? this.#thumbnail(row);
    link.title = name;
    link.replaceChildren(
      picture,
      h('span', { class: 'tile-name' }, name),
      h('span', { class: 'tile-labels' }, faces && row.faces ? facesText(row) : captionOf(row, minConfidence)),
      ...(confidence ? [h('span', { class: 'tile-badge' }, h('span', { class: 'visually-hidden' }, `${label || category} `), confidence)] : []),
      ...(row.status === 'succeeded'
        ? []
        : [h('span', { class: `tile-status ${row.status}` }, icon('alert'), h('span', { class: 'visually-hidden' }, row.status === 'partial' ? 'partially analysed' : 'failed'))]),
    );
  }

  /** @param {ImageRow} row */
  #thumbnail(row) {
    const placeholder = () => h('span', { class: 'tile-picture placeholder' }, icon('picture'));
    if (!row.thumbnail) return placeholder();
    const { width, height } = row.thumbnail;
    const uncropped = Math.max(width / height, height / width) > MAX_CROPPED_ASPECT;
    const image = h('img', { class: uncropped ? 'tile-picture uncropped' : 'tile-picture', alt: '', decoding: 'async', draggable: 'false', width, height });
    let renewed = false;
    image.addEventListener('load', () => image.classList.add('loaded'));
    image.addEventListener('error', async () => {
      // The address of a thumbnail expires if the page stays open.
      const url = renewed ? null : await this.#on.thumbnailExpired(row);
      renewed = true;
      if (!image.isConnected) return;
      if (url) image.src = url;
      else image.replaceWith(placeholder());
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

  /** Scrolls as little as needed to show the active tile below the toolbar and above the screen's lower edge. */
  #scrollToActive() {
    const { y } = positionOf(this.#active.index, this.#layout);
    const top = this.#list.getBoundingClientRect().top + y;
    const minTop = this.#on.coveredHeight() + 12;
    const overflow = top + this.#layout.tileHeight + 16 - innerHeight;
    if (top < minTop) scrollBy(0, top - minTop);
    else if (overflow > 0) scrollBy(0, overflow);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const row = this.#rows[this.#active.index];
    if (!row) return;
    if (event.key === 'Delete') {
      // A key that is held down must not delete one picture after another.
      if (!event.repeat) this.#on.remove(row);
    } else if (event.key === ' ') {
      this.#on.open(row);
    } else {
      const to = indexAfterKey(event.key, this.#active.index, this.#rows.length, this.#layout, innerHeight);
      if (to === null) return;
      this.#activate(to);
      this.focus();
    }
    event.preventDefault();
  }
}

/**
 * @param {ImageRow} row
 * @param {number} minConfidence
 */
function captionOf(row, minConfidence) {
  if (row.status === 'failed') return 'Analysis failed';
  const names = row.labels.filter(({ confidence }) => confidence >= minConfidence).map(({ name }) => name);
  if (names.length === 0) return row.faces ? count(row.faces, 'face') : 'No labels';
  const more = names.length - MAX_LABELS;
  return `${names.slice(0, MAX_LABELS).join(', ')}${more > 0 ? ` + ${more}` : ''}`;
}
