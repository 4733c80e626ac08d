// @ts-check
/**
 * The pictures as a virtual grid: only tiles near the screen are in the page, so ten thousand cost no more than fifty.
 * One tile is a tab stop; the arrow keys, Home, End, Page Up and Page Down move through all of them. Pictures that are
 * sorted by time are in groups by day.
 */

import { byId, h } from '../shared/dom.js';
import { confidenceText } from '../shared/format.js';
import { icon } from '../shared/icons.js';
import { dayTitle, groupByDay } from './days.js';
import { heightOf, indexAfterKey, layoutFor, planFor, positionOf, sectionOf, visibleRange } from './grid-layout.js';
import { captionOf, displayName, facesText, needsDocument } from './image-row.js';
import { LongPress } from './long-press.js';
import { mainTerm } from './terms.js';
import { filtersFaces, hashOf } from './url-state.js';

/** @typedef {import('../shared/api-types.js').ImageRow} ImageRow */

/** The height of the text below a picture, in pixels, and a picture's height divided by its width. */
const SHAPE = { caption: 48, ratio: 0.76 };
/** In pixels. Small thumbnails (320 pixels) are sharp at this width on screens with two pixels for each CSS pixel. */
const WIDE = { ...SHAPE, minWidth: 158, gap: 14 };
const NARROW = { ...SHAPE, minWidth: 136, gap: 10 };
/** Grids below this width use NARROW. */
const NARROW_BELOW = 600;

/** The height of a day's heading, in pixels. */
const HEADING = 46;

export class Grid {
  #list = byId('tiles', HTMLElement);
  #on;
  /** @type {readonly ImageRow[]} */
  #rows = [];
  /** What a tile shows depends on it. */
  #filter = { term: '', minConfidence: 0, faces: false };
  #complete = true;
  #layout = layoutFor(0, WIDE);
  #plan = planFor(this.#layout, 0);
  /** @type {readonly {day: string, start: number}[]} */
  #days = [];
  /** @type {Map<string, {item: HTMLElement, link: HTMLAnchorElement, check: HTMLInputElement, row: ImageRow}>} */
  #tiles = new Map();
  /** The days' headings that are in the page. @type {Map<string, HTMLElement>} */
  #headings = new Map();
  /** The tab stop, by key and, when that picture is gone, by index. */
  #active = { key: '', index: 0 };
  #scheduled = false;
  #selection;
  #longPress;
  /** What was found in pictures without labels; '' while that is unknown. @type {WeakMap<ImageRow, string>} */
  #summaries = new WeakMap();

