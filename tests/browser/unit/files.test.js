// @ts-check
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';

import { ACCEPT, check, contentType, sha256Hex, typeLabel } from '../../../frontend/js/shared/files.js';
import { leftOut } from '../../../frontend/js/shared/notices.js';

test('the browser’s type is used in the API’s spelling', () => {
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

test('without a type the file’s name decides', () => {
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
  // A name does not make a picture of what the browser knows to be something else.
  assert.equal(contentType({ name: 'a.png', type: 'text/html' }), null);
});

test('files that cannot go are refused with a reason', () => {
  assert.deepEqual(check({ name: 'a.png', type: 'image/png', size: 10 }, 10), { type: 'image/png' });
  assert.deepEqual(check({ name: 'a.png', type: 'image/png', size: 10 }, null), { type: 'image/png' });
  assert.deepEqual(check({ name: 'a.png', type: 'image/png', size: 0 }, null), { reason: 'the file is empty' });
  assert.match(JSON.stringify(check({ name: 'a.png', type: 'image/png', size: 2048 }, 1024)), /2.KiB is more than the 1.KiB allowed/);
  assert.match(JSON.stringify(check({ name: 'a.txt', type: 'text/plain', size: 1 }, null)), /not a picture/);
});

test('what was left out is named, a long list is cut', () => {
  const types = ['JPEG', 'PNG', 'HEIC'];
  const reason = 'not a picture of a type Sightline takes';
  assert.deepEqual(leftOut([{ name: 'a.png', reason }], types), {
    title: 'a.png was left out:',
    text: 'not a picture of a type Sightline takes. Choose JPEG, PNG or HEIC pictures.',
  });
  assert.equal(leftOut([{ name: 'a.png', reason: 'the file is empty' }], types).text, 'the file is empty.', 'advice that fits');
  const many = leftOut(['a', 'b', 'c', 'd', 'e'].map((name) => ({ name, reason })), types);
  assert.equal(many.title, '5 files were left out:');
  assert.match(many.text, /^a \(not a picture of [^)]*\), b .*, c .* and 2 more\. Choose/);
});

test('the file dialog offers the types and the endings browsers may not know', () => {
  for (const part of ['image/jpeg', 'image/avif', '.heic', '.tiff']) assert.ok(ACCEPT.split(',').includes(part), part);
  assert.equal(typeLabel('image/webp'), 'WebP');
});

test('the digest is SHA-256 in lower-case hex', async () => {
  const content = Buffer.from('sightline');
  assert.equal(await sha256Hex(new Blob([content])), createHash('sha256').update(content).digest('hex'));
});

test('a file too large to hold in memory gets no digest', async () => {
  const large = /** @type {Blob} */ ({ size: 65 * 1024 * 1024 });
  assert.equal(await sha256Hex(large), null);
});
