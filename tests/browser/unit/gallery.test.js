// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Ancestry } from '../../../frontend/js/gallery/ancestry.js';
import { Deletions } from '../../../frontend/js/gallery/deletions.js';
import { MARGIN_ROWS, heightOf, indexAfterKey, layoutFor, planFor, positionOf, sectionOf, visibleRange } from '../../../frontend/js/gallery/grid-layout.js';
import { captionOf, displayName, facesText, needsDocument, passesFilter } from '../../../frontend/js/gallery/image-row.js';
import { tallyText, totalOf } from '../../../frontend/js/gallery/list-messages.js';
import { Listing, MAX_PAGES_WITHOUT_MATCH, MAX_UPDATE_PAGES } from '../../../frontend/js/gallery/listing.js';
import { EVERYTHING, agesOf, hashOf, readState, withValidSort, writeState } from '../../../frontend/js/gallery/url-state.js';

/** @typedef {import('../../../frontend/js/shared/api-types.js').ImageRow} ImageRow */

const ALL = { ...EVERYTHING, minConfidence: 0, key: '' };

/**
 * @param {import('../../../frontend/js/gallery/terms.js').Kind} kind
 * @param {string} value
 */
const term = (kind, value, not = false) => ({ kind, value, not });
const label = (/** @type {string} */ value) => [term('label', value)];

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

test('a state written to an address is read back unchanged', () => {
  for (const state of [
    ALL,
    { ...ALL, terms: label('Dog'), minConfidence: 80 },
    { ...ALL, terms: [term('category', 'Animals & Pets')], status: /** @type {const} */ ('failed') },
    { ...ALL, key: 'uploads/me/a b?#%&ä.png' },
    { ...ALL, minFaces: 2, emotion: 'Happy', ageFrom: 20, ageTo: 40 },
    { ...ALL, terms: label('Dog'), ageFrom: 65 },
    { ...ALL, ageTo: 0 },
    { ...ALL, terms: [term('label', 'Dog'), term('label', 'Beach'), term('label', 'Cat', true), term('category', 'Food', true), term('color', 'blue'), term('any', 'hot dog'), term('text', 'exit', true)].sort((a, b) => ['label', 'category', 'text', 'color', 'any'].indexOf(a.kind) - ['label', 'category', 'text', 'color', 'any'].indexOf(b.kind)) },
    { ...ALL, from: '2026-01-31', to: '2026-02-28', sort: /** @type {const} */ ('taken') },
    { ...ALL, terms: label('Dog'), sort: /** @type {const} */ ('confidence') },
    { ...ALL, terms: label('Hot Dog'), key: 'inline/0.jpg', minConfidence: 1 },
  ]) {
    const { search, hash } = new URL(writeState(state), 'https://pages.example.com/gallery.html');
    assert.deepEqual(readState({ search, hash }), state);
  }
  assert.equal(writeState({ ...ALL, terms: label('Dog'), minConfidence: 80 }), '?label=Dog&confidence=80');
  assert.equal(writeState({ ...ALL, minFaces: 1, emotion: 'Calm', ageFrom: 20, ageTo: 40 }), '?faces=1&emotion=Calm&age=20-40');
  assert.equal(hashOf('uploads/a.png'), '#uploads/a.png');
});

test('an invalid address falls back to defaults', () => {
  assert.deepEqual(readState({ search: '?label=Dog&category=Animals', hash: '' }).terms, [term('label', 'Dog'), term('category', 'Animals')]);
  assert.deepEqual(readState({ search: '?label=&q=%22&from=2026-02-30&to=2026-13-01&sort=best', hash: '' }), ALL);
  assert.equal(readState({ search: '?sort=confidence', hash: '' }).sort, 'newest', 'without a label there is no confidence');
  assert.equal(withValidSort({ ...ALL, terms: label('Dog'), sort: 'confidence' }).sort, 'confidence');
  assert.equal(readState({ search: '?confidence=250', hash: '' }).minConfidence, 99);
  assert.equal(readState({ search: '?confidence=-3', hash: '' }).minConfidence, 0);
  assert.equal(readState({ search: '?confidence=high', hash: '' }).minConfidence, 0);
  assert.equal(readState({ search: '?status=odd', hash: '' }).status, '');
  assert.deepEqual(readState({ search: '?faces=-1&emotion=joy&age=old', hash: '' }), ALL);
  assert.deepEqual(readState({ search: '?faces=1000&emotion=happy&age=30', hash: '' }), { ...ALL, minFaces: 100, emotion: 'Happy', ageFrom: 30, ageTo: 30 });
  for (const hash of ['#main', '#uploads/', '#../secret', '#%E0%A4%A']) assert.equal(readState({ search: '', hash }).key, '', hash);
});

