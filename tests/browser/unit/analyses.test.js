// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readConfig } from '../../../frontend/js/shared/config.js';
import { AnalysesChoice } from '../../../frontend/js/upload/analyses.js';

/** @param {unknown} chosen what the browser remembers */
const remembering = (chosen) => () => ({ getItem: () => JSON.stringify({ chosen }), setItem: () => {}, removeItem: () => {} });

/**
 * What is requested.
 * @param {string[]} offers
 * @param {string[] | null} initial
 * @param {unknown} [chosen]
 */
const value = (offers, initial, chosen) => new AnalysesChoice(offers, initial, remembering(chosen)).value;

test('without a choice, the configuration decides', () => {
  assert.equal(value([], null), null);
  assert.deepEqual(value([], ['faces']), ['faces']);
  assert.equal(value(['labels'], null), null, 'all that the service offers');
  assert.equal(value(['labels'], ['labels']), null);
});

test('a part of the offers is requested by name, all of them without, and one is always left', () => {
  const offers = ['labels', 'image-properties', 'faces'];
  let stored = '';
  const choice = new AnalysesChoice(offers, null, () => ({ getItem: () => stored || null, setItem: (_, text) => void (stored = text), removeItem: () => {} }));
  assert.deepEqual([choice.value, choice.description], [null, 'everything']);
  assert.ok(choice.set('labels', false));
  assert.deepEqual([choice.value, choice.description], [['image-properties', 'faces'], 'colours and quality, faces']);
  assert.deepEqual(value(offers, null, JSON.parse(stored).chosen), ['image-properties', 'faces'], 'the browser remembers');
  assert.ok(choice.set('image-properties', false));
  assert.equal(choice.set('faces', false), false);
  assert.deepEqual(choice.value, ['faces']);
  assert.deepEqual(value(offers, ['text', 'faces']), ['faces'], 'the configuration chooses first');
});

test('what the browser remembers counts only as far as the service still offers it', () => {
  assert.equal(value(['labels'], null, ['faces']), null);
  assert.equal(value(['labels'], null, 'labels'), null);
});

test('the configuration lists what the service offers', () => {
  const read = (/** @type {object} */ value) => readConfig(value, 'https://a.example');
  assert.deepEqual([read({}).offers, read({}).gallery], [[], true]);
  assert.deepEqual(read({ offers: ['labels'], gallery: false }).offers, ['labels']);
  assert.throws(() => read({ offers: 'labels' }), /“offers” in config\.json/);
  assert.throws(() => read({ gallery: 'no' }), /“gallery” in config\.json/);
});
