// @ts-check
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';

const VENDOR = new URL('../../../frontend/js/vendor/', import.meta.url);
const PACKAGE = new URL('.', `file://${createRequire(import.meta.url).resolve('aws4fetch')}`);

test('aws4fetch is the package’s file, unchanged, with its licence', () => {
  assert.deepEqual(readFileSync(new URL('aws4fetch.js', VENDOR)), readFileSync(new URL('aws4fetch.esm.js', PACKAGE)));
  assert.deepEqual(readFileSync(new URL('aws4fetch.LICENSE.txt', VENDOR)), readFileSync(new URL('../LICENSE', PACKAGE)));
});
