// @ts-check
/** Guests in a real Chromium: their own gallery, and taking the pictures along on sign-in. See README.md. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { serve } from './guest-service.js';
import { API, DESKTOP, PHONE, TIMEOUT_MS, accessibilityIssues, choose, launch, open as openPage, overflow, picture, screenshot, select } from './support.js';

/** @typedef {import('playwright-core').Page} Page */

/** Each page has a storage of its own. @type {typeof openPage} */
const open = (browser, options, expect) => openPage(browser, options, { ...expect, own: true });

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

const NAME = /^sightline\.guest\.[^.]*$/;
/** The identity that the browser keeps. @param {Page} page */
const identityOf = (page) =>
  page.evaluate((name) => {
    const key = Object.keys(localStorage).find((each) => new RegExp(name).test(each));
    return key ? /** @type {string} */ (JSON.parse(localStorage.getItem(key) ?? '').identityId) : null;
  }, NAME.source);

const tile = (/** @type {Page} */ page, /** @type {string} */ name) => page.locator('.tile').and(page.getByTitle(name, { exact: true }));

test('a guest uploads, searches, opens, deletes and undoes, in a gallery of their own', { timeout: TIMEOUT_MS * 2 }, async () => {
  // The identity pool is asked only when it is needed.
  const { page, close } = await open(browser, DESKTOP);
  await page.getByText('Guest', { exact: true }).waitFor();
  await page.getByText('Only this browser can open your pictures.').waitFor();
  assert.equal(await page.getByRole('button', { name: /Sign in/ }).count(), 0);
  assert.equal(await identityOf(page), null);
  assert.deepEqual(await accessibilityIssues(page), []);
  await screenshot(page, 'guest-upload');

  await choose(page, picture('astronaut.png'));
  await select(page, 'astronaut.png');
  const identity = await identityOf(page);
  assert.match(identity ?? '', /^[\w-]+:[0-9a-f-]{36}$/);
  // A new tab cannot sign, so the link is the result's presigned address.
  const result = await fetch((await page.getByRole('link', { name: /Open JSON/ }).getAttribute('href')) ?? '');
  assert.equal(result.status, 200);

  await page.getByRole('link', { name: 'Gallery', exact: true }).click();
  await tile(page, 'astronaut.png').waitFor();
  assert.equal(await identityOf(page), identity);
  await page.waitForFunction(() => [...document.querySelectorAll('.tile img')].every((each) => each instanceof HTMLImageElement && each.naturalWidth > 0));
  await page.locator('#frequent-labels button').first().click();
  await tile(page, 'astronaut.png').click();
  const viewer = page.locator('#viewer');
  await viewer.getByRole('checkbox', { name: /^Person/ }).waitFor();
  await page.keyboard.press('Escape');

  await tile(page, 'astronaut.png').focus();
  await page.keyboard.press('Delete');
  await page.locator('.undo').waitFor();
  await page.keyboard.press('Control+Z');
  await tile(page, 'astronaut.png').waitFor();
  await page.setViewportSize(PHONE.viewport);
  assert.equal(await overflow(page), 0);
  await screenshot(page, 'guest-gallery-phone');
  await close();
});