test('the filter uses the confidence of the search, or else of the best label', () => {
  const picture = row(0, { labels: [{ name: 'Dog', confidence: 91 }, { name: 'Grass', confidence: 60 }], confidence: 60 });
  assert.ok(passesFilter(picture, { ...ALL, minConfidence: 91 }));
  assert.ok(!passesFilter(picture, { ...ALL, minConfidence: 92 }));
  assert.ok(passesFilter(picture, { ...ALL, terms: label('grass'), minConfidence: 60 }));
  assert.ok(!passesFilter(picture, { ...ALL, terms: label('grass'), minConfidence: 61 }));
  assert.ok(!passesFilter(picture, { ...ALL, terms: [term('category', 'Plants')], minConfidence: 61 }));
  const { confidence: _, ...silent } = picture;
  assert.ok(!passesFilter(silent, { ...ALL, terms: label('GRASS'), minConfidence: 61 }));
  assert.ok(passesFilter(row(0, { labels: [] }), ALL));
  assert.ok(!passesFilter(row(0, { labels: [] }), { ...ALL, minConfidence: 1 }));
});

/** @param {[string, number][]} all */
const labelled = (...all) => ({ labels: all.map(([name, confidence]) => ({ name, confidence })) });

test('labels that are only ancestors of others are known by their place', () => {
  const ancestry = new Ancestry();
  const rows = [
    labelled(['Motorcycle', 99], ['Bottle', 76], ['Vehicle', 99], ['Container', 76]),
    labelled(['Zebra', 90], ['Animal', 90]),
    labelled(['Container', 60]),
    labelled(['Sky', 80], ['Cloud', 70]),
    labelled(),
  ];
  assert.equal(ancestry.learn(rows), true);
  assert.equal(ancestry.learn(rows), false, 'the same pictures tell nothing new');
  assert.deepEqual([...ancestry.pureAncestors], ['Vehicle', 'Animal']);
});

test('of the frequent labels, none is an ancestor of another', () => {
  const counts = ['Animal', 'Person', 'Dog', 'Vehicle', 'Woman', 'Car', 'Sky'].map((name) => ({ name }));
  const names = (/** @type {Ancestry} */ ancestry, max = 12) => ancestry.mostTelling(counts, max).map(({ name }) => name);
  const ancestry = new Ancestry();
  assert.deepEqual(names(ancestry), counts.map(({ name }) => name), 'nothing is known yet');
  // Animal and Person are all that is known of some pictures, and ancestors in others.
  ancestry.learn([labelled(['Animal', 60]), labelled(['Person', 70], ['Sky', 60])]);
  ancestry.learn([labelled(['Dog', 90], ['Car', 80], ['Animal', 90], ['Vehicle', 80]), labelled(['Woman', 95], ['Sky', 70], ['Person', 99])]);
  assert.deepEqual(names(ancestry), ['Dog', 'Woman', 'Car', 'Sky']);
  // Where no descendant is shown, an ancestor stays.
  assert.deepEqual(names(ancestry, 2), ['Animal', 'Person']);
  // The results of another search do not bring them back.
  ancestry.learn([labelled(['Sky', 90])]);
  assert.deepEqual(names(ancestry), ['Dog', 'Woman', 'Car', 'Sky']);
  // What is searched for stays.
  assert.deepEqual(ancestry.mostTelling(counts, 12, (name) => name === 'Animal').map(({ name }) => name), ['Animal', 'Dog', 'Woman', 'Car', 'Sky']);
});

test('a label is no ancestor of what it only appears with once, and documents name the parents', () => {
  const ancestry = new Ancestry();
  ancestry.learn([labelled(['Dog', 90], ['Car', 80], ['Animal', 90], ['Vehicle', 95])]);
  assert.ok(ancestry.isAbove('Vehicle', 'Dog'), 'one picture leaves both possible');
  ancestry.learn([labelled(['Dog', 90], ['Animal', 90])]);
  assert.ok(!ancestry.isAbove('Vehicle', 'Dog') && ancestry.isAbove('Animal', 'Dog') && ancestry.isAbove('Vehicle', 'Car'));
  ancestry.learnDocument({ schemaVersion: 1, imageId: '', status: 'succeeded', rekognition: { detectLabels: { Labels: [{ Name: 'Car', Parents: [{ Name: 'Transportation' }] }] } } });
  assert.ok(ancestry.isAbove('Transportation', 'Car') && !ancestry.isAbove('Animal', 'Car'));
});

