// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { dayOf, dayTitle, groupByDay } from '../../../frontend/js/gallery/days.js';
import { csvOf, jsonLinesOf, zipOf } from '../../../frontend/js/gallery/exports.js';
import { createImagesApi } from '../../../frontend/js/gallery/images-api.js';
import { Selection } from '../../../frontend/js/gallery/selection.js';
import { suggest, suggestForLastWords } from '../../../frontend/js/gallery/suggestions.js';
import { correctTerms, editableText, formatTerm, isSameTerm, mainTerm, orderTerms, parametersOf, parseTerms, readTerms, splitTerms, termsClause } from '../../../frontend/js/gallery/terms.js';
import { EVERYTHING } from '../../../frontend/js/gallery/url-state.js';

/**
 * @typedef {import('../../../frontend/js/shared/api-types.js').ImageRow} ImageRow
 * @typedef {import('../../../frontend/js/gallery/terms.js').Term} Term
 */

/**
 * @param {import('../../../frontend/js/gallery/terms.js').Kind} kind
 * @param {string} value
 * @returns {Term}
 */
const term = (kind, value, not = false) => ({ kind, value, not });

/**
 * @param {string} name
 * @param {Partial<ImageRow>} [facts]
 * @returns {ImageRow}
 */
const row = (name, facts = {}) => ({ key: `uploads/${name}`, imageId: name, status: 'succeeded', uploadedAt: '2026-03-01T12:00:00Z', processedAt: '', filename: name, size: 1, labels: [], categories: [], ...facts });

const never = new AbortController().signal;

test('typed words become terms', () => {
  assert.deepEqual(parseTerms('dog beach'), [term('any', 'dog'), term('any', 'beach')]);
  assert.deepEqual(parseTerms('"hot dog" -cat'), [term('any', 'hot dog'), term('any', 'cat', true)]);
  assert.deepEqual(parseTerms('Name:holiday LABEL:"Hot Dog" -text:exit colour:blue category:"Animals and Pets"'), [
    term('label', 'Hot Dog'),
    term('category', 'Animals and Pets'),
    term('text', 'exit', true),
    term('filename', 'holiday'),
    term('color', 'blue'),
  ]);
  assert.deepEqual(parseTerms('“hot dog” filename:a.jpg'), [term('filename', 'a.jpg'), term('any', 'hot dog')]);
  assert.deepEqual(parseTerms('well-known 12:30 https://x'), [term('any', 'well-known'), term('any', '12:30'), term('any', 'https://x')]);
  for (const nothing of ['', '  ', '-', '""', 'label:""', '"']) assert.deepEqual(parseTerms(nothing), [], nothing);
  assert.deepEqual(parseTerms('dog Dog -dog'), [term('any', 'dog', true)], 'the last one counts');
});

test('a term that is written is read as the same term', () => {
  for (const each of [term('any', 'dog'), term('any', 'hot dog', true), term('any', 'label:x'), term('any', '-5'), term('filename', 'a-b.c'), term('color', 'blue', true), term('text', 'NO EXIT')]) {
    assert.deepEqual(parseTerms(formatTerm(each)), [each], formatTerm(each));
  }
});

test('the address has a parameter for each kind of term, and reads them back', () => {
  const terms = orderTerms([term('any', 'beach'), term('label', 'Dog'), term('label', 'Cat', true), term('color', 'blue'), term('text', 'exit', true), term('category', 'Food', true)]);
  const parameters = parametersOf(terms);
  assert.deepEqual(parameters, [['label', 'Dog'], ['notLabel', 'Cat'], ['notCategory', 'Food'], ['color', 'blue'], ['q', '-text:exit beach']]);
  assert.deepEqual(readTerms(new URLSearchParams(parameters)), terms);
});

