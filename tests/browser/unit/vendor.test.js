// @ts-check
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';

const VENDOR = new URL('../../../frontend/js/vendor/', import.meta.url);
const require = createRequire(import.meta.url);
const folderOf = (/** @type {string} */ name) => new URL('.', `file://${require.resolve(name)}`);

for (const { name, from = name, module, licence } of [
  { name: 'aws4fetch', module: 'aws4fetch.esm.js', licence: '../LICENSE' },
  { name: 'client-zip', module: 'index.js', licence: 'LICENSE.txt' },
  { name: 'libheif', from: 'libheif-js', module: 'libheif/libheif.js', licence: 'libheif/LICENSE' },
]) {
  test(`${name} is the package’s file, unchanged, with its licence`, () => {
    assert.deepEqual(readFileSync(new URL(`${name}.js`, VENDOR)), readFileSync(new URL(module, folderOf(from))));
    assert.deepEqual(readFileSync(new URL(`${name}.LICENSE.txt`, VENDOR)), readFileSync(new URL(licence, folderOf(from))));
  });
}
