// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Deletions } from '../../../frontend/js/gallery/deletions.js';
import { BARREN_PAGES, Listing } from '../../../frontend/js/gallery/listing.js';
import { hashOf, nameOf, passes, readState, writeState } from '../../../frontend/js/gallery/url-state.js';
import { describe } from '../../../frontend/js/gallery/list-messages.js';
import { meant, suggest } from '../../../frontend/js/gallery/suggestions.js';
import { MARGIN_ROWS, heightOf, layOut, placeOf, stepFrom, windowOf } from '../../../frontend/js/gallery/grid-layout.js';

/** @typedef {import('../../../frontend/js/shared/api-types.js').ImageRow} ImageRow */

const NOTHING = { label: '', category: '', status: /** @type {const} */ (''), least: 0, key: '' };

/**
 * @param {number} n
 * @param {Partial<ImageRow>} [facts]
 * @returns {ImageRow}
 */
const row = (n, facts = {}) => ({
  key: `uploads/${n}.png`,
  imageId: String(n),
  status: 'succeeded',
  uploadedAt: '',
  processedAt: '',
  size: 1,
  labels: [{ name: 'Dog', confidence: 90 - n }],
  categories: [],
  ...facts,
});

const rows = (/** @type {number[]} */ ...numbers) => numbers.map((n) => row(n));
const keys = (/** @type {readonly ImageRow[]} */ all) => all.map(({ imageId }) => Number(imageId));

test('an address says what is looked for, and is read as it was written', () => {
  for (const state of [
    NOTHING,
    { ...NOTHING, label: 'Dog', least: 80 },
    { ...NOTHING, category: 'Animals & Pets', status: /** @type {const} */ ('failed') },
    { ...NOTHING, key: 'uploads/me/a b?#%&ä.png' },
    { ...NOTHING, label: 'Hot Dog', key: 'inline/0.jpg', least: 1 },
  ]) {
    const { search, hash } = new URL(writeState(state), 'https://pages.example.com/gallery.html');
    assert.deepEqual(readState({ search, hash }), state);
  }
  assert.equal(writeState({ ...NOTHING, label: 'Dog', least: 80 }), '?label=Dog&confidence=80');
  assert.equal(hashOf('uploads/a.png'), '#uploads/a.png');
});

test('an address that was written by hand is read as well as it can be', () => {
  assert.deepEqual(readState({ search: '?label=Dog&category=Animals', hash: '' }), { ...NOTHING, label: 'Dog' });
  assert.equal(readState({ search: '?confidence=250', hash: '' }).least, 99);
  assert.equal(readState({ search: '?confidence=-3', hash: '' }).least, 0);
  assert.equal(readState({ search: '?confidence=high', hash: '' }).least, 0);
  assert.equal(readState({ search: '?status=odd', hash: '' }).status, '');
  for (const hash of ['#main', '#uploads/', '#../secret', '#%E0%A4%A']) assert.equal(readState({ search: '', hash }).key, '', hash);
});

test('a picture passes by what is searched for, or else by its surest label', () => {
  const picture = row(0, { labels: [{ name: 'Dog', confidence: 91 }, { name: 'Grass', confidence: 60 }], confidence: 60 });
  assert.ok(passes(picture, { ...NOTHING, least: 91 }));
  assert.ok(!passes(picture, { ...NOTHING, least: 92 }));
  assert.ok(passes(picture, { ...NOTHING, label: 'grass', least: 60 }));
  assert.ok(!passes(picture, { ...NOTHING, label: 'grass', least: 61 }));
  assert.ok(!passes(picture, { ...NOTHING, category: 'Plants', least: 61 }));
  const { confidence: _, ...silent } = picture;
  assert.ok(!passes(silent, { ...NOTHING, label: 'GRASS', least: 61 }));
  assert.ok(passes(row(0, { labels: [] }), NOTHING));
  assert.ok(!passes(row(0, { labels: [] }), { ...NOTHING, least: 1 }));
});

test('a picture is called by its file, or by the end of its key', () => {
  assert.equal(nameOf({ key: 'uploads/0.png', filename: 'dog.png' }), 'dog.png');
  assert.equal(nameOf({ key: 'uploads/me/0.png' }), '0.png');
});

/**
 * A listing over pages that are given.
 * @param {ImageRow[][]} pages
 */