test('the API gets every part of a search', async () => {
  /** @type {string[]} */
  const urls = [];
  const api = createImagesApi('https://api.example.com', {
    fetch: async (url) => {
      urls.push(String(url));
      return Response.json({ images: [] });
    },
  });
  await api.page({ ...EVERYTHING, terms: [term('label', 'Hot Dog'), term('any', 'beach')], from: '2026-01-31', sort: 'taken', minFaces: 2 }, 'c', never);
  await api.page(EVERYTHING, null, never);
  await api.page({ ...EVERYTHING, from: '2026-01-31', to: '2026-01-31' }, null, never);
  const day = new URL(urls.pop() ?? '').searchParams;
  const [from, to] = ['from', 'to'].map((name) => new Date(day.get(name) ?? ''));
  assert.deepEqual([from?.getDate(), from?.getHours(), to?.getDate(), to?.getHours(), to?.getMinutes()], [31, 0, 31, 23, 59], 'days of the upload are the reader’s');
  assert.deepEqual(urls, ['https://api.example.com/images?label=Hot%20Dog&q=beach&from=2026-01-31&sort=taken&minFaces=2&cursor=c&limit=100', 'https://api.example.com/images?limit=100']);
});

test('the confidence of the first label or category counts', () => {
  assert.equal(mainTerm([term('label', 'Cat', true), term('any', 'dog')]), null);
  assert.deepEqual(mainTerm([term('label', 'Cat', true), term('category', 'Food')]), term('category', 'Food'));
  assert.ok(isSameTerm(term('label', 'Dog'), term('label', 'dog')));
  assert.ok(!isSameTerm(term('label', 'Dog'), term('any', 'Dog')));
});

test('a similar name replaces the word that no picture has', () => {
  assert.deepEqual(correctTerms([term('any', 'dgo'), term('label', 'Beach')], 'Dgo', 'Dog'), [term('label', 'Beach'), term('any', 'Dog')]);
  assert.deepEqual(correctTerms([term('label', 'Dgo', true)], 'dgo', 'Dog'), [term('label', 'Dog', true)]);
  assert.deepEqual(correctTerms([term('any', 'red dgo')], 'dgo', 'Dog'), [term('any', 'red dgo'), term('any', 'Dog')]);
  const table = parseTerms('sky dinning table lamp');
  assert.deepEqual(correctTerms(table, 'dinning table', 'Dining Table'), [term('any', 'sky'), term('any', 'Dining Table'), term('any', 'lamp')]);
  assert.deepEqual(parametersOf(correctTerms(table, 'dinning table', 'Dining Table')), [['q', 'sky "Dining Table" lamp']]);
});

test('a search is put into words', () => {
  assert.equal(termsClause([]), '');
  assert.equal(termsClause([term('label', 'Dog'), term('label', 'Beach'), term('color', 'Blue'), term('label', 'Cat', true)]), ' with “Dog” and “Beach” in “blue” without “Cat”');
  assert.equal(termsClause([term('category', 'Food'), term('text', 'exit'), term('filename', 'a'), term('any', 'x')]), ' in “Food” with the text “exit” named “a” for “x”');
});

test('the words of a search stay in the field as they were typed, and the other terms are chips', () => {
  const car = term('label', 'Car');
  const typed = 'color:blue  -cat dog';
  assert.deepEqual(splitTerms([car, ...parseTerms(typed)], typed), { text: typed, chips: [car] });
  // The search of a bookmark, or of another page of the history, takes the place of what was typed.
  assert.deepEqual(splitTerms([car, term('color', 'Blue'), term('any', 'hot dog'), term('any', 'cat', true)], typed), { text: '"hot dog" -cat', chips: [car, term('color', 'Blue')] });
  assert.deepEqual(splitTerms([term('any', 'cat')], 'cat dog'), { text: 'cat', chips: [] });
  assert.deepEqual(splitTerms([car], 'dog'), { text: '', chips: [car] });
  assert.deepEqual(splitTerms([], ''), { text: '', chips: [] });
});

test('a chip is changed as the text that a person would type', () => {
  assert.equal(editableText(term('label', 'Hot Dog', true)), '-"Hot Dog"');
  assert.equal(editableText(term('category', 'Food')), 'Food');
  assert.equal(editableText(term('text', 'exit')), 'text:exit');
});

