// @ts-check
/** The geometry of a zoomed picture. All lengths are CSS pixels. */

/**
 * @typedef {{x: number, y: number}} Point
 * @typedef {{left: number, top: number, width: number, height: number}} Rect
 *
 * @typedef {object} Place where the picture is
 * @property {number} scale 1 for the picture that fits its frame
 * @property {number} x how far the picture's left edge is to the right of its frame's
 * @property {number} y
 *
 * @typedef {object} Stage
 * @property {{width: number, height: number}} view what the person sees; a zoomed picture fills it
 * @property {Rect} frame where the picture fits without zoom, relative to the view
 * @property {number} maxScale
 */

/** @type {Readonly<Place>} */
export const FITTED = Object.freeze({ scale: 1, x: 0, y: 0 });

/** A picture can be zoomed this far at least, and until one of its pixels is this large. */
const MIN_MAX_SCALE = 4;
const MAX_PIXEL = 4;

/**
 * @param {number} naturalWidth in the picture's pixels; 0 when unknown
 * @param {number} frameWidth
 */
export function maxScaleFor(naturalWidth, frameWidth) {
  return Math.max(MIN_MAX_SCALE, frameWidth > 0 ? (MAX_PIXEL * naturalWidth) / frameWidth : 0);
}

/**
 * Scales a picture around a point, which keeps its place.
 * @param {Place} place
 * @param {number} factor
 * @param {Point} point relative to the view
 * @param {Stage} stage
 * @returns {Place}
 */
export function zoomAt(place, factor, point, stage) {
  const scale = Math.min(stage.maxScale, Math.max(1, place.scale * factor));
  const ratio = scale / place.scale;
  const [fromX, fromY] = [point.x - stage.frame.left, point.y - stage.frame.top];
  return limit({ scale, x: fromX - (fromX - place.x) * ratio, y: fromY - (fromY - place.y) * ratio }, stage);
}

/**
 * The nearest place without a needless gap at an edge of the view.
 * @param {Place} place
 * @param {Stage} stage
 * @returns {Place}
 */
export function limit({ scale, x, y }, { view, frame, maxScale }) {
  const within = Math.min(maxScale, Math.max(1, scale));
  return {
    scale: within,
    x: limitAxis(x, within, frame.left, frame.width, view.width),
    y: limitAxis(y, within, frame.top, frame.height, view.height),
  };
}

/**
 * The part of the picture that can be seen, relative to the frame.
 * @param {Place} place
 * @param {Stage} stage
 * @returns {Rect}
 */
export function visiblePart({ scale, x, y }, { view, frame }) {
  const left = Math.max(x, 0 - frame.left);
  const top = Math.max(y, 0 - frame.top);
  const right = Math.min(x + frame.width * scale, view.width - frame.left);
  const bottom = Math.min(y + frame.height * scale, view.height - frame.top);
  return { left, top, width: Math.max(0, right - left), height: Math.max(0, bottom - top) };
}

/**
 * The place that shows a box in the middle, with the same scale.
 * @param {Place} place
 * @param {Rect} box in ratios of the picture
 * @param {Stage} stage
 * @returns {Place}
 */
export function centre({ scale }, box, stage) {
  const { view, frame } = stage;
  const x = view.width / 2 - frame.left - (box.left + box.width / 2) * frame.width * scale;
  const y = view.height / 2 - frame.top - (box.top + box.height / 2) * frame.height * scale;
  return limit({ scale, x, y }, stage);
}

/**
 * A box of the picture within its visible part, in ratios of that part.
 * @param {Rect} box in ratios of the picture
 * @param {Place} place
 * @param {Rect} visible
 * @param {{width: number, height: number}} frame
 * @returns {Rect | null} null when no part of the box can be seen
 */
export function boxInView(box, { scale, x, y }, visible, frame) {
  const left = Math.max(x + box.left * frame.width * scale, visible.left);
  const top = Math.max(y + box.top * frame.height * scale, visible.top);
  const right = Math.min(x + (box.left + box.width) * frame.width * scale, visible.left + visible.width);
  const bottom = Math.min(y + (box.top + box.height) * frame.height * scale, visible.top + visible.height);
  if (right <= left || bottom <= top) return null;
  return {
    left: (left - visible.left) / visible.width,
    top: (top - visible.top) / visible.height,
    width: (right - left) / visible.width,
    height: (bottom - top) / visible.height,
  };
}

/**
 * @param {number} offset
 * @param {number} scale
 * @param {number} start of the frame
 * @param {number} length of the frame
 * @param {number} viewLength
 */
function limitAxis(offset, scale, start, length, viewLength) {
  const size = length * scale;
  // A picture smaller than the view grows around its middle.
  const wanted = size <= viewLength ? (length - size) / 2 : offset;
  const [low, high] = [Math.min(0, viewLength - size) - start, Math.max(0, viewLength - size) - start];
  // Zero without a sign.
  return Math.min(high, Math.max(low, wanted)) || 0;
}
