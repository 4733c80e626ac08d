// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bytes, confidenceText, count, dateText, duration, list, percent, sentence, shorten, timeOfDay } from '../../../frontend/js/shared/format.js';

/** @param {string} text */
const plain = (text) => text.replaceAll('\u00a0', ' ');

test('sizes have binary units and at most one decimal', () => {
  for (const [size, text] of /** @type {const} */ ([
    [0, '0 bytes'],
    [1, '1 byte'],
    [1023, '1023 bytes'],
    [1024, '1 KiB'],
    [1536, '1.5 KiB'],
    [791_555, '773 KiB'],
    [1024 * 1024 - 1, '1 MiB'],
    [15 * 1024 * 1024, '15 MiB'],
    [2 * 1024 ** 4, '2048 GiB'],
  ])) {
    assert.equal(plain(bytes(size)), text);
  }
});

test('durations range from milliseconds to minutes', () => {
  for (const [ms, text] of /** @type {const} */ ([
    [0, '0 ms'],
    [999.4, '999 ms'],
    [999.9, '1 s'],
    [2140, '2.1 s'],
    [59_960, '1 min'],
    [65_000, '1 min 5 s'],
    [300_000, '5 min'],
  ])) {
    assert.equal(plain(duration(ms)), text);
  }
});

test('times of day use two digits and 24 hours', () => {
  assert.equal(timeOfDay(new Date(2026, 0, 2, 9, 5).getTime()), '09:05');
  assert.equal(timeOfDay(new Date(2026, 0, 2, 0, 59, 59).getTime()), '00:59');
  assert.equal(timeOfDay(new Date(2026, 0, 2, 23, 0).getTime()), '23:00');
});

test('percent, counts and lists', () => {
  assert.equal(percent(97.449, 1), '97.4%');
  assert.equal(percent(100), '100%');
  assert.equal(count(1, 'label'), '1 label');
  assert.equal(count(0, 'label'), '0 labels');
  assert.equal(count(2, 'box', 'boxes'), '2 boxes');
  assert.equal(list([]), '');
  assert.equal(list(['a']), 'a');
  assert.equal(list(['a', 'b', 'c']), 'a, b and c');
  assert.equal(list(['a', 'b', 'c'], 'or'), 'a, b or c');
});

test('a long name keeps its start and its end', () => {
  assert.equal(shorten('dog.png'), 'dog.png');
  assert.equal(shorten(`${'x'.repeat(44)}.png`).length, 48);
  assert.equal(shorten(`${'🐕'.repeat(60)}.png`), `${'🐕'.repeat(30)}…${'🐕'.repeat(11)}.png`);
});

test('a confidence is a whole percentage that does not promise more than there is', () => {
  for (const [value, text] of /** @type {const} */ ([
    [99.97994, '99%'],
    [100, '100%'],
    [59.999, '59%'],
    [60, '60%'],
    [0.4, '0%'],
    [100.0001, '100%'],
    [-1, '0%'],
  ])) {
    assert.equal(confidenceText(value), text);
  }
});

test('days and times have one form', () => {
  const date = new Date('2026-01-31T23:05:00Z');
  assert.equal(dateText(date, { timeZone: 'UTC' }), '31 January 2026');
  assert.equal(dateText(date, { time: true, timeZone: 'UTC' }), '31 January 2026, 23:05');
  assert.equal(dateText(date, { time: true, timeZone: 'Asia/Tokyo' }), '1 February 2026, 08:05');
  assert.match(dateText(date, { weekday: true, timeZone: 'UTC' }), /^Saturday,? 31 January 2026$/);
});