test('a caption names the labels, or says what is known without them', () => {
  assert.equal(captionOf(row(0, labelled(['Dog', 90], ['Cat', 80], ['Sky', 70], ['Grass', 60])), 0), 'Dog, Cat, Sky + 1');
  assert.equal(captionOf(row(0, labelled(['Cat', 90], ['Sky', 60], ['Animal', 95], ['Mammal', 90])), 0), 'Cat, Sky', 'without ancestors');
  assert.equal(captionOf(row(0, labelled(['Cat', 90], ['Sky', 60], ['Animal', 95], ['Mammal', 90])), 92), 'Animal', 'unless nothing else is certain enough');
  assert.equal(captionOf(row(0, labelled(['Dog', 90])), 95), 'No labels at this confidence');
  assert.equal(captionOf(row(0, { labels: [], faces: 2 }), 0), '2 faces');
  assert.equal(captionOf(row(0, { status: 'failed', labels: [] }), 0), 'Analysis failed');
  assert.deepEqual([{ labels: [] }, { labels: [], faces: 1 }, { labels: [], status: /** @type {const} */ ('failed') }, {}].map((facts) => needsDocument(row(0, facts))), [true, false, false, false]);
});

test('ages that a person writes become a span', () => {
  assert.deepEqual(agesOf('20', '40'), { ageFrom: 20, ageTo: 40 });
  assert.deepEqual(agesOf('40', '20'), { ageFrom: 20, ageTo: 40 });
  assert.deepEqual(agesOf('', '999'), { ageFrom: null, ageTo: 150 });
  assert.deepEqual(agesOf('-5', '1.5'), { ageFrom: null, ageTo: null });
});

test('the faces of a picture are named', () => {
  assert.equal(facesText({ faces: 3, emotions: ['Happy', 'Calm'], ages: [{ low: 2, high: 6 }, { low: 30, high: 38 }] }), '3 faces, Happy, Calm, 2–6 and 30–38 years');
  assert.equal(facesText({ faces: 1, ages: [{ low: 7, high: 7 }] }), '1 face, 7 years');
  assert.equal(facesText({}), '0 faces');
});

test('a picture has the name of its file, or the end of its key', () => {
  assert.equal(displayName({ key: 'uploads/0.png', filename: 'dog.png' }), 'dog.png');
  assert.equal(displayName({ key: 'uploads/me/0.png' }), '0.png');
});

/**
 * A listing of given pages.
 * @param {ImageRow[][]} pages
 */
function listingOf(pages) {
  /** @type {(string | null)[]} */
  const requests = [];
  const server = { fail: false };
  const listing = new Listing(
    async (_, cursor) => {
      requests.push(cursor);
      if (server.fail) throw new Error('down');
      const at = Number(cursor ?? 0);
      return { images: pages[at] ?? [], ...(at + 1 < pages.length ? { cursor: String(at + 1) } : {}) };
    },
    () => {},
  );
  return { listing, requests, server };
}

test('pages are loaded in order, each one once', async () => {
  const { listing, requests } = listingOf([rows(1, 2), rows(3), rows(4, 5)]);
  await listing.start(ALL);
  assert.deepEqual([keys(listing.shown), listing.state], [[1, 2], 'more']);
  await Promise.all([listing.loadMore(), listing.loadMore()]);
  assert.deepEqual(keys(listing.shown), [1, 2, 3]);
  await listing.loadMore();
  assert.deepEqual([keys(listing.shown), listing.state], [[1, 2, 3, 4, 5], 'complete']);
  await listing.loadMore();
  assert.deepEqual(requests, [null, '1', '2']);
});

test('a picture on two pages is shown once', async () => {
  const { listing } = listingOf([rows(1, 2), rows(2, 3)]);
  await listing.start(ALL);
  await listing.loadMore();
  assert.deepEqual(keys(listing.shown), [1, 2, 3]);
});

test('after a failure the same page is loaded again', async () => {
  const { listing, requests, server } = listingOf([rows(1), rows(2)]);
  await listing.start(ALL);
  server.fail = true;
  await listing.loadMore();
  assert.deepEqual([listing.state, String(listing.error), keys(listing.shown)], ['failed', 'Error: down', [1]]);
  server.fail = false;
  await listing.loadMore();
  assert.deepEqual([listing.state, keys(listing.shown)], ['complete', [1, 2]]);
  assert.deepEqual(requests, [null, '1', '1']);
});

test('a response to an earlier search is ignored', async () => {
  /** @type {((page: {images: ImageRow[]}) => void)[]} */
  const responses = [];
  const listing = new Listing(() => new Promise((resolvePage) => responses.push(resolvePage)), () => {});
  const first = listing.start(ALL);
  const second = listing.start({ ...ALL, terms: label('Cat') });
  responses[1]?.({ images: rows(7) });
  await second;
  responses[0]?.({ images: rows(1) });
  await first;
  assert.deepEqual(keys(listing.shown), [7]);
});

test('the confidence filters loaded pictures and removes none', async () => {
  const { listing } = listingOf([rows(1, 20, 30)]);
  await listing.start({ ...ALL, minConfidence: 65 });
  assert.deepEqual(keys(listing.shown), [1, 20]);
  listing.minConfidence = 80;
  assert.deepEqual(keys(listing.shown), [1]);
  listing.minConfidence = 0;
  assert.deepEqual(keys(listing.shown), [1, 20, 30]);
});

