// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { boxAt, clampBox, outlineOf, placeTags } from '../../../frontend/js/shared/boxes.js';

test('a box that extends beyond the picture ends at its edge', () => {
  assert.deepEqual(clampBox({ Left: 0.25, Top: 0.25, Width: 0.5, Height: 0.5 }), { left: 0.25, top: 0.25, width: 0.5, height: 0.5 });
  assert.deepEqual(clampBox({ Left: -0.25, Top: 0.5, Width: 0.5, Height: 1 }), { left: 0, top: 0.5, width: 0.25, height: 0.5 });
});

test('a missing or empty box, or one outside the picture, is no box', () => {
  for (const box of [undefined, {}, { Left: 0, Top: 0, Width: 0, Height: 1 }, { Left: 1.2, Top: 0, Width: 0.5, Height: 1 }]) {
    assert.equal(clampBox(box), null);
  }
});

test('slanted text has an outline of its own, and straight text its box', () => {
  const slanted = [{ X: 0.1, Y: 0.2 }, { X: 0.5, Y: 0.3 }, { X: 0.48, Y: 0.4 }, { X: 0.08, Y: 0.3 }];
  assert.deepEqual(outlineOf(slanted), slanted.map(({ X, Y }) => ({ x: X, y: Y })));
  assert.equal(outlineOf([{ X: 0.1, Y: 0.2 }, { X: 0.5, Y: 0.201 }, { X: 0.5, Y: 0.4 }, { X: 0.1, Y: 0.4 }]), null);
  for (const missing of [undefined, [], slanted.slice(0, 2), [{ X: 0.1 }, { Y: 1 }, {}]]) assert.equal(outlineOf(missing), null);
});

test('the box under a point is the smallest one', () => {
  const boxes = [
    { left: 0, top: 0, width: 1, height: 1 },
    { left: 0.4, top: 0.4, width: 0.2, height: 0.2 },
  ];
  assert.equal(boxAt(boxes, 0.5, 0.5), 1);
  assert.equal(boxAt(boxes, 0.1, 0.1), 0);
  assert.equal(boxAt(boxes.slice(1), 0.1, 0.1), -1);
});

const FRAME = { width: 400, height: 300 };
const TAG = { width: 100, height: 20 };

test('a tag is above its box, or inside if there is no room above', () => {
  assert.deepEqual(placeTags([{ left: 0.25, top: 0.5, width: 0.25, height: 0.25 }], [TAG], FRAME), [{ x: 100, y: 128, shown: true }]);
  assert.deepEqual(placeTags([{ left: 0.25, top: 0, width: 0.25, height: 0.25 }], [TAG], FRAME), [{ x: 100, y: 2, shown: true }]);
});

test('a tag stays within the picture and does not overlap others', () => {
  const right = { left: 0.95, top: 0.5, width: 0.05, height: 0.25 };
  assert.equal(placeTags([right], [TAG], FRAME)[0]?.x, 300);
  const same = { left: 0.25, top: 0.5, width: 0.25, height: 0.25 };
  const places = placeTags([same, same, same, same, same], Array(5).fill(TAG), FRAME);
  assert.deepEqual(
    places.map(({ shown }) => shown),
    [true, true, true, true, false],
  );
  assert.equal(new Set(places.slice(0, 4).map(({ y }) => y)).size, 4);
});

test('a tag wider than the picture starts at its left edge', () => {
  assert.equal(placeTags([{ left: 0.5, top: 0.5, width: 0.2, height: 0.2 }], [{ width: 900, height: 20 }], FRAME)[0]?.x, 0);
});
