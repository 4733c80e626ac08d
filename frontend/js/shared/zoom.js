// @ts-check
/**
 * Zooms and moves a picture: wheel, pinch, drag, double click or tap, buttons, and the keys + - 0 and arrows. A swipe over a
 * picture that is not zoomed asks for the next one.
 */

import { iconButton } from './buttons.js';
import { h } from './dom.js';
import { FITTED, centre, limit, maxScaleFor, visiblePart, zoomAt } from './zoom-geometry.js';

/** One press of a button or key, and a double click. */
const STEP = 1.5;
const DOUBLE_CLICK_SCALE = 2.5;
/** How far an arrow key moves the picture, as a part of the view. */
const ARROW_PART = 0.15;
/** The scale's logarithm for each pixel of the wheel. A pinch on a touchpad is a wheel with Control and small steps. */
const WHEEL_RATE = 0.002;
const PINCH_RATE = 0.01;
const MAX_WHEEL = 240;
const PIXELS_PER_LINE = 16;
/** Turns of the wheel within this time are one movement: it either scrolls the page or zooms. In milliseconds. */
const WHEEL_PAUSE_MS = 300;
/** A press that moves less than this is a click, in pixels. */
const CLICK_PX = 6;
const DOUBLE_CLICK_MS = 350;
const DOUBLE_CLICK_PX = 32;
/** A swipe is this long, or this fast in pixels a millisecond. */
const SWIPE_PX = 60;
const SWIPE_SPEED = 0.5;
const MIN_SWIPE_PX = 24;

/** Fields that use the keys themselves. */
const TYPING = 'input:not([type="range"], [type="checkbox"]), textarea, select, [contenteditable]';

/**
 * @typedef {import('./zoom-geometry.js').Place} Place
 * @typedef {import('./zoom-geometry.js').Stage} Stage
 */

export class Zoom {
  /** @type {Place} */
  place = FITTED;
  /** The picture's width in its own pixels; 0 when unknown. */
  naturalWidth = 0;