test('loading pauses after some pages without a match', async () => {
  const pages = Array.from({ length: 30 }, (_, n) => rows(n));
  const { listing, requests } = listingOf(pages);
  await listing.start({ ...ALL, minConfidence: 99 });
  while (listing.state === 'more' && !listing.paused) await listing.loadMore();
  assert.equal(requests.length, MAX_PAGES_WITHOUT_MATCH);
  await listing.resume();
  assert.equal(listing.paused, false);
  assert.equal(requests.length, MAX_PAGES_WITHOUT_MATCH + 1);
  while (!listing.paused) await listing.loadMore();
  listing.minConfidence = 0;
  assert.equal(listing.paused, false, 'without the filter every page has matches');
});

test('the open picture keeps its position even if it does not pass the filter', async () => {
  const { listing } = listingOf([rows(1, 20, 3)]);
  await listing.start({ ...ALL, minConfidence: 80 });
  assert.deepEqual(keys(listing.shown), [1, 3]);
  assert.deepEqual(keys(listing.shownWith('uploads/20.png')), [1, 20, 3]);
  assert.equal(listing.shownWith('uploads/3.png'), listing.shown);
  assert.equal(listing.shownWith('uploads/99.png'), listing.shown, 'a picture that is not loaded has no position');
  listing.hide(['uploads/20.png']);
  assert.deepEqual(keys(listing.shownWith('uploads/20.png')), [1, 3], 'nor has a hidden one');
});

test('hidden pictures are not counted', async () => {
  const { listing } = listingOf([rows(1, 2)]);
  await listing.start(ALL);
  assert.equal(tallyText(listing, ALL), '2 pictures');
  assert.equal(tallyText(listing, { ...ALL, terms: label('Dog'), minFaces: 1 }), '2 pictures with “Dog” with faces');
  assert.equal(tallyText(listing, { ...ALL, minFaces: 2, emotion: 'Happy', ageFrom: 20 }), '2 pictures with faces (at least 2, Happy, from 20 years)');
  assert.equal(tallyText(listing, { ...ALL, ageTo: 9 }), '2 pictures with faces (up to 9 years)');
  listing.hide(['uploads/2.png']);
  assert.equal(tallyText(listing, ALL), '1 picture');
  const strict = { ...ALL, minConfidence: 95 };
  listing.minConfidence = strict.minConfidence;
  assert.equal(tallyText(listing, strict), '0 of 1 picture, at least 95% confidence');
});

test('a picture can be hidden before it is loaded, and shown again', async () => {
  const { listing } = listingOf([rows(1, 2), rows(3)]);
  await listing.start(ALL);
  listing.hide(['uploads/2.png', 'uploads/3.png']);
  await listing.loadMore();
  assert.deepEqual(keys(listing.shown), [1]);
  listing.unhide(['uploads/3.png']);
  assert.deepEqual(keys(listing.shown), [1, 3]);
});

const TILE = { minWidth: 100, gap: 10, caption: 40, ratio: 0.75 };

test('the grid has as many columns as fit', () => {
  assert.equal(layoutFor(99, TILE).columns, 1);
  assert.equal(layoutFor(209, TILE).columns, 1);
  const two = layoutFor(210, TILE);
  assert.deepEqual(two, { columns: 2, tileWidth: 100, tileHeight: 115, pitchX: 110, pitchY: 125 });
  assert.deepEqual(positionOf(3, planFor(two, 5)), { x: 110, y: 125 });
  assert.equal(heightOf(planFor(two, 0)), 0);
  assert.equal(heightOf(planFor(two, 1)), 115);
  assert.equal(heightOf(planFor(two, 5)), 2 * 125 + 115);
});

test('each day begins a new row below its heading', () => {
  const plan = planFor(layoutFor(210, TILE), 6, [0, 3, 4], 40);
  assert.deepEqual(plan.sections.map(({ top }) => top), [0, 290, 455]);
  assert.deepEqual([0, 2, 3, 4, 5].map((index) => positionOf(index, plan)), [{ x: 0, y: 40 }, { x: 0, y: 165 }, { x: 0, y: 330 }, { x: 0, y: 495 }, { x: 110, y: 495 }]);
  assert.deepEqual([0, 2, 3, 5].map((index) => sectionOf(index, plan)), [0, 0, 1, 2]);
  assert.equal(heightOf(plan), 495 + 115);
  const from = (/** @type {string} */ key, /** @type {number} */ index) => indexAfterKey(key, index, plan, 300);
  assert.equal(from('ArrowDown', 1), 2, 'to the last one if the row below is shorter');
  assert.equal(from('ArrowDown', 2), 3);
  assert.equal(from('ArrowUp', 5), 3);
  assert.equal(from('ArrowUp', 3), 2);
  assert.equal(from('PageDown', 0), 3);
  assert.equal(from('PageDown', 3), 5);
});

