// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { UniqueNames, zip } from '../../../frontend/js/shared/zip.js';
import { annotatedName } from '../../../frontend/js/shared/annotated.js';
import { UploadList, forgetUploads } from '../../../frontend/js/shared/upload-list.js';
import { isVisible, renamePhoto } from '../../../frontend/js/upload/file-intake.js';

/** @typedef {import('../../../frontend/js/shared/upload-list.js').RememberedTask} RememberedTask */

/** The browser's storage. @returns {any} */
function storage() {
  const items = /** @type {Record<string, string>} */ ({});
  return new Proxy(items, {
    get: (target, name) =>
      ({
        getItem: (/** @type {string} */ key) => target[key] ?? null,
        setItem: (/** @type {string} */ key, /** @type {string} */ value) => void (target[key] = value),
        removeItem: (/** @type {string} */ key) => void delete target[key],
      })[String(name)] ?? Reflect.get(target, name),
  });
}

/** @type {RememberedTask} */
const TASK = { id: 'x', name: 'a.png', size: 4, contentType: 'image/png', analyses: null, state: 'stored', address: null, elapsed: 0, failure: null };

test('each identity sees its own list only', () => {
  const items = storage();
  const listOf = (/** @type {string} */ who) => new UploadList(() => who, () => items);
  listOf('guest.1').write([TASK], 'x');
  assert.deepEqual(listOf('person.1').read(), { tasks: [], selected: '' });
  listOf('person.1').write([{ ...TASK, id: 'y' }], 'y');
  assert.deepEqual(listOf('person.1').read().tasks.map(({ id }) => id), ['y']);
  assert.deepEqual(listOf('guest.1').read(), { tasks: [TASK], selected: 'x' });
});

test('when a browser loses a guest’s identity, nothing stays for the next guest', () => {
  const items = storage();
  /** @type {string | null} */
  let who = null;
  const list = new UploadList(() => who, () => items);
  list.write([TASK], 'x');
  assert.deepEqual([list.read().tasks, Object.keys(items)], [[], []]);
  who = 'guest.1';
  list.write([TASK], 'x');
  assert.deepEqual(Object.keys(items), ['sightline.uploads.guest.1']);
  who = null;
  list.write([TASK], 'x');
  assert.deepEqual(Object.keys(items), []);
});

test('after sign-out, nothing is left', () => {
  const items = storage();
  items.setItem('other', '1');
  new UploadList(() => 'person.1', () => items).write([TASK], '');
  forgetUploads(() => items);
  assert.deepEqual(Object.keys(items), ['other']);
});

test('what cannot be read counts as missing', () => {
  const items = storage();
  items.setItem('sightline.uploads.', '{"tasks": [{"id": 1}, null, "x"]}');
  assert.deepEqual(new UploadList(() => '', () => items).read(), { tasks: [], selected: '' });
});

test('a tab keeps its name until it gets another', () => {
  const items = storage();
  const list = new UploadList(() => '', () => items);
  const name = list.tab();
  assert.equal(list.tab(), name);
  assert.notEqual(list.tab(true), name);
});

test('hidden files of a folder are left out, and photos get a name', () => {
  const visible = (/** @type {string} */ webkitRelativePath) => isVisible({ name: webkitRelativePath.split('/').at(-1) ?? '', webkitRelativePath });
  assert.deepEqual(['a/b.jpg', 'a/.b.jpg', 'a/.git/b.jpg', 'b.jpg'].map(visible), [true, false, false, true]);
  const at = new Date(2026, 0, 2, 3, 4, 5);
  assert.equal(renamePhoto(new File([], 'image.jpg'), at).name, 'photo-2026-01-02-030405.jpg');
  assert.equal(renamePhoto(new File([], 'IMG_1.HEIC'), at).name, 'IMG_1.HEIC');
});

test('files in an archive have names of their own, which every file system allows', () => {
  const names = new UniqueNames();
  const given = ['a.jpg', 'A.jpg', 'a.jpg', 'b', 'b', '../c:d.png', '.hidden'];
  assert.deepEqual(given.map((name) => names.add(name)), ['a.jpg', 'A (2).jpg', 'a (3).jpg', 'b', 'b (2)', '__c_d.png', '_hidden']);
  assert.equal(annotatedName('cat.JPG', 'image/jpeg'), 'cat-boxes.jpg');
  assert.equal(annotatedName('cat', 'image/png'), 'cat-boxes.png');
});

test('an archive holds its files', async () => {
  const archive = await zip([{ name: 'a.json', input: '{"a": 1}' }, { name: 'b.jpg', input: new Blob(['picture']) }]);
  const bytes = Buffer.from(await archive.arrayBuffer());
  assert.equal(bytes.subarray(0, 4).toString('latin1'), 'PK\u0003\u0004');
  for (const part of ['a.json', '{"a": 1}', 'b.jpg', 'picture']) assert.ok(bytes.includes(part), part);
});