const COUNTS = {
  labels: [
    { name: 'Dog', images: 9 },
    { name: 'Hot Dog', images: 20 },
    { name: 'Dogwood', images: 12 },
    { name: 'Bulldog', images: 30 },
    { name: 'Cat', images: 40 },
    { name: 'Car', images: 3, aliases: ['Automobile'] },
    { name: 'Berry', images: 2 },
  ],
  categories: [{ name: 'Animals and Pets', images: 50 }],
};

/**
 * @param {string} text
 * @param {string} title
 */
const suggested = (text, title) => suggest(COUNTS, text).find((group) => group.title === title)?.suggestions ?? [];

test('suggestions that start with the text come first, then those with a word that does, then the others', () => {
  assert.deepEqual(suggested(' dog', 'Labels').map(({ name }) => name), ['Dogwood', 'Dog', 'Hot Dog', 'Bulldog']);
  assert.deepEqual(suggested('dog', 'Categories'), []);
  assert.deepEqual(suggested('pets', 'Categories'), [{ kind: 'category', name: 'Animals and Pets', alias: '', images: 50 }]);
  assert.equal(suggested('', 'Labels')[0]?.name, 'Cat');
  assert.deepEqual(suggest(COUNTS, '').map(({ title }) => title), ['Labels', 'Categories']);
});

test('suggestions know other names, plurals and colours', () => {
  assert.deepEqual(suggested('autom', 'Labels'), [{ kind: 'label', name: 'Car', alias: 'Automobile', images: 3 }]);
  assert.equal(suggested('cats', 'Labels')[0]?.name, 'Cat');
  assert.equal(suggested('berries', 'Labels')[0]?.name, 'Berry');
  assert.deepEqual(suggested('bl', 'Colours').map(({ kind, name }) => [kind, name]), [['color', 'Black'], ['color', 'Blue']]);
  assert.deepEqual(suggested('exit', 'Words').map(({ kind, name }) => [kind, name]), [['any', 'exit'], ['text', 'exit'], ['filename', 'exit']]);
});

test('suggestions follow the last words, and keep those before them', () => {
  const last = (/** @type {string} */ text) => {
    const { before, not, groups } = suggestForLastWords(COUNTS, text);
    return [before, not, groups[0]?.suggestions[0]?.name, groups.at(-1)?.suggestions[0]?.name];
  };
  assert.deepEqual(last('hot do'), ['', false, 'Hot Dog', 'hot do']);
  assert.deepEqual(last('xyz  ca'), ['xyz', false, 'Cat', 'xyz  ca']);
  assert.deepEqual(last('xyz -"hot d'), ['xyz', true, 'Hot Dog', 'xyz -hot d']);
  assert.deepEqual(last('-berr'), ['', true, 'Berry', 'berr']);
  assert.deepEqual(last('xyz'), ['', false, 'xyz', 'xyz']);
  assert.deepEqual(last(''), ['', false, 'Cat', 'Animals and Pets']);
});

test('pictures are grouped by the day of the upload, or of the taking', () => {
  const noon = (/** @type {number} */ day) => new Date(2026, 2, day, 12).toISOString();
  const all = [row('a', { uploadedAt: noon(3) }), row('b', { uploadedAt: noon(3), takenAt: '2025-12-24T23:59:59+14:00' }), row('c', { uploadedAt: noon(1) })];
  assert.deepEqual(groupByDay(all, 'newest'), [{ day: '2026-03-03', start: 0 }, { day: '2026-03-01', start: 2 }]);
  assert.deepEqual(groupByDay(all, 'taken').map(({ day }) => day), ['2026-03-03', '2025-12-24', '2026-03-01']);
  assert.deepEqual(groupByDay(all, 'confidence'), []);
  assert.deepEqual(groupByDay([row('x', { uploadedAt: '' })], 'newest'), []);
  assert.equal(dayOf(row('x', { uploadedAt: 'never' }), 'newest'), '');
});

test('days have names', () => {
  const now = new Date(2026, 2, 1, 8);
  assert.equal(dayTitle('2026-03-01', now), 'Today');
  assert.equal(dayTitle('2026-02-28', now), 'Yesterday');
  assert.match(dayTitle('2026-02-27', now), /^Friday,? 27 February 2026$/);
  assert.equal(dayTitle('', now), 'Day unknown');
});