test('only tiles near the screen are in the range', () => {
  const layout = layoutFor(540, TILE);
  assert.equal(layout.columns, 5);
  const view = { height: 800 };
  const most = (Math.ceil(800 / layout.pitchY) + 1 + 2 * MARGIN_ROWS) * 5;
  for (const plan of [planFor(layout, 10_000), planFor(layout, 10_000, [0, 7, 8, 1000, 1003, 9999], 40)]) {
    for (let top = -500; top < heightOf(plan) + 500; top += 997) {
      const { first, end } = visibleRange({ top, ...view }, plan);
      assert.ok(end - first <= most, `${top}: ${first}..${end}`);
      for (let index = 0; index < 10_000; index += 5) {
        const { y } = positionOf(index, plan);
        const visible = y + layout.tileHeight > top && y < top + 800;
        if (visible) assert.ok(index >= first && index < end, `${index} at ${top}`);
      }
    }
  }
  assert.deepEqual(visibleRange({ top: 0, ...view }, planFor(layout, 3)), { first: 0, end: 3 });
  assert.deepEqual(visibleRange({ top: 0, ...view }, planFor(layout, 0)), { first: 0, end: 0 });
});

test('keys move within the grid', () => {
  const plan = planFor(layoutFor(320, TILE), 8); // three columns
  const from = (/** @type {string} */ key, /** @type {number} */ index) => indexAfterKey(key, index, plan, 400);
  assert.equal(from('ArrowRight', 2), 3);
  assert.equal(from('ArrowRight', 7), 7);
  assert.equal(from('ArrowLeft', 0), 0);
  assert.equal(from('ArrowDown', 1), 4);
  assert.equal(from('ArrowDown', 5), 7, 'to the last one if the row below is shorter');
  assert.equal(from('ArrowDown', 6), 6);
  assert.equal(from('ArrowUp', 1), 1);
  assert.equal(from('ArrowUp', 7), 4);
  assert.equal(from('PageDown', 0), 7);
  assert.equal(from('PageUp', 7), 0);
  assert.equal(from('Home', 5), 0);
  assert.equal(from('End', 5), 7);
  assert.equal(from('a', 5), null);
  assert.equal(indexAfterKey('End', 0, planFor(plan.layout, 0), 400), null);
});

test('the number of all pictures is shown before all are loaded', async () => {
  const counts = { images: 860, labels: [{ name: 'Dog', images: 12 }], categories: [{ name: 'Food', images: 7 }] };
  assert.equal(totalOf(ALL, counts), 860);
  assert.equal(totalOf({ ...ALL, sort: 'oldest' }, counts), 860);
  assert.equal(totalOf({ ...ALL, terms: label('dog') }, counts), 12);
  assert.equal(totalOf({ ...ALL, terms: [term('category', 'Food')] }, counts), 7);
  for (const query of [{ terms: label('Cat') }, { terms: [...label('Dog'), ...label('Beach')] }, { terms: label('Dog'), minFaces: 1 }, { terms: [term('label', 'Dog', true)] }, { terms: [term('any', 'dog')] }, { from: '2026-01-01' }]) {
    assert.equal(totalOf({ ...ALL, ...query }, counts), null, JSON.stringify(query));
  }
  const { listing } = listingOf([rows(1, 20), rows(3)]);
  await listing.start(ALL);
  assert.equal(tallyText(listing, ALL, 860), '860 pictures, 2 loaded');
  assert.equal(tallyText(listing, ALL, null), '2 pictures loaded so far');
  assert.equal(tallyText(listing, ALL, 1), '2 pictures loaded so far', 'an old number');
  listing.minConfidence = 80;
  assert.equal(tallyText(listing, { ...ALL, minConfidence: 80 }, 860), '860 pictures, 1 of 2 loaded, at least 80% confidence');
  listing.minConfidence = 0;
  await listing.loadMore();
  assert.equal(tallyText(listing, ALL, 860), '3 pictures');
});

test('loading on reaches the end, can be stopped, and ends with another search', async () => {
  const pages = Array.from({ length: 30 }, (_, n) => rows(n));
  const { listing, server } = listingOf(pages);
  await listing.start({ ...ALL, minConfidence: 99 });
  const stop = new AbortController();
  assert.equal(await listing.loadOn(stop.signal, () => listing.rows.length >= 3), true);
  assert.equal(listing.rows.length, 3);
  stop.abort();
  assert.equal(await listing.loadOn(stop.signal), false);
  server.fail = true;
  assert.equal(await listing.loadOn(new AbortController().signal), false);
  server.fail = false;
  await listing.loadMore();
  assert.equal(await listing.loadOn(new AbortController().signal), true, 'pauses do not stop it');
  assert.deepEqual([listing.state, listing.rows.length], ['complete', 30]);
  await listing.start(ALL);
  const ending = listing.loadOn(new AbortController().signal);
  await listing.start({ ...ALL, terms: label('Dog') });
  assert.equal(await ending, false);
});