  /**
   * @param {object} on
   * @param {(row: ImageRow) => void} on.open
   * @param {(row: ImageRow) => void} on.remove
   * @param {() => number} on.coveredHeight how many pixels at the top of the screen are covered
   * @param {(row: ImageRow) => Promise<boolean>} on.thumbnailExpired gets new addresses for the row's thumbnails
   * @param {(row: ImageRow) => Promise<string>} on.summary what was found in a picture without labels, or ''
   * @param {() => void} on.end the person wants to see the last picture, which may not be loaded yet
   * @param {() => void} on.selectAll
   * @param {import('./selection.js').Selection} selection
   */
  constructor(on, selection) {
    this.#on = on;
    this.#selection = selection;
    this.#longPress = new LongPress(this.#list, (target) => {
      const row = this.#rowAt(target);
      if (row) this.#selection.toggle(row);
    });
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
    const { terms, minConfidence } = state;
    const focused = this.#list.contains(document.activeElement);
    const filter = { term: mainTerm(terms)?.value ?? '', minConfidence, faces: filtersFaces(state) };
    const filterChanged = JSON.stringify(filter) !== JSON.stringify(this.#filter);
    const days = groupByDay(rows, state.sort);
    const plan = this.#planFor(rows, days);
    const shift = keepPlace ? this.#shiftTo(rows, plan) : 0;
    this.#rows = rows;
    this.#days = days;
    this.#plan = plan;
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

  /**
   * Scrolls so that a picture is where it was before.
   * @param {number} index
   * @param {number} top its distance from the screen's top edge
   */
  restore(index, top) {
    if (index >= this.#rows.length) return;
    this.#activate(index);
    this.#resize();
    const { y } = positionOf(index, this.#plan);
    scrollBy({ top: this.#list.getBoundingClientRect().top + y - top, behavior: 'instant' });
    this.#render();
  }

  /**
   * The first picture that is not covered by the toolbar.
   * @returns {{row: ImageRow, index: number, top: number} | null} `top`: its distance from the screen's top edge
   */
  get firstOnScreen() {
    const listTop = this.#list.getBoundingClientRect().top;
    const from = this.#on.coveredHeight() - listTop;
    let { first: index } = visibleRange({ top: from, height: innerHeight }, this.#plan);
    while (index < this.#rows.length && positionOf(index, this.#plan).y < from) index += this.#layout.columns;
    const row = this.#rows[index];
    return row ? { row, index, top: listTop + positionOf(index, this.#plan).y } : null;
  }

  /** Shows which pictures are selected. */
  showSelection() {
    this.#list.classList.toggle('selecting', this.#selection.isActive);
    for (const tile of this.#tiles.values()) this.#markSelected(tile);
  }

  /**
   * @param {readonly ImageRow[]} rows
   * @param {readonly {start: number}[]} days
   */
  #planFor(rows, days) {
    return days.length > 0 ? planFor(this.#layout, rows.length, days.map(({ start }) => start), HEADING) : planFor(this.#layout, rows.length);
  }

  #measure() {
    const width = this.#list.clientWidth;
    this.#layout = layoutFor(width, width < NARROW_BELOW ? NARROW : WIDE);
    this.#plan = this.#planFor(this.#rows, this.#days);
    this.#list.style.setProperty('--tile-width', `${this.#layout.tileWidth}px`);
    this.#list.style.setProperty('--tile-height', `${this.#layout.tileHeight}px`);
    this.#list.style.setProperty('--caption', `${SHAPE.caption}px`);
    this.#render();
  }

  /**
   * How far the first picture on the screen moves down if these pictures are shown, in pixels. Zero while the list's beginning
   * is on the screen: there, new pictures should be seen.
   * @param {readonly ImageRow[]} rows
   * @param {import('./grid-layout.js').Plan} plan
   */
  #shiftTo(rows, plan) {
    const top = this.#on.coveredHeight() - this.#list.getBoundingClientRect().top;
    if (top <= 0) return 0;
    const indices = new Map(rows.map(({ key }, index) => [key, index]));
    const visible = visibleRange({ top, height: 0 }, this.#plan);
    for (let index = visible.first; index < this.#rows.length; index += 1) {
      const { y } = positionOf(index, this.#plan);
      if (y + this.#layout.tileHeight <= top) continue;
      const to = indices.get(this.#rows[index]?.key ?? '');
      if (to !== undefined) return positionOf(to, plan).y - y;
    }
    return 0;
  }

  #resize() {
    this.#list.style.blockSize = `${heightOf(this.#plan)}px`;
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
    const { first, end } = visibleRange({ top, height: innerHeight }, this.#plan);
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
      for (const name of ['srcset', 'src']) item.querySelector('img')?.removeAttribute(name);
      item.remove();
      this.#tiles.delete(key);
    }
    const headings = this.#placeHeadings(first, end);
    /** @type {Element | null} */
    let before = this.#list.firstElementChild;
    const place = (/** @type {HTMLElement} */ item) => {
      if (item === before) before = before.nextElementSibling;
      else this.#list.insertBefore(item, before);
    };
    for (const [key, index] of visible) {
      const row = this.#rows[index];
      if (!row) continue;
      const tile = this.#tiles.get(key) ?? this.#createTile(row);
      // The picture was analysed again.
      if (tile.row !== row) this.#refill(tile, row);
      const { item, link } = tile;
      const { x, y } = positionOf(index, this.#plan);
      item.style.transform = `translate(${x}px, ${y}px)`;
      item.setAttribute('aria-posinset', String(index + 1));
      item.setAttribute('aria-setsize', String(this.#complete ? this.#rows.length : -1));
      link.tabIndex = index === this.#active.index ? 0 : -1;
      // Screen readers read the elements in their order in the page.
      const heading = headings.get(sectionOf(index, this.#plan));
      if (heading) place(heading);
      headings.delete(sectionOf(index, this.#plan));
      place(item);
    }
  }

  /**
   * Puts the headings of the days near the screen in their places.
   * @param {number} first
   * @param {number} end
   * @returns {Map<number, HTMLElement>} by section
   */
  #placeHeadings(first, end) {
    /** @type {Map<number, HTMLElement>} */
    const headings = new Map();
    const from = sectionOf(first, this.#plan);
    // Where the clocks of cameras differ, a day may come twice.
    const days = end > first ? this.#days.slice(from, sectionOf(end - 1, this.#plan) + 1).map(({ day }, at) => ({ day, at: from + at, id: `${from + at} ${day}` })) : [];
    const wanted = new Set(days.map(({ id }) => id));
    for (const [id, heading] of this.#headings) {
      if (wanted.has(id)) continue;
      heading.remove();
      this.#headings.delete(id);
    }
    for (const { day, at, id } of days) {
      const section = this.#plan.sections[at];
      if (!section) continue;
      const heading = this.#headings.get(id) ?? h('li', { class: 'day' }, h('h3', { class: 'day-title' }, dayTitle(day)));
      this.#headings.set(id, heading);
      // Not a transform: the title sticks to the screen's edge while its day is there, which a transform would not change.
      heading.style.insetBlockStart = `${section.top}px`;
      heading.style.blockSize = `${positionOf(section.end - 1, this.#plan).y + this.#layout.tileHeight - section.top}px`;
      headings.set(at, heading);
    }
    return headings;
  }

  /** @param {ImageRow} row */
  #createTile(row) {
    const link = h('a', { class: 'tile', href: hashOf(row.key), tabindex: -1 });
    const check = h('input', { type: 'checkbox', class: 'tile-check', tabindex: -1, 'aria-label': `Select ${displayName(row)}` });
    const item = h('li', { class: 'tile-item' }, link, check);
    item.dataset.key = row.key;
    const tile = { item, link, check, row };
    link.addEventListener('click', (event) => this.#onClick(event, tile.row));
    check.addEventListener('click', (event) => this.#select(event, tile.row));
    this.#fill(link, row);
    this.#markSelected(tile);
    this.#tiles.set(row.key, tile);
    return tile;
  }

  /**
   * @param {MouseEvent} event
   * @param {ImageRow} row
   */
  #onClick(event, row) {
    if (event.altKey || event.button !== 0) return;
    event.preventDefault();
    // The end of a long press.
    if (this.#longPress.consumeClick()) return;
    if (event.shiftKey || event.ctrlKey || event.metaKey || this.#selection.isActive) this.#select(event, row);
    else this.#on.open(row);
  }

  /**
   * @param {MouseEvent} event
   * @param {ImageRow} row
   */
  #select(event, row) {
    if (event.shiftKey) this.#selection.extend(this.#rows, row.key, this.#active.key);
    else this.#selection.toggle(row);
    this.#activate(this.#rows.indexOf(row));
    // Firefox and Safari do not focus a link or checkbox that is clicked.
    this.#tiles.get(row.key)?.link.focus({ preventScroll: true });
  }

  /** @param {{item: HTMLElement, check: HTMLInputElement, row: ImageRow}} tile */
  #markSelected({ item, check, row }) {
    const selected = this.#selection.has(row.key);
    item.classList.toggle('selected', selected);
    check.checked = selected;
  }

  /** @param {EventTarget | null} target */
  #rowAt(target) {
    const key = target instanceof Element ? target.closest('li')?.dataset.key : undefined;
    return this.#tiles.get(key ?? '')?.row;
  }

  /**
   * @param {{link: HTMLAnchorElement, row: ImageRow}} tile
   * @param {ImageRow} row
   */
  #refill(tile, row) {
    tile.row = row;
    tile.link.querySelector('.tile-frame')?.remove();
    this.#fill(tile.link, row);
  }

  /**
   * @param {HTMLAnchorElement} link
   * @param {ImageRow} row
   */
  #fill(link, row) {
    const name = displayName(row);
    const { term, minConfidence, faces } = this.#filter;
    const confidence = term && row.confidence !== undefined ? confidenceText(row.confidence) : '';
    const picture = link.querySelector('.tile-frame') ?? h('span', { class: 'tile-frame' }, this.#thumbnail(row));
    link.title = name;
    link.replaceChildren(
      picture,
      h('span', { class: 'tile-name' }, name),
      h('span', { class: 'tile-labels' }, faces && row.faces ? facesText(row) : this.#captionOf(link, row, minConfidence)),
      ...(confidence ? [h('span', { class: 'tile-badge' }, h('span', { class: 'visually-hidden' }, `${term} `), confidence)] : []),
      ...(row.status === 'succeeded'
        ? []
        : [h('span', { class: `tile-status ${row.status}` }, icon('alert'), h('span', { class: 'visually-hidden' }, row.status === 'partial' ? 'partially analysed' : 'failed'))]),
    );
  }

  /**
   * The labels of a picture. For a picture without labels, the result document says what was found instead, such as text.
   * @param {HTMLAnchorElement} link
   * @param {ImageRow} row
   * @param {number} minConfidence
   */
  #captionOf(link, row, minConfidence) {
    const caption = captionOf(row, minConfidence);
    if (!needsDocument(row)) return caption;
    const known = this.#summaries.get(row);
    if (known !== undefined) return known || caption;
    this.#summaries.set(row, '');
    void this.#on.summary(row).then((summary) => {
      this.#summaries.set(row, summary);
      const shown = link.querySelector('.tile-labels');
      if (summary && shown) shown.textContent = summary;
    });
    return caption;
  }

  /** @param {ImageRow} row */
  #thumbnail(row) {
    const placeholder = () => h('span', { class: 'tile-picture placeholder' }, icon('picture'));
    if (!row.thumbnail) return placeholder();
    const { width, height } = row.thumbnail;
    const image = h('img', { class: 'tile-picture', alt: '', decoding: 'async', draggable: 'false', width, height });
    image.style.setProperty('--aspect', String(width / height));
    let renewed = false;
    image.addEventListener('load', () => image.classList.add('loaded'));
    image.addEventListener('error', async () => {
      // The address of a thumbnail expires if the page stays open.
      const isRenewed = !renewed && (await this.#on.thumbnailExpired(row));
      renewed = true;
      if (!image.isConnected) return;
      if (isRenewed) this.#setSources(image, row);
      else image.replaceWith(placeholder());
    });
    this.#setSources(image, row);
    return image;
  }

  /**
   * @param {HTMLImageElement} image
   * @param {ImageRow} row
   */
  #setSources(image, { thumbnail, preview }) {
    if (!thumbnail) return;
    if (preview && preview.width > thumbnail.width) {
      // The picture is as wide as its tile, or narrower.
      const { tileWidth, tileHeight } = this.#layout;
      image.sizes = `${Math.ceil(Math.min(tileWidth, ((tileHeight - SHAPE.caption) * thumbnail.width) / thumbnail.height))}px`;
      image.srcset = `${thumbnail.url} ${thumbnail.width}w, ${preview.url} ${preview.width}w`;
    }
    image.src = thumbnail.url;
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
    const { y } = positionOf(this.#active.index, this.#plan);
    const top = this.#list.getBoundingClientRect().top + y;
    const minTop = this.#on.coveredHeight() + this.#plan.heading + 12;
    const overflow = top + this.#layout.tileHeight + 16 - innerHeight;
    if (top < minTop) scrollBy(0, top - minTop);
    else if (overflow > 0) scrollBy(0, overflow);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const control = event.ctrlKey || event.metaKey;
    if (event.altKey || (control && event.key.toLowerCase() !== 'a')) return;
    const row = this.#rows[this.#active.index];
    if (!row) return;
    if (control) this.#on.selectAll();
    else if (event.key === 'Delete') {
      // A key that is held down must not delete one picture after another.
      if (!event.repeat) this.#on.remove(row);
    } else if (event.key === ' ') {
      if (!event.repeat) this.#selection.toggle(row);
    } else {
      const to = indexAfterKey(event.key, this.#active.index, this.#plan, innerHeight);
      if (to === null) return;
      this.#activate(to);
      this.focus();
      if (event.shiftKey) this.#selection.extend(this.#rows, this.#active.key, row.key);
      if (event.key === 'End') this.#on.end();
    }
    event.preventDefault();
  }
}
