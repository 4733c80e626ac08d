// @ts-check
/** A page of another origin tries to use a person's own service from Chromium. Nothing is stored, deleted or read. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';

import { API, launch, picture, TIMEOUT_MS } from './support.js';

/** @typedef {import('playwright-core').Browser} Browser */

/** The AWS endpoint's address. */
const AWS = (process.env.SIGHTLINE_AWS ?? '').replace(/\/+$/, '');

/** @type {Browser} */
let browser;
/** @type {import('node:http').Server} */
let site;
let port = 0;

before(async () => {
  assert.ok(AWS, 'Set SIGHTLINE_AWS: see tests/browser/README.md.');
  browser = await launch();
  site = createServer((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><p>Another site'));
  await new Promise((resolve) => site.listen(0, '127.0.0.1', () => resolve(null)));
  const address = site.address();
  if (address && typeof address === 'object') port = address.port;
});

after(async () => {
  await browser.close();
  site.close();
});

/** @param {string} path */
const read = async (path) => (await fetch(`${API}${path}`)).text();

/** The keys of all pictures and a fingerprint of one. @param {string} key */
async function state(key) {
  /** @type {{ images: { key: string }[] }} */
  const { images } = JSON.parse(await read('/images?limit=100'));
  const list = images.map((image) => image.key);
  const result = await read(`/results/${key}`);
  return { list, result: createHash('sha256').update(result).digest('hex') };
}

test('a page of another origin stores, deletes and reads nothing', { timeout: TIMEOUT_MS * 2 }, async () => {
  const image = readFileSync(picture('rocket.jpg')).toString('base64');
  const stored = await fetch(`${API}/images`, { method: 'POST', body: JSON.stringify({ image }) });
  assert.equal(stored.status, 201);
  const { key } = await stored.json();
  const ask = { contentType: 'image/jpeg', contentLength: 4 };
  const upload = await (await fetch(`${API}/uploads`, { method: 'POST', body: JSON.stringify(ask) })).json();
  const resultUrl = (await (await fetch(`${API}/results/${key}`, { redirect: 'manual' })).json()).resultUrl ?? upload.resultUrl;
  const unchanged = await state(key);

  // Another port of this machine is another origin of the same site; another name is another site.
  for (const host of ['127.0.0.1', 'localhost']) {
    const context = await browser.newContext();
    const page = await context.newPage();
    /** @type {Map<string, number[]>} */
    const statuses = new Map();
    page.on('response', (response) => {
      const { pathname, origin } = new URL(response.url());
      if (origin !== API && origin !== AWS) return;
      const what = `${response.request().method()} ${pathname}`;
      statuses.set(what, [...(statuses.get(what) ?? []), response.status()]);
    });
    await page.goto(`http://${host}:${port}/`);
    const outcome = await page.evaluate(tryEverything, { api: API, aws: AWS, key, image, upload, resultUrl });
    assert.deepEqual(outcome, { read: [], sockets: 0, images: 0 }, host);
    // Forms navigate, so each starts on the page again.
    /** @type {[string, string][]} */
    const forms = [
      [`${API}/images`, 'text/plain'],
      [`${API}/uploads`, 'multipart/form-data'],
      [`${AWS}/sightline-input`, 'multipart/form-data'],
      [`${AWS}/sightline-input/uploads/form.jpg`, 'application/x-www-form-urlencoded'],
    ];
    for (const [action, type] of forms) {
      await page.goto(`http://${host}:${port}/`);
      const [response] = await Promise.all([
        page.waitForResponse((answer) => answer.url() === action && answer.request().method() === 'POST'),
        // What is no picture would be stored too.
        page.evaluate(submit, { action, type, image: image.slice(0, 400) }),
      ]);
      assert.equal(response.status(), 403, `${host}: POST ${action}`);
      await page.waitForURL(action);
    }
    for (const [what, found] of statuses) {
      if (what.startsWith('OPTIONS')) continue;
      assert.ok(found.every((status) => status === 403), `${host}: ${what} got ${found}`);
    }
    assert.ok(statuses.size > 5, `${host}: ${[...statuses.keys()]}`);
    await context.close();
  }

  assert.deepEqual(await state(key), unchanged);
  const head = await fetch(`${API}/results/${upload.key}`);
  assert.equal(head.status, 404, 'the upload URL was not used');
});

test('a link on another page opens the pages', { timeout: TIMEOUT_MS }, async () => {
  const page = await browser.newPage();
  await page.goto(`http://localhost:${port}/`);
  await page.evaluate((api) => {
    const link = document.createElement('a');
    link.href = `${api}/`;
    link.textContent = 'open';
    document.body.append(link);
    link.click();
  }, API);
  await page.waitForURL(`${API}/`);
  assert.match(await page.title(), /Sightline/);
  await page.close();
});

/**
 * Runs in the page. Returns what it could read.
 * @param {{ api: string, aws: string, key: string, image: string, upload: any, resultUrl: string }} target
 */
async function tryEverything({ api, aws, key, image, upload, resultUrl }) {
  /** @type {string[]} */
  const read = [];
  const body = JSON.stringify({ image });
  const jpeg = new Blob([new Uint8Array([1, 2, 3, 4])], { type: 'image/jpeg' });
  /** @type {[string, RequestInit][]} */
  const requests = [
    [`${api}/images`, {}],
    [`${api}/results/${key}`, {}],
    [`${api}/thumbnails/${key}`, {}],
    [`${api}/images`, { method: 'POST', body }],
    [`${api}/uploads`, { method: 'POST', body: JSON.stringify({ contentType: 'image/jpeg', contentLength: 4 }) }],
    [`${api}/images/${key}`, { method: 'DELETE' }],
    [upload.uploadUrl, { method: 'PUT', body: jpeg, headers: upload.headers }],
    [resultUrl, {}],
    [`${aws}/`, { method: 'POST', body: '{}' }],
    [`${aws}/sightline-input?delete`, { method: 'POST', body: '<Delete/>' }],
  ];
  for (const [url, options] of requests) {
    for (const mode of /** @type {RequestMode[]} */ (['cors', 'no-cors'])) {
      try {
        const response = await fetch(url, { ...options, mode });
        if (response.type !== 'opaque') read.push(`${options.method ?? 'GET'} ${url}`);
      } catch {
        // Refused, as expected.
      }
    }
  }
  navigator.sendBeacon(`${api}/images`, body);
  const loads = (/** @type {HTMLImageElement | HTMLScriptElement | HTMLIFrameElement} */ element, /** @type {string} */ url) =>
    new Promise((resolve) => {
      element.onload = () => resolve(1);
      element.onerror = () => resolve(0);
      element.src = url;
      document.body.append(element);
    });
  const images = /** @type {number[]} */ (await Promise.all([
    loads(new Image(), `${api}/thumbnails/${key}`),
    loads(new Image(), resultUrl),
    loads(document.createElement('script'), `${api}/images`),
  ]));
  await loads(document.createElement('iframe'), `${api}/images`);
  const sockets = await Promise.all(
    [api, aws].map((base) => new Promise((resolve) => {
      const socket = new WebSocket(`${base.replace('http', 'ws')}/images`);
      socket.onopen = () => resolve(1);
      socket.onerror = () => resolve(0);
    })),
  );
  return { read, sockets: sockets.filter(Boolean).length, images: images.filter(Boolean).length };
}

/**
 * Runs in the page.
 * @param {{ action: string, type: string, image: string }} target
 */
function submit({ action, type, image }) {
  const form = document.createElement('form');
  form.method = 'post';
  form.action = action;
  form.enctype = type;
  const input = document.createElement('input');
  // In a text/plain form, name and value make JSON.
  input.name = `{"image": "${image}", "filename": "`;
  input.value = '"}';
  form.append(input);
  document.body.append(form);
  form.submit();
}