test('a list that is not sorted by the newest is read again as a whole', async () => {
  const pages = [rows(1, 2), rows(3)];
  const { listing } = listingOf(pages);
  await listing.start({ ...ALL, sort: 'oldest' });
  await listing.loadMore();
  pages.splice(0, 2, rows(2, 3), rows(4));
  assert.deepEqual(await listing.update(() => {}), { added: 1, removed: 1 });
  assert.deepEqual([keys(listing.shown), listing.state], [[2, 3, 4], 'complete']);
});

test('similar names come with the first page', async () => {
  const didYouMean = [{ word: 'dgo', names: ['Dog'] }];
  const listing = new Listing(async (_, cursor) => (cursor ? { images: rows(2) } : { images: rows(1), cursor: '1', didYouMean }), () => {});
  await listing.start(ALL);
  await listing.loadMore();
  assert.deepEqual(listing.didYouMean, didYouMean);
});

/**
 * Deletions with a simulated API.
 * @param {object} [options]
 * @param {(key: string) => Promise<void>} [options.remove]
 * @param {number} [options.undoMs]
 */
function setUpDeletions({ remove = async () => {}, undoMs = 10_000 } = {}) {
  /** @type {string[]} */
  const sent = [];
  /** @type {string[]} */
  const sentOnLeaving = [];
  /** @type {string[]} */
  const prepared = [];
  /** @type {number[][]} what could be undone after each change */
  const pending = [];
  /** @type {[string, number[]][]} */
  const outcomes = [];
  const deletions = new Deletions(
    {
      remove: (key) => {
        sent.push(key);
        return remove(key);
      },
      prepare: (key) => void prepared.push(key),
      removeOnLeaving: (key) => void sentOnLeaving.push(key),
      change: (rows) => void pending.push(keys(rows)),
      deleted: (rows) => void outcomes.push(['deleted', keys(rows)]),
      failed: (rows, error) => void outcomes.push([String(error), keys(rows)]),
    },
    undoMs,
  );
  return { deletions, sent, sentOnLeaving, prepared, pending, outcomes };
}

test('deletions are sent when the time to undo is over', async () => {
  const { deletions, sent, pending, outcomes } = setUpDeletions({ undoMs: 20 });
  deletions.add(rows(1));
  deletions.add(rows(2));
  deletions.add(rows(2));
  assert.deepEqual(sent, []);
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.deepEqual(sent, ['uploads/1.png', 'uploads/2.png']);
  assert.deepEqual(outcomes, [['deleted', [1, 2]]]);
  assert.deepEqual(pending, [[1], [1, 2], []]);
});

test('an undone deletion is never sent', async () => {
  const { deletions, sent, sentOnLeaving } = setUpDeletions({ undoMs: 10 });
  deletions.add(rows(1));
  assert.deepEqual(keys(deletions.undo()), [1]);
  await new Promise((resolve) => setTimeout(resolve, 30));
  await deletions.flush();
  deletions.leave();
  assert.deepEqual([sent, sentOnLeaving], [[], []]);
});

test('a deletion is prepared for leaving the page, again and again while the notice is held', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { deletions, prepared, sent } = setUpDeletions();
  deletions.add(rows(1));
  assert.deepEqual(prepared, ['uploads/1.png']);
  deletions.hold(true);
  for (let minute = 0; minute < 10; minute += 1) t.mock.timers.tick(60_000);
  assert.equal(prepared.length, 6);
  deletions.hold(false);
  t.mock.timers.tick(10_000);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(sent, ['uploads/1.png']);
});

test('the time to undo is paused while the notice is held', async () => {
  const { deletions, sent } = setUpDeletions({ undoMs: 10 });
  deletions.add(rows(1));
  deletions.hold(true);
  await new Promise((resolve) => setTimeout(resolve, 40));
  assert.deepEqual(sent, []);
  deletions.hold(false);
  await new Promise((resolve) => setTimeout(resolve, 40));
  assert.deepEqual(sent, ['uploads/1.png']);
});

test('a failed deletion is reported with its pictures; the others are deleted', async () => {
  const { deletions, outcomes } = setUpDeletions({ remove: async (key) => (key.includes('2') ? Promise.reject(new Error('no')) : undefined) });
  for (const n of [1, 2, 3]) deletions.add(rows(n));
  await deletions.flush();
  assert.deepEqual(outcomes, [['deleted', [1, 3]], ['Error: no', [2]]]);
});

test('leaving the page sends pending deletions and repeats unanswered requests', async () => {
  /** @type {() => void} */
  let respond = () => {};
  const { deletions, sentOnLeaving, sent, pending } = setUpDeletions({ remove: () => new Promise((done) => (respond = done)) });
  deletions.add(rows(1));
  const flushed = deletions.flush();
  deletions.add(rows(2));
  await Promise.resolve();
  deletions.leave();
  assert.deepEqual(sentOnLeaving, ['uploads/2.png', 'uploads/1.png']);
  assert.deepEqual(pending.at(-1), [], 'nothing can be undone any more');
  respond();
  await flushed;
  deletions.leave();
  assert.deepEqual([sentOnLeaving.length, sent], [2, ['uploads/1.png']]);
});