function listingOf(pages) {
  /** @type {(string | null)[]} */
  const asked = [];
  const world = { fail: false };
  const listing = new Listing(
    async (_, cursor) => {
      asked.push(cursor);
      if (world.fail) throw new Error('down');
      const at = Number(cursor ?? 0);
      return { images: pages[at] ?? [], ...(at + 1 < pages.length ? { cursor: String(at + 1) } : {}) };
    },
    () => {},
  );
  return { listing, asked, world };
}

test('pages follow one another to the last, each asked for once', async () => {
  const { listing, asked } = listingOf([rows(1, 2), rows(3), rows(4, 5)]);
  await listing.start(NOTHING);
  assert.deepEqual([keys(listing.shown), listing.state], [[1, 2], 'more']);
  await Promise.all([listing.more(), listing.more()]);
  assert.deepEqual(keys(listing.shown), [1, 2, 3]);
  await listing.more();
  assert.deepEqual([keys(listing.shown), listing.state], [[1, 2, 3, 4, 5], 'complete']);
  await listing.more();
  assert.deepEqual(asked, [null, '1', '2']);
});

test('a picture that comes on two pages is shown once', async () => {
  const { listing } = listingOf([rows(1, 2), rows(2, 3)]);
  await listing.start(NOTHING);
  await listing.more();
  assert.deepEqual(keys(listing.shown), [1, 2, 3]);
});

test('after a fault the same page is asked for again', async () => {
  const { listing, asked, world } = listingOf([rows(1), rows(2)]);
  await listing.start(NOTHING);
  world.fail = true;
  await listing.more();
  assert.deepEqual([listing.state, String(listing.error), keys(listing.shown)], ['failed', 'Error: down', [1]]);
  world.fail = false;
  await listing.more();
  assert.deepEqual([listing.state, keys(listing.shown)], ['complete', [1, 2]]);
  assert.deepEqual(asked, [null, '1', '1']);
});

test('an answer to an earlier question is left aside', async () => {
  /** @type {((page: {images: ImageRow[]}) => void)[]} */
  const answers = [];
  const listing = new Listing(() => new Promise((resolve) => answers.push(resolve)), () => {});
  const first = listing.start(NOTHING);
  const second = listing.start({ ...NOTHING, label: 'Cat' });
  answers[1]?.({ images: rows(7) });
  await second;
  answers[0]?.({ images: rows(1) });
  await first;
  assert.deepEqual(keys(listing.shown), [7]);
});

test('the confidence is a filter over what came, and takes nothing away for good', async () => {
  const { listing } = listingOf([rows(1, 20, 30)]);
  await listing.start({ ...NOTHING, least: 65 });
  assert.deepEqual(keys(listing.shown), [1, 20]);
  listing.least = 80;
  assert.deepEqual(keys(listing.shown), [1]);
  listing.least = 0;
  assert.deepEqual(keys(listing.shown), [1, 20, 30]);
});

test('a filter that nothing passes does not read the whole bucket unasked', async () => {
  const pages = Array.from({ length: 30 }, (_, n) => rows(n));
  const { listing, asked } = listingOf(pages);
  await listing.start({ ...NOTHING, least: 99 });
  while (listing.state === 'more' && !listing.barren) await listing.more();
  assert.equal(asked.length, BARREN_PAGES);
  await listing.goOn();
  assert.equal(listing.barren, false);
  assert.equal(asked.length, BARREN_PAGES + 1);
  while (!listing.barren) await listing.more();
  listing.least = 0;
  assert.equal(listing.barren, false, 'what everything passes is not in vain');
});

test('the picture that is looked at keeps its place where the filter leaves it out', async () => {
  const { listing } = listingOf([rows(1, 20, 3)]);
  await listing.start({ ...NOTHING, least: 80 });
  assert.deepEqual(keys(listing.shown), [1, 3]);
  assert.deepEqual(keys(listing.around('uploads/20.png')), [1, 20, 3]);
  assert.equal(listing.around('uploads/3.png'), listing.shown);
  assert.equal(listing.around('uploads/99.png'), listing.shown, 'one that is not listed has no place');
  listing.hide(['uploads/20.png'], true);
  assert.deepEqual(keys(listing.around('uploads/20.png')), [1, 3], 'nor has one that is deleted');
});

