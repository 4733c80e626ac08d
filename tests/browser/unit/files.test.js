// @ts-check
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';

import { typeLabel } from '../../../frontend/js/shared/file-types.js';
import { ACCEPT, checkFile, contentType, sha256Hex, skippedNotice } from '../../../frontend/js/upload/files.js';

test('the browser’s content type is used as the API spells it', () => {
  for (const [type, expected] of /** @type {const} */ ([
    ['image/jpeg', 'image/jpeg'],
    ['image/jpg', 'image/jpeg'],
    ['IMAGE/PNG', 'image/png'],
    ['image/heif', 'image/heic'],
    ['image/x-ms-bmp', 'image/bmp'],
    ['image/png; charset=binary', 'image/png'],
    ['image/svg+xml', null],
    ['text/plain', null],
  ])) {
    assert.equal(contentType({ name: 'x', type }), expected, type);
  }
});

test('without a content type, the file’s name decides', () => {
  for (const [name, expected] of /** @type {const} */ ([
    ['IMG_2031.HEIC', 'image/heic'],
    ['scan.tiff', 'image/tiff'],
    ['a.b.JPG', 'image/jpeg'],
    ['jpg', null],
    ['notes.txt', null],
    ['archive.png.zip', null],
  ])) {
    assert.equal(contentType({ name, type: '' }), expected, name);
  }
  assert.equal(contentType({ name: 'a.heic', type: 'application/octet-stream' }), 'image/heic');
  // The browser's content type wins over the name.
  assert.equal(contentType({ name: 'a.png', type: 'text/html' }), null);
});

test('files that cannot be uploaded are skipped with a reason', () => {
  assert.deepEqual(checkFile({ name: 'a.png', type: 'image/png', size: 10 }, 10), { type: 'image/png' });
  assert.deepEqual(checkFile({ name: 'a.png', type: 'image/png', size: 10 }, null), { type: 'image/png' });
  assert.deepEqual(checkFile({ name: 'a.png', type: 'image/png', size: 0 }, null), { reason: 'the file is empty' });
  assert.match(JSON.stringify(checkFile({ name: 'a.png', type: 'image/png', size: 2048 }, 1024)), /"2.KiB; the limit is 1.KiB"/);
  assert.match(JSON.stringify(checkFile({ name: 'a.txt', type: 'text/plain', size: 1 }, null)), /not a supported picture type/);
});

test('a notice names the skipped files and shortens a long list', () => {
  const reason = 'not a supported picture type';
  assert.deepEqual(skippedNotice([{ name: 'a.png', reason }]), {
    title: 'a.png was skipped:',
    text: 'not a supported picture type. Choose JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF or HEIC pictures.',
  });
  assert.equal(skippedNotice([{ name: 'a.png', reason: 'the file is empty' }]).text, 'the file is empty.', 'no advice about types');
  const many = skippedNotice(['a', 'b', 'c', 'd', 'e'].map((name) => ({ name, reason })));
  assert.equal(many.title, '5 files were skipped:');
  assert.match(many.text, /^a \(not a supported [^)]*\), b .*, c .* and 2 more\. Choose/);
});

test('the file dialog accepts the types, and extensions that browsers may not know', () => {
  for (const part of ['image/jpeg', 'image/avif', '.heic', '.tiff']) assert.ok(ACCEPT.split(',').includes(part), part);
  assert.equal(typeLabel('image/webp'), 'WebP');
});

test('the digest is SHA-256 in lower-case hex', async () => {
  const content = Buffer.from('sightline');
  assert.equal(await sha256Hex(new Blob([content])), createHash('sha256').update(content).digest('hex'));
});

test('a large file gets no digest', async () => {
  const large = /** @type {Blob} */ ({ size: 65 * 1024 * 1024 });
  assert.equal(await sha256Hex(large), null);
});
