import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';

const VENDOR = new URL('../../../frontend/js/vendor/', import.meta.url);
const PACKAGE = new URL('.', `file://${createRequire(import.meta.url).resolve('swagger-ui-dist/package.json')}`);

test('Swagger UI is the package’s files, unchanged, with its licences', () => {
  const read = (name, folder = PACKAGE) => readFileSync(new URL(name, folder), 'utf8');
  for (const name of ['swagger-ui-bundle.js', 'swagger-ui.css']) assert.equal(read(name, VENDOR), read(name), name);
  assert.equal(read('swagger-ui.LICENSE.txt', VENDOR), ['LICENSE', 'NOTICE', 'swagger-ui-bundle.js.LICENSE.txt'].map((name) => read(name)).join('\n'));
});
