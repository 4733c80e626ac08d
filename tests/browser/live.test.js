// @ts-check
/** An open gallery in a real Chromium, while other programs upload and delete pictures. See README.md. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';

import { serve } from './many.js';
import { API, DESKTOP, TIMEOUT_MS, launch, open, picture, screenshot } from './support.js';

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

/** @param {string[]} options */
const curl = (...options) => execFileSync('curl', ['-sS', '--fail-with-body', ...options], { encoding: 'utf8' });

/**
 * Uploads a picture with curl.
 * @param {string} name
 * @returns {string} its key
 */
function upload(name) {
  const file = picture(name);
  const contentLength = Number(execFileSync('wc', ['-c', file], { encoding: 'utf8' }).trim().split(' ')[0]);
  const { key, uploadUrl, headers } = JSON.parse(curl(`${API}/uploads`, '-d', JSON.stringify({ contentType: 'image/png', contentLength, filename: name })));
  curl('-T', file, ...Object.entries(headers).flatMap(([header, value]) => ['-H', `${header}: ${value}`]), uploadUrl);
  return key;
}

/** @param {import('playwright-core').Page} page */
const names = (page) => page.locator('.tile .tile-name').allTextContents();

test('a picture that curl uploads appears in an open gallery, and one that curl deletes disappears', async () => {
  const { page, close } = await open(browser, DESKTOP, { path: '/gallery.html', ready: '#list-message h2' });
  await page.evaluate(() => Object.assign(window, { same: true }));
  upload('coffee.png');
  const coffee = page.locator('.tile').and(page.getByTitle('coffee.png', { exact: true }));
  await coffee.waitFor();
  await page.locator('#live').getByText('1 new picture.').waitFor();
  await page.locator('.tile-picture.loaded').waitFor();
  assert.equal(await page.locator('#tally').textContent(), '1 picture');
  // The labels of the new picture can be searched for at once.
  await page.locator('#frequent-labels .chip').first().waitFor();

  // The focus stays on its picture.
  await coffee.focus();
  const key = upload('chelsea.png');
  await page.getByTitle('chelsea.png', { exact: true }).waitFor();
  assert.deepEqual(await names(page), ['chelsea.png', 'coffee.png']);
  assert.ok(await coffee.evaluate((link) => link === document.activeElement));
  await page.mouse.move(0, 0);
  await screenshot(page, 'gallery-live');

  // An open picture that somebody else deletes gives way to its neighbour.
  await page.getByTitle('chelsea.png', { exact: true }).click();
  await page.locator('#viewer').getByRole('heading', { name: 'chelsea.png' }).waitFor();
  curl('-X', 'DELETE', `${API}/images/${key}`);
  await page.locator('#viewer').getByRole('heading', { name: 'coffee.png' }).waitFor();
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => document.querySelectorAll('.tile').length === 1);
  await page.locator('#live').getByText('1 picture deleted.').waitFor();
  assert.equal(await page.evaluate(() => Reflect.get(window, 'same')), true, 'the page was not loaded again');
  await close();
});

test('a service without events is asked, and the person keeps the place and the focus', async (t) => {
  const service = await serve(400);
  t.after(() => service.close());
  const page = await (await browser.newContext(DESKTOP)).newPage();
  page.setDefaultTimeout(TIMEOUT_MS);
  await page.clock.install();
  await page.goto(`${service.address}/gallery.html`);
  await page.locator('.tile').first().waitFor();
  await page.evaluate(() => scrollTo(0, 1200));
  const tile = page.getByTitle('picture 60.jpg', { exact: true });
  await tile.waitFor();
  await tile.focus();
  const place = () => tile.evaluate((link) => link.getBoundingClientRect().top);
  const before = await place();

  service.change(30, ['picture 3.jpg', 'picture 70.jpg']);
  const asked = () => service.requests.filter((search) => !search.includes('cursor')).length;
  await page.clock.fastForward(2_000);
  assert.equal(asked(), 1);
  await page.clock.fastForward(10_000);
  await page.locator('#live').getByText('30 new pictures. 2 pictures deleted.').waitFor({ state: 'attached' });
  assert.ok(await tile.evaluate((link) => link === document.activeElement));
  // A picture stays in its row or moves to the next, because the columns fill from the front.
  const row = await tile.evaluate((link) => link.getBoundingClientRect().height + 14);
  assert.ok(Math.abs((await place()) - before) <= row + 1, `${before} ${await place()}`);
  await page.keyboard.press('Home');
  await page.locator('.tile:focus').and(page.getByTitle('picture -29.jpg')).waitFor();
  assert.equal(await page.getByTitle('picture 3.jpg', { exact: true }).count(), 0);
  await page.context().close();
});
