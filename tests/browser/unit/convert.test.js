// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fit, jpegName, needsConversion } from '../../../frontend/js/upload/convert.js';

test('only types that the service cannot decode are converted', () => {
  assert.equal(needsConversion('image/heic'), true);
  for (const type of ['image/jpeg', 'image/png', 'image/webp', 'image/avif', 'image/tiff', '']) assert.equal(needsConversion(type), false, type);
});

test('a picture is scaled down to the limits and keeps its proportions', () => {
  for (const [width, height, expected] of /** @type {[number, number, [number, number]][]} */ ([
    [4032, 3024, [4032, 3024]],
    [4096, 4096, [4096, 4096]],
    [8064, 6048, [4729, 3547]],
    [3547, 80_000, [443, 10_000]],
    [20_000, 100, [10_000, 50]],
    [1, 30_000, [1, 10_000]],
  ])) {
    const fitted = fit(width, height);
    assert.deepEqual([fitted.width, fitted.height], expected, `${width} × ${height}`);
    assert.ok(fitted.width * fitted.height <= 16_777_216);
  }
});

test('the JPEG has the picture’s name with another extension', () => {
  for (const [name, expected] of /** @type {const} */ ([
    ['IMG_2031.HEIC', 'IMG_2031.jpg'],
    ['a.b.heif', 'a.b.jpg'],
    ['burst.heics', 'burst.jpg'],
    ['heic', 'heic.jpg'],
  ])) {
    assert.equal(jpegName(name), expected);
  }
});