test('ranges of pictures are selected from the last single one', () => {
  const all = ['a', 'b', 'c', 'd', 'e'].map((name) => row(name));
  const [a, , c] = /** @type {[ImageRow, ImageRow, ImageRow]} */ (all);
  let changes = 0;
  const selection = new Selection(() => (changes += 1));
  const names = () => selection.rows.map(({ filename }) => filename).sort().join('');
  selection.toggle(c);
  selection.extend(all, 'uploads/e');
  assert.equal(names(), 'cde');
  selection.extend(all, 'uploads/b');
  assert.equal(names(), 'bc', 'another range takes its place');
  selection.toggle(a);
  assert.equal(names(), 'abc');
  selection.toggle(a);
  assert.equal(names(), 'bc');
  selection.clear();
  assert.ok(!selection.isActive);
  selection.extend(all, 'uploads/d', 'uploads/b');
  assert.equal(names(), 'bcd', 'from the focus if nothing is selected');
  selection.retain(all.slice(0, 3));
  assert.equal(names(), 'bc');
  selection.selectAll(all);
  assert.equal(selection.size, 5);
  assert.equal(changes, 9);
});

test('a table of pictures is safe to open in a spreadsheet', () => {
  const csv = csvOf([
    row('a,"b".jpg', { takenAt: '2024-05-01T13:20:05', labels: [{ name: 'Dog', confidence: 97.123 }, { name: 'Grass', confidence: 60 }], categories: ['Animals'], faces: 0, width: 10, height: 20 }),
    row('=cmd()', { filename: '=cmd()' }),
    row('two\nlines'),
  ]);
  const lines = csv.split('\r\n');
  assert.equal(lines[0], '\uFEFFkey,filename,status,uploadedAt,takenAt,contentType,size,width,height,labels,categories,faces,emotions');
  assert.equal(lines[1], '"uploads/a,""b"".jpg","a,""b"".jpg",succeeded,2026-03-01T12:00:00Z,2024-05-01T13:20:05,,1,10,20,Dog 97.12; Grass 60,Animals,0,');
  assert.match(lines[2] ?? '', /^uploads\/=cmd\(\),'=cmd\(\),/);
  assert.match(lines[3] ?? '', /^"uploads\/two\nlines","two\nlines",/);
});

test('results become one line each, and what cannot be read is named', async () => {
  const all = ['a', 'b', 'c'].map((name) => row(name));
  /** @type {number[]} */
  const progress = [];
  const { blob, missing } = await jsonLinesOf(
    all,
    async (key) => {
      if (key === 'uploads/b') throw new Error('down');
      return { ready: true, document: { schemaVersion: 1, imageId: key, status: 'succeeded' } };
    },
    (done) => progress.push(done),
    never,
  );
  assert.deepEqual((await blob.text()).trim().split('\n').map((line) => JSON.parse(line).imageId), ['uploads/a', 'uploads/c']);
  assert.deepEqual(missing.map(({ filename }) => filename), ['b']);
  assert.deepEqual(progress, [1, 2, 3]);
  await assert.rejects(jsonLinesOf(all, () => Promise.reject(new Error('never asked')), () => {}, AbortSignal.abort()));
});

test('originals become an archive with names that differ', async () => {
  const all = [row('a.jpg'), row('gone.jpg'), { ...row('A.jpg'), key: 'uploads/2.jpg' }];
  const { blob, missing } = await zipOf(
    all,
    async ({ filename }) => {
      if (filename === 'gone.jpg') throw new Error('404');
      return new Blob([`bytes of ${filename}`]);
    },
    () => {},
    never,
  );
  const bytes = Buffer.from(await blob.arrayBuffer()).toString('latin1');
  assert.ok(bytes.startsWith('PK'));
  for (const text of ['a.jpg', 'A (2).jpg', 'bytes of a.jpg', 'bytes of A.jpg']) assert.ok(bytes.includes(text), text);
  assert.deepEqual(missing.map(({ filename }) => filename), ['gone.jpg']);
  await assert.rejects(zipOf(all, async () => new Blob(), () => {}, AbortSignal.abort()));
});
