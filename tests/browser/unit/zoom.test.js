// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FITTED, boxInView, centre, limit, maxScaleFor, visiblePart, zoomAt } from '../../../frontend/js/shared/zoom-geometry.js';

/** A landscape picture in the middle of a square stage. */
const STAGE = { view: { width: 400, height: 400 }, frame: { left: 0, top: 100, width: 400, height: 200 }, maxScale: 8 };

/**
 * Where a point of the picture is on the stage.
 * @param {import('../../../frontend/js/shared/zoom-geometry.js').Place} place
 * @param {number} [x0] ratio
 * @param {number} [y0] ratio
 */
const at = ({ scale, x, y }, x0 = 0, y0 = 0) => ({ x: STAGE.frame.left + x + x0 * STAGE.frame.width * scale, y: STAGE.frame.top + y + y0 * STAGE.frame.height * scale });

test('the point under the pointer keeps its place while the picture grows', () => {
  const pointer = { x: 300, y: 220 };
  const place = zoomAt(FITTED, 4, pointer, STAGE);
  assert.equal(place.scale, 4);
  assert.deepEqual(at(place, 300 / 400, 120 / 200), pointer);
  const further = zoomAt(place, 1.5, pointer, STAGE);
  assert.deepEqual(at(further, 300 / 400, 120 / 200), pointer);
});

test('a picture is never smaller than its frame, nor larger than the limit', () => {
  assert.deepEqual(zoomAt(FITTED, 0.5, { x: 10, y: 10 }, STAGE), FITTED);
  assert.equal(zoomAt(FITTED, 100, { x: 10, y: 110 }, STAGE).scale, 8);
  assert.deepEqual(zoomAt(zoomAt(FITTED, 3, { x: 1, y: 101 }, STAGE), 0.01, { x: 399, y: 299 }, STAGE), FITTED);
  assert.equal(maxScaleFor(0, 400), 4);
  assert.equal(maxScaleFor(4000, 400), 40);
  assert.equal(maxScaleFor(100, 0), 4);
});

test('a zoomed picture leaves no needless gap at an edge', () => {
  // As wide as the stage, but lower: it stays in the middle.
  assert.deepEqual(limit({ scale: 1.5, x: 500, y: 500 }, STAGE), { scale: 1.5, x: 0, y: -50 });
  assert.deepEqual(limit({ scale: 4, x: 500, y: 500 }, STAGE), { scale: 4, x: 0, y: -100 });
  assert.deepEqual(limit({ scale: 4, x: -9999, y: -9999 }, STAGE), { scale: 4, x: -1200, y: -500 });
});

test('the visible part is what is on the stage', () => {
  assert.deepEqual(visiblePart(FITTED, STAGE), { left: 0, top: 0, width: 400, height: 200 });
  assert.deepEqual(visiblePart({ scale: 4, x: -600, y: -300 }, STAGE), { left: 0, top: -100, width: 400, height: 400 });
});

test('boxes stay on their subject: a box is clipped to what can be seen', () => {
  const box = { left: 0.5, top: 0.5, width: 0.25, height: 0.25 };
  assert.deepEqual(boxInView(box, FITTED, visiblePart(FITTED, STAGE), STAGE.frame), box);
  const place = centre({ scale: 4, x: 0, y: 0 }, box, STAGE);
  const middle = at(place, 0.625, 0.625);
  assert.deepEqual(middle, { x: 200, y: 200 });
  const seen = boxInView(box, place, visiblePart(place, STAGE), STAGE.frame);
  assert.deepEqual(seen, { left: 0, top: 0.25, width: 1, height: 0.5 });
  assert.equal(boxInView({ left: 0, top: 0, width: 0.1, height: 0.1 }, place, visiblePart(place, STAGE), STAGE.frame), null);
});
