// @ts-check
/** The geometry of boxes over a picture. Boxes are ratios of the picture (0..1); tags are in pixels. */

/**
 * @typedef {{left: number, top: number, width: number, height: number}} Box
 * @typedef {{x: number, y: number}} Point
 * @typedef {{x: number, y: number, shown: boolean}} TagPosition top left corner in pixels
 */

/** A side is horizontal or vertical if its ends differ by less than this ratio of the picture. */
const STRAIGHT = 0.002;

/** A gap between a tag and its box, and between two tags, in pixels. */
const GAP = 2;

/**
 * The part of a box within the picture: Rekognition's boxes may extend beyond its edges.
 * @param {import('./api-types.js').BoundingBox | undefined} box
 * @returns {Box | null} null when the box is missing or outside the picture
 */
export function clampBox(box) {
  const { Left = NaN, Top = NaN, Width = NaN, Height = NaN } = box ?? {};
  const left = clamp(Left, 0, 1);
  const top = clamp(Top, 0, 1);
  const width = clamp(Left + Width, 0, 1) - left;
  const height = clamp(Top + Height, 0, 1) - top;
  return width > 0 && height > 0 ? { left, top, width, height } : null;
}

/**
 * The outline of slanted text, in ratios of the picture.
 * @param {readonly {X?: number, Y?: number}[] | undefined} polygon
 * @returns {Point[] | null} null when it is missing, or no more than its box
 */
export function outlineOf(polygon) {
  const points = (polygon ?? []).flatMap(({ X, Y }) => (Number.isFinite(X) && Number.isFinite(Y) ? [{ x: Number(X), y: Number(Y) }] : []));
  if (points.length < 3) return null;
  const sides = points.map((point, index) => ({ point, next: points[(index + 1) % points.length] ?? point }));
  const isBox = sides.every(({ point, next }) => Math.abs(point.x - next.x) < STRAIGHT || Math.abs(point.y - next.y) < STRAIGHT);
  return isBox ? null : points;
}

/**
 * The box under a point. Of several boxes it is the smallest: a larger one can be reached beside it.
 * @param {readonly Box[]} boxes
 * @param {number} x
 * @param {number} y
 * @returns {number} its index, or -1
 */
export function boxAt(boxes, x, y) {
  let best = -1;
  let area = Infinity;
  boxes.forEach(({ left, top, width, height }, index) => {
    const inside = x >= left && x <= left + width && y >= top && y <= top + height;
    if (inside && width * height < area) {
      best = index;
      area = width * height;
    }
  });
  return best;
}

/**
 * Places the boxes' tags: above the box, else inside at its top, inside at its bottom, or below it. A tag stays within
 * the picture and does not overlap an earlier tag; a tag without room is not shown.
 * @param {readonly Box[]} boxes the most important first
 * @param {readonly {width: number, height: number}[]} tags their sizes in pixels
 * @param {{width: number, height: number}} frame the picture's size in pixels
 * @returns {TagPosition[]}
 */
export function placeTags(boxes, tags, frame) {
  /** @type {{x: number, y: number, width: number, height: number}[]} */
  const taken = [];
  return boxes.map((box, index) => {
    const tag = tags[index] ?? { width: 0, height: 0 };
    const x = clamp(box.left * frame.width, 0, Math.max(0, frame.width - tag.width));
    const top = box.top * frame.height;
    const bottom = (box.top + box.height) * frame.height;
    const candidates = [top - tag.height - GAP, top + GAP, bottom - tag.height - GAP, bottom + GAP];
    for (const y of candidates) {
      const position = { x, y, width: tag.width, height: tag.height };
      if (y < 0 || y + tag.height > frame.height || taken.some((other) => overlap(position, other))) continue;
      taken.push(position);
      return { x, y, shown: true };
    }
    return { x, y: clamp(top + GAP, 0, Math.max(0, frame.height - tag.height)), shown: false };
  });
}

/**
 * @param {{x: number, y: number, width: number, height: number}} a
 * @param {{x: number, y: number, width: number, height: number}} b
 */
function overlap(a, b) {
  return (
    a.x < b.x + b.width + GAP && b.x < a.x + a.width + GAP && a.y < b.y + b.height + GAP && b.y < a.y + a.height + GAP
  );
}

/**
 * @param {number} value
 * @param {number} low
 * @param {number} high
 */
function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value));
}