test('what is deleted does not count any more', async () => {
  const { listing } = listingOf([rows(1, 2)]);
  await listing.start(NOTHING);
  assert.equal(describe(listing, NOTHING), '2 pictures');
  listing.hide(['uploads/2.png'], true);
  assert.equal(describe(listing, NOTHING), '1 picture');
  const sure = { ...NOTHING, least: 95 };
  listing.least = sure.least;
  assert.equal(describe(listing, sure), '0 pictures from 95%, of 1 in all');
});

test('what is hidden stays hidden when it comes again, until it is shown', async () => {
  const { listing } = listingOf([rows(1, 2), rows(3)]);
  await listing.start(NOTHING);
  listing.hide(['uploads/2.png', 'uploads/3.png'], true);
  await listing.more();
  assert.deepEqual(keys(listing.shown), [1]);
  listing.hide(['uploads/3.png'], false);
  assert.deepEqual(keys(listing.shown), [1, 3]);
});

const TILE = { least: 100, gap: 10, caption: 40, ratio: 0.75 };

test('as many tiles lie side by side as have room', () => {
  assert.equal(layOut(99, TILE).columns, 1);
  assert.equal(layOut(209, TILE).columns, 1);
  const two = layOut(210, TILE);
  assert.deepEqual(two, { columns: 2, tileWidth: 100, tileHeight: 115, pitchX: 110, pitchY: 125 });
  assert.deepEqual(placeOf(3, two), { x: 110, y: 125 });
  assert.equal(heightOf(0, two), 0);
  assert.equal(heightOf(1, two), 115);
  assert.equal(heightOf(5, two), 2 * 125 + 115);
});

test('only tiles near the screen exist, wherever it is', () => {
  const layout = layOut(540, TILE);
  assert.equal(layout.columns, 5);
  const view = { height: 800 };
  const most = (Math.ceil(800 / layout.pitchY) + 1 + 2 * MARGIN_ROWS) * 5;
  for (let top = -500; top < heightOf(10_000, layout) + 500; top += 997) {
    const { first, end } = windowOf({ top, ...view }, 10_000, layout);
    assert.ok(end - first <= most, `${top}: ${first}..${end}`);
    for (let index = 0; index < 10_000; index += 5) {
      const { y } = placeOf(index, layout);
      const visible = y + layout.tileHeight > top && y < top + 800;
      if (visible) assert.ok(index >= first && index < end, `${index} at ${top}`);
    }
  }
  assert.deepEqual(windowOf({ top: 0, ...view }, 3, layout), { first: 0, end: 3 });
});

test('keys lead through the grid and not out of it', () => {
  const layout = layOut(320, TILE); // three columns; eight pictures
  const from = (/** @type {string} */ key, /** @type {number} */ index) => stepFrom(key, index, 8, layout, 400);
  assert.equal(from('ArrowRight', 2), 3);
  assert.equal(from('ArrowRight', 7), 7);
  assert.equal(from('ArrowLeft', 0), 0);
  assert.equal(from('ArrowDown', 1), 4);
  assert.equal(from('ArrowDown', 5), 7, 'to the last one where the row below is shorter');
  assert.equal(from('ArrowDown', 6), 6);
  assert.equal(from('ArrowUp', 1), 1);
  assert.equal(from('ArrowUp', 7), 4);
  assert.equal(from('PageDown', 0), 7);
  assert.equal(from('PageUp', 7), 0);
  assert.equal(from('Home', 5), 0);
  assert.equal(from('End', 5), 7);
  assert.equal(from('a', 5), null);
  assert.equal(stepFrom('End', 0, 0, layout, 400), null);
});

const COUNTS = {
  labels: [
    { name: 'Dog', images: 9 },
    { name: 'Hot Dog', images: 20 },
    { name: 'Dogwood', images: 12 },
    { name: 'Bulldog', images: 30 },
    { name: 'Cat', images: 40 },
  ],
  categories: [{ name: 'Animals and Pets', images: 50 }],
};