/**
 * A listing over a server whose pictures change, in pages of three.
 * @param {ImageRow[]} pictures newest first
 */
function changingListing(pictures) {
  const server = { pictures, requests: 0 };
  /** @type {boolean[]} */
  const changes = [];
  const listing = new Listing(
    async (_, cursor) => {
      server.requests += 1;
      const from = Number(cursor ?? 0);
      const images = server.pictures.slice(from, from + 3).map((each) => ({ ...each }));
      return { images, ...(from + 3 < server.pictures.length ? { cursor: String(from + 3) } : {}) };
    },
    (keepPlace) => void changes.push(keepPlace),
  );
  /** @type {number[]} */
  const left = [];
  const leave = (/** @type {ImageRow} */ { imageId }) => void left.push(Number(imageId));
  return { listing, server, changes, left, leave };
}

/** @param {number[]} minutes pictures that were uploaded at these times */
const uploaded = (...minutes) => minutes.map((minute) => row(minute, { uploadedAt: new Date(minute * 60_000).toISOString(), processedAt: 'first' }));

test('an update adds new pictures in their places and removes those that are gone', async () => {
  const { listing, server, changes, left, leave } = changingListing(uploaded(90, 80, 70, 60, 50));
  await listing.start(ALL);
  const [, kept] = listing.shown;
  changes.length = 0;
  server.pictures = uploaded(95, 85, 80, 60, 50);
  assert.deepEqual(await listing.update(leave), { added: 2, removed: 2 });
  assert.deepEqual(keys(listing.shown).slice(0, 3), [95, 85, 80]);
  assert.equal(listing.shown[2], kept, 'a picture that is still there stays the same object');
  assert.deepEqual([left, changes], [[90, 70], [true]]);
  while (listing.state === 'more') await listing.loadMore();
  assert.deepEqual(keys(listing.shown), [95, 85, 80, 60, 50]);
});

test('an update without changes reads one page and changes nothing', async () => {
  const { listing, server, changes, leave } = changingListing(uploaded(90, 80, 70, 60));
  await listing.start(ALL);
  [changes.length, server.requests] = [0, 0];
  assert.deepEqual(await listing.update(leave), { added: 0, removed: 0 });
  assert.deepEqual([changes, server.requests], [[], 1]);
});

test('an update after many new pictures leaves no gap', async () => {
  const { listing, server, leave } = changingListing(uploaded(5, 4, 3, 2));
  await listing.start(ALL);
  server.pictures = uploaded(...Array.from({ length: 12 }, (_, n) => 12 - n));
  await listing.update(leave);
  assert.deepEqual(keys(listing.shown), [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1].slice(0, listing.shown.length));
  assert.ok(listing.shown.length >= 10);
  // Too many to read at once: the list starts anew.
  server.pictures = uploaded(...Array.from({ length: 100 }, (_, n) => 200 - n));
  server.requests = 0;
  await listing.update(leave);
  assert.equal(server.requests, MAX_UPDATE_PAGES);
  while (listing.state === 'more') await listing.loadMore();
  assert.deepEqual(keys(listing.shown), Array.from({ length: 100 }, (_, n) => 200 - n));
});

/** Pictures that were taken, or have a confidence, in another order than that of the uploads. @param {number[]} places */
const placed = (...places) =>
  places.map((place, at) => row(place, { uploadedAt: new Date((at % 2 ? 1000 - place : place) * 60_000).toISOString(), takenAt: new Date(1e12 - place * 60_000).toISOString().slice(0, 19), confidence: 99 - place / 10, processedAt: 'first' }));
const ORDERS = /** @type {const} */ ([['oldest', uploaded], ['taken', placed], ['confidence', placed]]);

