// @ts-check
/** The geometry of a virtual grid: only tiles near the screen are in the page. All lengths are pixels. */

/**
 * @typedef {object} Layout
 * @property {number} columns
 * @property {number} tileWidth
 * @property {number} tileHeight
 * @property {number} pitchX from one tile's left edge to that of the next
 * @property {number} pitchY
 *
 * @typedef {object} Section tiles below one heading; each section begins a new row
 * @property {number} start index of its first tile
 * @property {number} end exclusive
 * @property {number} top
 *
 * @typedef {object} Plan where everything is
 * @property {Layout} layout
 * @property {number} count of all tiles
 * @property {number} heading height of a heading; 0 without headings
 * @property {Section[]} sections
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
 * @param {Layout} layout
 * @param {number} count
 * @param {readonly number[]} starts index of each section's first tile; [0] for one section
 * @param {number} heading
 * @returns {Plan}
 */
export function planFor(layout, count, starts = [0], heading = 0) {
  const gap = layout.pitchY - layout.tileHeight;
  /** @type {Section[]} */
  const sections = [];
  let top = 0;
  if (count > 0) {
    starts.forEach((start, at) => {
      const end = starts[at + 1] ?? count;
      sections.push({ start, end, top });
      top += heading + rowsOf(end - start, layout) * layout.pitchY - (heading > 0 ? 0 : gap);
    });
  }
  return { layout, count, heading, sections };
}

/**
 * The height of the whole grid.
 * @param {Plan} plan
 */
export function heightOf({ layout, heading, sections }) {
  const last = sections.at(-1);
  return last ? last.top + heading + (rowsOf(last.end - last.start, layout) - 1) * layout.pitchY + layout.tileHeight : 0;
}

/**
 * The tiles that are in the page.
 * @param {{top: number, height: number}} view the screen's top edge, relative to the grid's, and its height
 * @param {Plan} plan
 * @returns {{first: number, end: number}} `end` is exclusive
 */
export function visibleRange({ top, height }, plan) {
  const margin = MARGIN_ROWS * plan.layout.pitchY;
  const first = indexAt(plan, top - margin, Math.floor);
  return { first, end: Math.max(first, indexAt(plan, top + height + margin, Math.ceil)) };
}

/**
 * @param {number} index
 * @param {Plan} plan
 */
export function positionOf(index, plan) {
  const { columns, pitchX, pitchY } = plan.layout;
  const { start = 0, top = 0 } = plan.sections[sectionOf(index, plan)] ?? {};
  const within = index - start;
  return { x: (within % columns) * pitchX, y: top + plan.heading + Math.floor(within / columns) * pitchY };
}

/**
 * The section of a tile.
 * @param {number} index
 * @param {Plan} plan
 * @returns {number} its index
 */
export function sectionOf(index, { sections }) {
  return lastIndex(sections, ({ start }) => start <= index);
}

/**
 * The tile that a key moves to.
 * @param {string} key as `KeyboardEvent.key`
 * @param {number} index
 * @param {Plan} plan
 * @param {number} height of the screen
 * @returns {number | null} null for other keys
 */
export function indexAfterKey(key, index, plan, height) {
  const { count, layout } = plan;
  if (count === 0) return null;
  const clamp = (/** @type {number} */ to) => Math.min(count - 1, Math.max(0, to));
  switch (key) {
    case 'ArrowLeft':
      return clamp(index - 1);
    case 'ArrowRight':
      return clamp(index + 1);
    case 'ArrowUp':
      return indexInRow(index, -1, plan) ?? index;
    case 'ArrowDown':
      return indexInRow(index, 1, plan) ?? index;
    case 'PageUp':
    case 'PageDown': {
      const by = key === 'PageUp' ? -1 : 1;
      let to = index;
      for (let rows = Math.max(1, Math.floor(height / layout.pitchY)); rows > 0; rows -= 1) {
        const next = indexInRow(to, by, plan);
        if (next === null) return by < 0 ? 0 : count - 1;
        to = next;
      }
      return to;
    }
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return null;
  }
}

/**
 * The tile in the same column of the row above or below, or the last one of a shorter row.
 * @param {number} index
 * @param {-1 | 1} by
 * @param {Plan} plan
 * @returns {number | null} null when there is no such row
 */
function indexInRow(index, by, plan) {
  const { columns } = plan.layout;
  const at = sectionOf(index, plan);
  const section = plan.sections[at];
  if (!section) return null;
  const column = (index - section.start) % columns;
  const row = Math.floor((index - section.start) / columns) + by;
  const to = row >= 0 && row < rowsOf(section.end - section.start, plan.layout) ? section : plan.sections[at + by];
  if (!to) return null;
  const toRow = to === section ? row : by > 0 ? 0 : rowsOf(to.end - to.start, plan.layout) - 1;
  return Math.min(to.end - 1, to.start + toRow * columns + column);
}

/**
 * The first tile of the row at a height.
 * @param {Plan} plan
 * @param {number} y
 * @param {(rows: number) => number} round
 */
function indexAt({ layout, heading, sections }, y, round) {
  const section = sections[Math.max(0, lastIndex(sections, ({ top }) => top <= y))];
  if (!section) return 0;
  const row = Math.max(0, round((y - section.top - heading) / layout.pitchY));
  return Math.min(section.end, section.start + row * layout.columns);
}

/**
 * @param {number} count
 * @param {Layout} layout
 */
function rowsOf(count, { columns }) {
  return Math.ceil(count / columns);
}

/**
 * The last one of sorted items that is early enough: by halving, because there may be thousands.
 * @template T
 * @param {readonly T[]} items
 * @param {(item: T) => boolean} isEarly
 * @returns {number} -1 when there is none
 */
function lastIndex(items, isEarly) {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = items[middle];
    if (item !== undefined && isEarly(item)) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