test('suggestions begin with the text, then have a word that does, then hold it', () => {
  const { labels, categories } = suggest(COUNTS, ' dog');
  assert.deepEqual(labels.map(({ name }) => name), ['Dogwood', 'Dog', 'Hot Dog', 'Bulldog']);
  assert.deepEqual(categories, []);
  assert.deepEqual(suggest(COUNTS, 'pets').categories, [{ kind: 'category', name: 'Animals and Pets', images: 50 }]);
  assert.equal(suggest(COUNTS, '').labels[0]?.name, 'Cat');
});

test('a text that was typed means a label, else a category, else a label nobody counted', () => {
  assert.deepEqual(meant(COUNTS, 'DOG '), { kind: 'label', name: 'Dog', images: 9 });
  assert.equal(meant(COUNTS, 'animals and pets')?.kind, 'category');
  assert.deepEqual(meant(COUNTS, 'bull'), { kind: 'label', name: 'Bulldog', images: 30 }, 'or else what is suggested first');
  assert.equal(meant(COUNTS, 'pets')?.name, 'Animals and Pets');
  assert.deepEqual(meant(COUNTS, 'ulldo'), { kind: 'label', name: 'ulldo', images: null });
  assert.deepEqual(meant(COUNTS, 'Zebra'), { kind: 'label', name: 'Zebra', images: null });
  assert.equal(meant(COUNTS, '  '), null);
});

/**
 * @param {object} [how]
 * @param {(key: string) => Promise<void>} [how.remove]
 * @param {number} [how.undoMs]
 */
function deletions({ remove = async () => {}, undoMs = 10_000 } = {}) {
  /** @type {string[]} */
  const sent = [];
  /** @type {string[]} */
  const left = [];
  /** @type {number[][]} */
  const waiting = [];
  /** @type {[number[], unknown][]} */
  const ended = [];
  const all = new Deletions(
    {
      remove: (key) => {
        sent.push(key);
        return remove(key);
      },
      removeOnLeaving: (key) => void left.push(key),
      change: (now) => void waiting.push(keys(now)),
      end: (gone, error) => void ended.push([keys(gone), error]),
    },
    undoMs,
  );
  return { all, sent, left, waiting, ended };
}

test('nothing is deleted before the time is over, and then everything that waits', async () => {
  const { all, sent, waiting, ended } = deletions({ undoMs: 20 });
  all.add(row(1));
  all.add(row(2));
  all.add(row(2));
  assert.deepEqual(sent, []);
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.deepEqual(sent, ['uploads/1.png', 'uploads/2.png']);
  assert.deepEqual(ended, [[[1, 2], null]]);
  assert.deepEqual(waiting, [[1], [1, 2], []]);
});

test('what is taken back is never sent', async () => {
  const { all, sent } = deletions({ undoMs: 10 });
  all.add(row(1));
  assert.deepEqual(keys(all.undo()), [1]);
  await new Promise((resolve) => setTimeout(resolve, 30));
  await all.flush();
  all.leave();
  assert.deepEqual(sent, []);
});

test('the time stands still while someone is at the button', async () => {
  const { all, sent } = deletions({ undoMs: 10 });
  all.add(row(1));
  all.hold(true);
  await new Promise((resolve) => setTimeout(resolve, 40));
  assert.deepEqual(sent, []);
  all.hold(false);
  await new Promise((resolve) => setTimeout(resolve, 40));
  assert.deepEqual(sent, ['uploads/1.png']);
});

test('a deletion that fails is told with its pictures, and the others are gone', async () => {
  const { all, ended } = deletions({ remove: async (key) => (key.includes('2') ? Promise.reject(new Error('no')) : undefined) });
  for (const n of [1, 2, 3]) all.add(row(n));
  await all.flush();
  assert.deepEqual(ended.map(([gone, error]) => [gone, error === null]), [[[1, 3], true], [[2], false]]);
});

test('leaving the page sends what waits, and again what is on its way', async () => {
  /** @type {() => void} */
  let answer = () => {};
  const { all, left, sent, waiting } = deletions({ remove: () => new Promise((resolve) => (answer = resolve)) });
  all.add(row(1));
  const flushed = all.flush();
  all.add(row(2));
  await Promise.resolve();
  all.leave();
  assert.deepEqual(left, ['uploads/2.png', 'uploads/1.png']);
  assert.deepEqual(waiting.at(-1), [], 'there is nothing to take back any more');
  answer();
  await flushed;
  all.leave();
  assert.deepEqual([left.length, sent], [2, ['uploads/1.png']]);
});