for (const [sort, make] of ORDERS) {
  const query = { ...ALL, sort, terms: sort === 'confidence' ? label('Dog') : [] };

  test(`sorted by ${sort}: a new picture among the loaded ones removes none`, async () => {
    const { listing, server, left, leave } = changingListing(make(10, 20, 30, 40, 50, 60, 70));
    await listing.start(query);
    server.pictures = make(5, 10, 20, 30, 40, 50, 60, 70);
    assert.deepEqual(await listing.update(leave), { added: 1, removed: 0 });
    assert.deepEqual([keys(listing.shown).slice(0, 4), left], [[5, 10, 20, 30], []]);
    while (listing.state === 'more') await listing.loadMore();
    assert.deepEqual(keys(listing.shown), [5, 10, 20, 30, 40, 50, 60, 70]);
  });

  test(`sorted by ${sort}: a new picture after the loaded ones is no news, and comes with its page`, async () => {
    const { listing, server, changes, left, leave } = changingListing(make(10, 20, 30, 40, 50));
    await listing.start(query);
    changes.length = 0;
    server.pictures = make(10, 20, 30, 40, 50, 60);
    assert.deepEqual(await listing.update(leave), { added: 0, removed: 0 });
    assert.deepEqual([keys(listing.shown), changes, left], [[10, 20, 30], [], []]);
    while (listing.state === 'more') await listing.loadMore();
    assert.deepEqual(keys(listing.shown), [10, 20, 30, 40, 50, 60]);
    server.pictures = make(10, 20, 30, 40, 50, 60, 70);
    assert.deepEqual(await listing.update(leave), { added: 1, removed: 0 });
    assert.deepEqual(keys(listing.shown), [10, 20, 30, 40, 50, 60, 70], 'at the end of a complete list it is news');
  });

  test(`sorted by ${sort}: only pictures that are gone are removed`, async () => {
    const { listing, server, left, leave } = changingListing(make(10, 20, 30, 40, 50, 60, 70, 80));
    await listing.start(query);
    await listing.loadMore();
    server.pictures = make(10, 30, 40, 45, 50, 70, 80);
    assert.deepEqual(await listing.update(leave), { added: 1, removed: 2 });
    assert.deepEqual(left.sort(), [20, 60]);
    while (listing.state === 'more') await listing.loadMore();
    assert.deepEqual(keys(listing.shown), [10, 30, 40, 45, 50, 70, 80]);
  });

  test(`sorted by ${sort}: a long list keeps what an update does not reach`, async () => {
    const all = Array.from({ length: 3 * MAX_UPDATE_PAGES + 6 }, (_, n) => 10 * (n + 1));
    const { listing, server, left, leave } = changingListing(make(...all));
    await listing.start(query);
    while (listing.state === 'more') await listing.loadMore();
    server.pictures = make(5, ...all, 1000);
    assert.deepEqual(await listing.update(leave), { added: 1, removed: 0 });
    assert.deepEqual([keys(listing.shown), left, listing.state], [[5, ...all], [], 'more']);
    await listing.loadOn(new AbortController().signal);
    assert.deepEqual(keys(listing.shown), [5, ...all, 1000]);
  });
}

test('a picture that was analysed again may move, and its neighbours stay', async () => {
  const { listing, server, left, leave } = changingListing(placed(10, 20, 30, 40, 50, 60, 70));
  const query = { ...ALL, sort: /** @type {const} */ ('confidence'), terms: label('Dog') };
  await listing.start(query);
  await listing.loadMore();
  const [first, second, third, fourth, fifth, sixth, seventh] = placed(10, 20, 30, 40, 50, 60, 70);
  const moved = /** @type {ImageRow} */ ({ ...sixth, confidence: 99.5, processedAt: 'again' });
  server.pictures = /** @type {ImageRow[]} */ ([moved, first, second, third, fourth, fifth, seventh]);
  assert.deepEqual(await listing.update(leave), { added: 0, removed: 0 });
  assert.deepEqual([keys(listing.shown).slice(0, 6), left], [[60, 10, 20, 30, 40, 50], []]);
});

test('a list that starts anew does not announce deletions', async () => {
  const { listing, server, leave } = changingListing(uploaded(4, 3, 2));
  await listing.start(ALL);
  server.pictures = uploaded(...Array.from({ length: 100 }, (_, n) => 200 - n), 4, 3, 2);
  assert.deepEqual(await listing.update(leave), { added: 3 * MAX_UPDATE_PAGES, removed: 0 });
});

test('an update shows a picture that was analysed again, the first picture, and no picture', async () => {
  const { listing, server, leave } = changingListing([]);
  await listing.start(ALL);
  server.pictures = uploaded(1);
  assert.deepEqual(await listing.update(leave), { added: 1, removed: 0 });
  const [before] = listing.shown;
  server.pictures = [row(1, { uploadedAt: new Date(60_000).toISOString(), processedAt: 'again', status: 'failed' })];
  await listing.update(leave);
  assert.notEqual(listing.shown[0], before);
  assert.equal(listing.shown[0]?.status, 'failed');
  assert.equal(listing.remove('uploads/1.png', leave), true);
  assert.equal(listing.remove('uploads/1.png', leave), false);
  assert.deepEqual([listing.shown, listing.state], [[], 'complete']);
});

test('an update that fails or belongs to an earlier search changes nothing', async () => {
  const { listing, server } = listingOf([rows(1)]);
  await listing.start(ALL);
  server.fail = true;
  assert.equal(await listing.update(() => {}), null);
  assert.deepEqual([keys(listing.shown), listing.state], [[1], 'complete']);
  server.fail = false;
  const update = listing.update(() => {});
  await listing.start({ ...ALL, terms: label('Cat') });
  assert.deepEqual(await update, { added: 0, removed: 0 });
});
