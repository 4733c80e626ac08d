// @ts-check
/** The geometry of a virtual grid: only tiles near the screen are in the page. All lengths are pixels. */

/**
 * @typedef {object} Layout
 * @property {number} columns
 * @property {number} tileWidth
 * @property {number} tileHeight
 * @property {number} pitchX from one tile's left edge to that of the next
 * @property {number} pitchY
 */

/** Extra rows above and below the screen, so that fast scrolling shows no gap. */
export const MARGIN_ROWS = 3;

/**
 * @param {number} width of the grid
 * @param {{minWidth: number, gap: number, caption: number, ratio: number}} tile a tile's minimum width, the space between
 *   two tiles, the height of the text below the picture, and the picture's height divided by its width
 * @returns {Layout}
 */
export function layoutFor(width, { minWidth, gap, caption, ratio }) {
  const columns = Math.max(1, Math.floor((width + gap) / (minWidth + gap)));
  const tileWidth = Math.max(1, (width - gap * (columns - 1)) / columns);
  const tileHeight = Math.round(tileWidth * ratio) + caption;
  return { columns, tileWidth, tileHeight, pitchX: tileWidth + gap, pitchY: tileHeight + gap };
}

/**
 * The height of the whole grid.
 * @param {number} count
 * @param {Layout} layout
 */
export function heightOf(count, { columns, tileHeight, pitchY }) {
  const rows = Math.ceil(count / columns);
  return rows === 0 ? 0 : (rows - 1) * pitchY + tileHeight;
}

/**
 * The tiles that are in the page.
 * @param {{top: number, height: number}} view the screen's top edge, relative to the grid's, and its height
 * @param {number} count
 * @param {Layout} layout
 * @returns {{first: number, end: number}} `end` is exclusive
 */
export function visibleRange({ top, height }, count, { columns, pitchY }) {
  const firstRow = Math.floor(top / pitchY) - MARGIN_ROWS;
  const endRow = Math.ceil((top + height) / pitchY) + MARGIN_ROWS;
  const first = Math.min(count, Math.max(0, firstRow * columns));
  return { first, end: Math.max(first, Math.min(count, endRow * columns)) };
}

/**
 * @param {number} index
 * @param {Layout} layout
 */
export function positionOf(index, { columns, pitchX, pitchY }) {
  return { x: (index % columns) * pitchX, y: Math.floor(index / columns) * pitchY };
}

/**
 * The tile that a key moves to.
 * @param {string} key as `KeyboardEvent.key`
 * @param {number} index
 * @param {number} count
 * @param {Layout} layout
 * @param {number} height of the screen
 * @returns {number | null} null for other keys
 */
export function indexAfterKey(key, index, count, { columns, pitchY }, height) {
  if (count === 0) return null;
  const page = Math.max(1, Math.floor(height / pitchY)) * columns;
  const onLastRow = Math.floor(index / columns) === Math.floor((count - 1) / columns);
  const clamp = (/** @type {number} */ to) => Math.min(count - 1, Math.max(0, to));
  switch (key) {
    case 'ArrowLeft':
      return clamp(index - 1);
    case 'ArrowRight':
      return clamp(index + 1);
    case 'ArrowUp':
      return index < columns ? index : index - columns;
    case 'ArrowDown':
      return onLastRow ? index : clamp(index + columns);
    case 'PageUp':
      return clamp(index - page);
    case 'PageDown':
      return clamp(index + page);
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return null;
  }
}