test('another guest does not see the picture, and nobody else does', { timeout: TIMEOUT_MS * 2 }, async () => {
  const first = await open(browser, DESKTOP);
  await choose(first.page, picture('coffee.png'));
  await select(first.page, 'coffee.png');
  const key = (await first.page.locator('.keys code').first().textContent()) ?? '';
  const other = await open(browser, DESKTOP, { path: '/gallery.html', ready: '#list-message h2', missing: /\/guest\//, log: /404/ });
  await other.page.getByRole('heading', { name: 'No pictures yet' }).waitFor();
  await other.page.goto(`${API}/gallery.html#${key}`);
  await other.page.reload();
  await other.page.getByText('Picture not found').waitFor();
  // The service verifies the signature of any key and query, and answers that there is no such picture.
  assert.deepEqual(await other.page.evaluate(statusesOfOddRequests, { keys: ODD_KEYS, labels: ODD_LABELS }), ODD_KEYS.map(() => 404).concat(ODD_LABELS.map(() => 200)));
  await other.close();
  for (const path of ['/guest/images', '/guest/labels', `/guest/results/${encodeURI(key)}`]) assert.equal((await fetch(`${API}${path}`)).status, 403, path);
  // The list survives a reload, but the next guest in the same tab does not see it.
  await first.page.reload();
  await select(first.page, 'coffee.png');
  await first.page.evaluate(() => localStorage.clear());
  await first.page.reload();
  await first.page.locator('#choose:enabled').waitFor();
  assert.equal(await first.page.locator('#tasks > li').count(), 0);
  await first.close();
});

const ODD_KEYS = ['uploads/a b+c.png', 'uploads/ü%25%/é.png', "uploads/eu-west-1!3A1/('*)~:@=&$,;.png", 'uploads/日本/🙂.png'];
const ODD_LABELS = ["a b+c%'(*)~", 'ü&=?/#', '日本 🙂'];

/**
 * Runs in the page.
 * @param {{keys: string[], labels: string[]}} odd
 */
async function statusesOfOddRequests({ keys, labels }) {
  const load = (/** @type {string} */ name) => import(`${location.origin}/js/shared/${name}.js`);
  const [{ Guest }, { createClient }, { keyPath, queryString }, { readConfig }, file] = await Promise.all([load('guest'), load('http-client'), load('keys'), load('config'), (await fetch('/config.json')).json()]);
  const { guests } = readConfig(file, location.origin);
  const client = createClient(`${location.origin}/guest`, { caller: new Guest(guests) });
  const paths = [...keys.map((key) => `/results/${keyPath(key)}`), ...labels.map((label) => `/images?${queryString([['label', label], ['limit', '5']])}`)];
  return Promise.all(paths.map(async (path) => (await client.request(`${location.origin}/guest${path}`, {}, new AbortController().signal)).response.status));
}

test('a deletion is sent when the guest leaves the page', { timeout: TIMEOUT_MS * 2 }, async () => {
  // The upload page's list still has the deleted picture.
  const { page, close } = await open(browser, DESKTOP, { missing: /\/guest\/results\//, log: /404/ });
  await choose(page, picture('chelsea.png'));
  await select(page, 'chelsea.png');
  await page.getByRole('link', { name: 'Gallery', exact: true }).click();
  await tile(page, 'chelsea.png').focus();
  await page.keyboard.press('Delete');
  await page.locator('.undo').waitFor();
  await page.getByRole('link', { name: 'Upload', exact: true }).click();
  await page.locator('#choose:enabled').waitFor();
  await page.getByRole('link', { name: 'Gallery', exact: true }).click();
  await page.getByRole('heading', { name: 'No pictures yet' }).waitFor();
  await close();
});

test('a wrong clock and rejected credentials do not stop a guest', { timeout: TIMEOUT_MS * 2 }, async () => {
  const { page, close } = await open(browser, DESKTOP, {
    path: '/gallery.html',
    ready: '#list-message h2',
    log: /403/,
    before: (page) => page.clock.install({ time: Date.now() - 3 * 3600_000 }),
  });
  await page.getByRole('heading', { name: 'No pictures yet' }).waitFor();
  const [listed] = await Promise.all([page.waitForRequest(/\/guest\/images/), page.reload()]);
  const signedAt = ((await listed.headerValue('x-amz-date')) ?? '').replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5');
  assert.ok(Math.abs(Date.parse(signedAt) - Date.now()) < 120_000, signedAt);
  await page.evaluate(() => {
    for (const key of Object.keys(sessionStorage)) {
      const value = JSON.parse(sessionStorage.getItem(key) ?? '');
      if (value.sessionToken) sessionStorage.setItem(key, JSON.stringify({ ...value, sessionToken: 'expired', receivedAt: 0 }));
    }
  });
  await page.reload();
  await page.getByRole('heading', { name: 'No pictures yet' }).waitFor();
  await page.evaluate(() => {
    for (const storage of [localStorage, sessionStorage]) for (const key of Object.keys(storage)) storage.setItem(key, '{garbage');
  });
  await page.reload();
  await page.getByRole('heading', { name: 'No pictures yet' }).waitFor();
  await close();
});

/**
 * Opens the gallery of a simulated deployment as a guest with pictures, and signs in.
 * @param {number} pictures
 * @param {import('playwright-core').BrowserContextOptions} [options]
 */
async function signIn(pictures, options = DESKTOP) {
  const service = await serve();
  const context = await browser.newContext(options);
  const page = await context.newPage();
  /** @type {string[]} */
  const errors = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.goto(`${service.address}/gallery.html`);
  await page.getByRole('heading', { name: 'No pictures yet' }).waitFor();
  service.add((await identityOf(page)) ?? '', pictures);
  if (pictures > 0) {
    await page.reload();
    await page.locator('.tile').first().waitFor();
  }
  const close = async () => {
    await context.close();
    service.close();
    assert.deepEqual(errors, []);
  };
  const press = () => page.getByRole('button', { name: 'Sign in to keep your pictures' }).click();
  return { page, service, press, close };
}

test('after sign-in, the guest’s pictures are taken along', { timeout: TIMEOUT_MS * 2 }, async () => {
  const { page, service, press, close } = await signIn(5);
  await screenshot(page, 'guest-gallery');
  assert.equal(await overflow(page), 0);
  service.state.moveMs = 700;
  await press();
  const dialog = page.getByRole('dialog', { name: 'Take your 5 pictures along?' });
  await dialog.waitFor();
  assert.ok(await dialog.getByRole('button', { name: 'Take along' }).evaluate((each) => each === document.activeElement));
  assert.deepEqual(await accessibilityIssues(page), []);
  await screenshot(page, 'take-along');
  await page.keyboard.press('Enter');
  await page.getByText('2 of 5 pictures moved.').first().waitFor();
  await screenshot(page, 'take-along-progress');
  assert.ok((await page.getByRole('progressbar', { name: 'Moving your pictures' }).evaluate((bar) => /** @type {HTMLProgressElement} */ (bar).position)) >= 0.4);
  assert.deepEqual(await accessibilityIssues(page), []);
  const done = page.getByRole('dialog', { name: '5 pictures are in your account now' });
  await done.waitFor();
  assert.match((await done.getByRole('status').textContent()) ?? '', /5 pictures are in your account now\./);
  await page.keyboard.press('Enter');
  await done.waitFor({ state: 'detached' });
  await page.locator('.tile').nth(4).waitFor();
  assert.equal(service.state.pictures.get('person')?.length, 5);
  // Nothing is left to ask.
  service.state.log.length = 0;
  await page.reload();
  await page.locator('.tile').first().waitFor();
  while (!service.state.log.includes('GET /guest/images')) await page.waitForTimeout(20);
  assert.equal(await page.locator('dialog.question').count(), 0);
  assert.equal(await page.getByRole('button', { name: 'Guest pictures' }).count(), 0);
  await close();
});

test('a person can decline, and be asked again', { timeout: TIMEOUT_MS * 2 }, async () => {
  const { page, service, press, close } = await signIn(1, PHONE);
  await screenshot(page, 'guest-gallery-phone-sign-in');
  assert.equal(await overflow(page), 0);
  await press();
  const dialog = page.getByRole('dialog', { name: 'Take your picture along?' });
  await dialog.waitFor();
  await screenshot(page, 'take-along-phone');
  assert.equal(await overflow(page), 0);
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  const again = page.getByRole('button', { name: 'Guest pictures' });
  await again.waitFor();
  await page.reload();
  await again.waitFor();
  await page.getByRole('heading', { name: 'No pictures yet' }).waitFor();
  assert.equal(await dialog.count(), 0);
  assert.equal(await overflow(page), 0);
  await screenshot(page, 'guest-pictures-phone');
  assert.deepEqual(await accessibilityIssues(page), []);
  await again.click();
  await dialog.getByRole('button', { name: 'Not now' }).click();
  await dialog.waitFor({ state: 'detached' });
  assert.ok(await again.evaluate((each) => each === document.activeElement));
  await again.click();
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog', { name: 'Delete 1 picture?' }).getByRole('button', { name: 'Cancel' }).click();
  await dialog.getByRole('button', { name: 'Take along' }).click();
  await page.getByRole('button', { name: 'Close' }).click();
  await page.locator('.tile').first().waitFor();
  assert.equal(await again.count(), 0);
  assert.equal(service.state.pictures.get('person')?.length, 1);
  await close();
});

test('a failure says what to do, and what is left is moved later', { timeout: TIMEOUT_MS * 2 }, async () => {
  const { page, service, press, close } = await signIn(3);
  service.state.failures.push(400);
  await press();
  await page.getByRole('button', { name: 'Take along' }).click();
  const failed = page.getByRole('dialog', { name: 'The pictures could not be moved' });
  await failed.getByText(/Try again in an hour\. Pictures that were not moved stay with the guest\./).first().waitFor();
  assert.deepEqual(await accessibilityIssues(page), []);
  await screenshot(page, 'take-along-failure');
  // Later pages ask again, because nobody declined.
  await page.reload();
  await page.getByRole('button', { name: 'Take along' }).click();
  await page.getByRole('dialog', { name: '3 pictures are in your account now' }).waitFor();
  await page.getByRole('button', { name: 'Close' }).click();
  // Who signs out is a new guest.
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('button', { name: 'Sign in to keep your pictures' }).waitFor();
  await page.getByRole('heading', { name: 'No pictures yet' }).waitFor();
  await close();
});

test('declined pictures can be deleted, and without pictures nobody is asked', { timeout: TIMEOUT_MS * 2 }, async () => {
  const { page, service, press, close } = await signIn(3);
  await press();
  await page.getByRole('button', { name: 'Not now' }).click();
  await page.getByRole('button', { name: 'Guest pictures' }).click();
  await page.getByRole('button', { name: 'Delete' }).click();
  const confirmation = page.getByRole('dialog', { name: 'Delete 3 pictures?' });
  await confirmation.waitFor();
  assert.ok(await confirmation.getByRole('button', { name: 'Cancel' }).evaluate((each) => each === document.activeElement));
  await screenshot(page, 'guest-pictures-delete');
  await confirmation.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog', { name: '3 pictures deleted' }).getByRole('button', { name: 'Close' }).click();
  assert.equal([...service.state.pictures.values()].flat().length, 0);
  assert.equal(await page.getByRole('button', { name: 'Guest pictures' }).count(), 0);

  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'No pictures yet' }).waitFor();
  service.state.log.length = 0;
  await press();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
  await page.getByRole('heading', { name: 'No pictures yet' }).waitFor();
  // The page looks for the guest's pictures after it has shown the account's.
  while (!service.state.log.includes('GET /guest/images')) await page.waitForTimeout(20);
  assert.equal(await page.locator('dialog.question').count(), 0);
  await close();
});
