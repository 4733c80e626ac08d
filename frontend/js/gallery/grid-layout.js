// @ts-check
/** The geometry of a grid of which only the part on the screen exists. Pixels throughout. */

/**
 * @typedef {object} Layout
 * @property {number} columns
 * @property {number} tileWidth
 * @property {number} tileHeight
 * @property {number} pitchX from one tile's left edge to the next one's
 * @property {number} pitchY
 */

/** Rows above and below the screen that exist too, so that a turn of the wheel shows no gap. */
export const MARGIN_ROWS = 3;

/**
 * @param {number} width of the grid
 * @param {{least: number, gap: number, caption: number, ratio: number}} tile the least width of a tile, the space
 *   between two, the height of the text below its picture, and the picture's height by its width
 * @returns {Layout}
 */
export function layOut(width, { least, gap, caption, ratio }) {
  const columns = Math.max(1, Math.floor((width + gap) / (least + gap)));
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
 * The tiles that exist while a part of the grid is on the screen.
 * @param {{top: number, height: number}} view the screen's top edge, measured from the grid's, and its height
 * @param {number} count
 * @param {Layout} layout
 * @returns {{first: number, end: number}} `end` is not among them
 */
export function windowOf({ top, height }, count, { columns, pitchY }) {
  const firstRow = Math.floor(top / pitchY) - MARGIN_ROWS;
  const endRow = Math.ceil((top + height) / pitchY) + MARGIN_ROWS;
  const first = Math.min(count, Math.max(0, firstRow * columns));
  return { first, end: Math.max(first, Math.min(count, endRow * columns)) };
}

/**
 * @param {number} index
 * @param {Layout} layout
 */
export function placeOf(index, { columns, pitchX, pitchY }) {
  return { x: (index % columns) * pitchX, y: Math.floor(index / columns) * pitchY };
}

/**
 * Where a key leads in the grid.
 * @param {string} key as `KeyboardEvent.key`
 * @param {number} index
 * @param {number} count
 * @param {Layout} layout
 * @param {number} height of the screen
 * @returns {number | null} null for keys that lead nowhere
 */
export function stepFrom(key, index, count, { columns, pitchY }, height) {
  if (count === 0) return null;
  const page = Math.max(1, Math.floor(height / pitchY)) * columns;
  const onLastRow = Math.floor(index / columns) === Math.floor((count - 1) / columns);
  const within = (/** @type {number} */ to) => Math.min(count - 1, Math.max(0, to));
  switch (key) {
    case 'ArrowLeft':
      return within(index - 1);
    case 'ArrowRight':
      return within(index + 1);
    case 'ArrowUp':
      return index < columns ? index : index - columns;
    case 'ArrowDown':
      return onLastRow ? index : within(index + columns);
    case 'PageUp':
      return within(index - page);
    case 'PageDown':
      return within(index + page);
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return null;
  }
}