  #out = iconButton('minus', 'Zoom out', () => this.#zoomBy(1 / STEP));
  #in = iconButton('add', 'Zoom in', () => this.#zoomBy(STEP));
  #fit = iconButton('fit', 'Fit the picture', () => this.#set(FITTED));
  #level = h('span', { class: 'visually-hidden', role: 'status' });
  controls = h('div', { class: 'zoom-controls', role: 'group', 'aria-label': 'Zoom' }, this.#out, this.#fit, this.#in, this.#level);

  #view;
  #frame;
  #content;
  #on;
  #listening = new AbortController();
  /** @type {Map<number, {x: number, y: number}>} the pressed pointers, relative to the window */
  #pointers = new Map();
  /** @type {{x: number, y: number, time: number} | null} where the first of them was pressed */
  #pressed = null;
  #moved = false;
  #swiped = 0;
  /** @type {{x: number, y: number, time: number} | null} */
  #lastClick = null;
  /** What the wheel does now, and since when. */
  #wheel = { zooms: false, time: -Infinity };
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #saying;

  /**
   * @param {{view: HTMLElement, frame: HTMLElement, content: HTMLElement}} elements `content` is moved and resized within `frame`,
   *   which keeps the size of the fitted picture; `view` is what a zoomed picture fills
   * @param {object} on
   * @param {() => void} on.change
   * @param {(event: PointerEvent) => void} on.click a click or tap on the picture
   * @param {((by: -1 | 1) => void) | undefined} on.swipe to the next or previous picture
   */
  constructor({ view, frame, content }, on) {
    this.#view = view;
    this.#frame = frame;
    this.#content = content;
    this.#on = on;
    const { signal } = this.#listening;
    view.addEventListener('wheel', (event) => this.#onWheel(event), { passive: false, signal });
    view.addEventListener('pointerdown', (event) => this.#onDown(event), { signal });
    view.addEventListener('pointermove', (event) => this.#onMove(event), { signal });
    view.addEventListener('pointerup', (event) => this.#onUp(event), { signal });
    view.addEventListener('pointercancel', (event) => this.#release(event.pointerId), { signal });
    // With two fingers the browser would scroll or zoom the page.
    const keepTouch = (/** @type {TouchEvent} */ event) => event.cancelable && (event.touches.length > 1 || this.isZoomed) && !isControl(event.target) && event.preventDefault();
    for (const name of /** @type {const} */ (['touchstart', 'touchmove'])) view.addEventListener(name, keepTouch, { passive: false, signal });
    view.addEventListener('keydown', (event) => this.#moveByKey(event), { signal });
    document.addEventListener('keydown', (event) => this.#onKey(event), { signal });
    this.#showControls();
  }

  get isZoomed() {
    return this.place.scale > 1;
  }

  /** @returns {Stage} */
  get stage() {
    const view = this.#view.getBoundingClientRect();
    const frame = this.#frame.getBoundingClientRect();
    return {
      view: { width: view.width, height: view.height },
      frame: { left: frame.left - view.left, top: frame.top - view.top, width: frame.width, height: frame.height },
      maxScale: maxScaleFor(this.naturalWidth, frame.width),
    };
  }

  /** The part of the picture that can be seen, relative to its frame. */
  get visible() {
    return visiblePart(this.place, this.stage);
  }

  /** The page or the picture has another size. */
  refit() {
    if (this.isZoomed) this.#set(limit(this.place, this.stage));
    else this.#on.change();
  }

  /**
   * Moves a zoomed picture so that a box of it can be seen.
   * @param {import('./zoom-geometry.js').Rect} box in ratios of the picture
   */
  reveal(box) {
    if (this.isZoomed) this.#set(centre(this.place, box, this.stage));
  }

  destroy() {
    this.#listening.abort();
    clearTimeout(this.#saying);
  }

  /** @param {Place} place */
  #set(place) {
    this.place = place;
    const { scale, x, y } = place;
    const { style } = this.#content;
    style.inlineSize = style.blockSize = scale === 1 ? '' : `${scale * 100}%`;
    style.transform = scale === 1 ? '' : `translate(${x}px, ${y}px)`;
    this.#view.classList.toggle('zoomed', scale > 1);
    this.#showControls();
    this.#on.change();
  }

  #showControls() {
    const { scale } = this.place;
    const focused = document.activeElement;
    this.#out.disabled = this.#fit.disabled = scale <= 1;
    this.#in.disabled = scale > 1 && scale >= this.stage.maxScale;
    // A disabled button loses the focus.
    if (focused === this.#out || focused === this.#fit) if (scale <= 1) this.#in.focus();
    if (focused === this.#in && this.#in.disabled) this.#out.focus();
    clearTimeout(this.#saying);
    const text = scale > 1 ? `Zoomed to ${Math.round(scale * 100)} percent` : this.#level.textContent ? 'Not zoomed' : '';
    // A wheel changes the scale many times.
    this.#saying = setTimeout(() => (this.#level.textContent = text), 400);
  }

  /**
   * @param {number} factor
   * @param {{x: number, y: number}} [point] relative to the window; by default the middle
   */
  #zoomBy(factor, point) {
    const { left, top, width, height } = this.#view.getBoundingClientRect();
    const at = point ? { x: point.x - left, y: point.y - top } : { x: width / 2, y: height / 2 };
    this.#set(zoomAt(this.place, factor, at, this.stage));
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  #moveBy(x, y) {
    const { scale, x: left, y: top } = this.place;
    this.#set(limit({ scale, x: left + x, y: top + y }, this.stage));
  }

  /** @param {WheelEvent} event */
  #onWheel(event) {
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : event.deltaY * PIXELS_PER_LINE;
    if (pixels === 0) return;
    const continues = event.timeStamp - this.#wheel.time < WHEEL_PAUSE_MS;
    const zooms = event.ctrlKey || this.isZoomed || (continues ? this.#wheel.zooms : pixels < 0 && !canScrollUp(this.#view));
    this.#wheel = { zooms, time: event.timeStamp };
    if (!zooms) return;
    event.preventDefault();
    const rate = event.ctrlKey ? PINCH_RATE : WHEEL_RATE;
    this.#zoomBy(Math.exp(-rate * Math.min(MAX_WHEEL, Math.max(-MAX_WHEEL, pixels))), { x: event.clientX, y: event.clientY });
  }

  /** @param {PointerEvent} event */
  #onDown(event) {
    if (isControl(event.target) || (event.pointerType === 'mouse' && event.button !== 0)) return;
    const point = { x: event.clientX, y: event.clientY };
    if (this.#pointers.size === 0) {
      this.#pressed = { ...point, time: event.timeStamp };
      this.#moved = false;
    } else {
      this.#moved = true;
      this.#showSwipe(0);
    }
    this.#pointers.set(event.pointerId, point);
  }

  /** @param {PointerEvent} event */
  #onMove(event) {
    const before = this.#pointers.get(event.pointerId);
    if (!before || !this.#pressed) return;
    const now = { x: event.clientX, y: event.clientY };
    const [dx, dy] = [now.x - this.#pressed.x, now.y - this.#pressed.y];
    if (!this.#moved && Math.hypot(dx, dy) < CLICK_PX) return;
    if (!this.#moved) {
      this.#moved = true;
      // So that a drag can leave the picture.
      this.#view.setPointerCapture(event.pointerId);
    }
    const other = [...this.#pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.#pointers.set(event.pointerId, now);
    if (other) {
      const spread = Math.hypot(before.x - other.x, before.y - other.y);
      if (spread > 0) this.#zoomBy(Math.hypot(now.x - other.x, now.y - other.y) / spread, { x: (before.x + other.x) / 2, y: (before.y + other.y) / 2 });
      this.#moveBy((now.x - before.x) / 2, (now.y - before.y) / 2);
    } else if (this.isZoomed) this.#moveBy(now.x - before.x, now.y - before.y);
    else if (event.pointerType === 'touch' && this.#on.swipe && Math.abs(dx) > Math.abs(dy)) this.#showSwipe(dx);
  }

  /** @param {PointerEvent} event */
  #onUp(event) {
    const pressed = this.#pressed;
    const alone = this.#pointers.size === 1 && this.#pointers.has(event.pointerId);
    const swiped = this.#swiped;
    this.#release(event.pointerId);
    if (!alone || !pressed) return;
    if (!this.#moved) this.#onClick(event);
    else if (swiped !== 0) {
      const speed = Math.abs(swiped) / Math.max(1, event.timeStamp - pressed.time);
      if (Math.abs(swiped) >= SWIPE_PX || (speed >= SWIPE_SPEED && Math.abs(swiped) >= MIN_SWIPE_PX)) this.#on.swipe?.(swiped < 0 ? 1 : -1);
    }
  }

  /** @param {number} pointer */
  #release(pointer) {
    this.#pointers.delete(pointer);
    if (this.#pointers.size > 0) return;
    this.#pressed = null;
    this.#showSwipe(0);
  }

  /** @param {number} x how far the finger has swiped the picture */
  #showSwipe(x) {
    if (x === 0 && this.#swiped === 0) return;
    this.#swiped = x;
    this.#content.style.transform = x === 0 ? '' : `translateX(${x}px)`;
  }

  /** @param {PointerEvent} event */
  #onClick(event) {
    const { clientX: x, clientY: y, timeStamp: time } = event;
    const last = this.#lastClick;
    this.#lastClick = { x, y, time };
    this.#on.click(event);
    if (!last || time - last.time > DOUBLE_CLICK_MS || Math.hypot(x - last.x, y - last.y) > DOUBLE_CLICK_PX) return;
    this.#lastClick = null;
    if (this.isZoomed) this.#set(FITTED);
    else this.#zoomBy(DOUBLE_CLICK_SCALE, { x, y });
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const { target, key } = event;
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || this.#view.getClientRects().length === 0) return;
    if (target instanceof Element && target.matches(TYPING)) return;
    if (key === '+' || key === '=') this.#zoomBy(STEP);
    else if (key === '-') this.#zoomBy(1 / STEP);
    else if (key === '0') this.#set(FITTED);
    else return;
    event.preventDefault();
  }

  /**
   * Moves a zoomed picture with the arrow keys, while one of its buttons has the focus.
   * @param {KeyboardEvent} event
   */
  #moveByKey(event) {
    if (!this.isZoomed || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const { width, height } = this.#view.getBoundingClientRect();
    const x = { ArrowLeft: 1, ArrowRight: -1 }[event.key] ?? 0;
    const y = { ArrowUp: 1, ArrowDown: -1 }[event.key] ?? 0;
    if (x === 0 && y === 0) return;
    event.preventDefault();
    event.stopPropagation();
    this.#moveBy(x * width * ARROW_PART, y * height * ARROW_PART);
  }
}

/**
 * Whether something lies over the picture: what happens to it does not happen to the boxes below.
 * @param {EventTarget | null} target
 */
export function isControl(target) {
  return target instanceof Element && target.closest('button, a, .zoom-controls, .picture-note') !== null;
}

/**
 * Whether something around an element can scroll up.
 * @param {HTMLElement} element
 */
function canScrollUp(element) {
  for (let each = element.parentElement; each; each = each.parentElement) {
    if (each.scrollTop > 0 && each.scrollHeight > each.clientHeight) return true;
    // Nothing behind a dialog scrolls.
    if (each instanceof HTMLDialogElement) return false;
  }
  return scrollY > 0;
}
