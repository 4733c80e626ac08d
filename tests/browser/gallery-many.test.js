// @ts-check
/**
 * The gallery in a real Chromium, with many generated pictures of a simulated API: searches, selections, groups by day, the
 * place in the list, zoom. It needs no running service.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

import { serve } from './many.js';
import { DESKTOP, PHONE, TIMEOUT_MS, accessibilityIssues, launch, overflow, screenshot } from './support.js';

/** @typedef {import('playwright-core').Page} Page */

/** @type {import('playwright-core').Browser} */
let browser;

before(async () => {
  browser = await launch();
});
after(() => browser?.close());

/** What pages of the same device have loaded, they share. @type {Map<string, Promise<import('playwright-core').BrowserContext>>} */
const contexts = new Map();

/** @param {import('playwright-core').BrowserContextOptions} device */
function contextOf(device) {
  const name = JSON.stringify(device);
  const context = contexts.get(name) ?? browser.newContext(device);
  contexts.set(name, context);
  return context;
}

/**
 * Opens the gallery of a simulated service, and fails if the page logs an error.
 * @param {import('node:test').TestContext} t
 * @param {object} [options]
 * @param {number} [options.pictures]
 * @param {import('playwright-core').BrowserContextOptions} [options.device]
 * @param {RegExp} [options.log] expected errors in the console
 */
async function gallery(t, { pictures = 300, device = DESKTOP, log } = {}) {
  const service = await serve(pictures);
  const page = await (await contextOf(device)).newPage();
  page.setDefaultTimeout(TIMEOUT_MS);
  /** @type {string[]} */
  const errors = [];
  page.on('console', (message) => void (message.type() === 'error' && !log?.test(message.text()) && errors.push(message.text())));
  page.on('pageerror', (error) => void errors.push(String(error.stack)));
  t.after(async () => {
    await page.close();
    service.close();
    assert.deepEqual(errors, []);
  });
  await page.goto(`${service.address}/gallery.html`);
  await page.locator('.tile').first().waitFor();
  return { page, service };
}

const tile = (/** @type {Page} */ page, /** @type {string} */ name) => page.locator('.tile').and(page.getByTitle(name, { exact: true }));
const tally = (/** @type {Page} */ page, /** @type {string | RegExp} */ text) => page.locator('#tally', { hasText: text }).waitFor();
const search = (/** @type {Page} */ page) => page.getByRole('combobox', { name: 'Search pictures' });
const terms = (/** @type {Page} */ page) => page.locator('.term').evaluateAll((all) => all.map((each) => (each.classList.contains('not') ? '-' : '') + each.querySelector('.term-value')?.textContent));
const selected = (/** @type {Page} */ page) => page.locator('.tile-item.selected .tile-name').allTextContents();

/**
 * Waits until the last list that the page has asked for has this query. The address changes before the request is sent.
 * @param {{ requests: string[] }} service
 * @param {RegExp} query
 */
async function asked(service, query) {
  for (const end = Date.now() + TIMEOUT_MS; !query.test(service.requests.at(-1) ?? '') && Date.now() < end; ) await pause(20);
  assert.match(service.requests.at(-1) ?? '', query);
}

/**
 * Where the picture and a box of it are on the screen.
 * @param {Page} page
 */
const geometry = (page) =>
  page.locator('#viewer .picture').evaluate((figure) => {
    // The most confident box is drawn last.
    const rect = (/** @type {string} */ selector) => [...figure.querySelectorAll(selector)].at(-1)?.getBoundingClientRect() ?? new DOMRect();
    const [image, box, frame] = [rect('.picture-content'), rect('.box'), rect('.picture-frame')];
    return { scale: image.width / frame.width, left: image.left, top: image.top, boxLeft: (box.left - image.left) / image.width, boxWidth: box.width / image.width };
  });

/** @param {Page} page */
async function openFirst(page) {
  await page.locator('.tile').first().click();
  await page.locator('#viewer .document').waitFor();
  await page.locator('#viewer .picture-image.loaded').waitFor();
}

test('words stay in the search field, and suggestions become chips of the same search', async (t) => {
  const { page, service } = await gallery(t);
  await tally(page, /^300 pictures/);
  await search(page).fill('dog -cat');
  await page.keyboard.press('Enter');
  await tally(page, /^\d+ pictures? for “dog” without “cat”/);
  assert.deepEqual([await search(page).inputValue(), await terms(page)], ['dog -cat', []]);
  assert.equal(new URL(page.url()).search, '?q=dog+-cat');

  // The text is selected, so what is typed next takes its place.
  await page.keyboard.type('xyzzy');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'No results' }).waitFor();
  await page.keyboard.type('dog');
  await page.keyboard.press('Enter');
  await tally(page, /^\d+ pictures? for “dog”/);
  await page.locator('.tile').first().focus();
  await search(page).click();
  await page.keyboard.type('dog -cat');
  await page.keyboard.press('Enter');
  await tally(page, /^\d+ pictures? for “dog” without “cat”/);

  // Another name of a label, by keyboard. The words before it stay.
  await search(page).fill('dog -cat autom');
  await page.getByRole('option', { name: 'Car also Automobile' }).waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await tally(page, 'with “Car” for “dog”');
  assert.deepEqual([await search(page).inputValue(), await terms(page)], ['dog -cat', ['Car']]);
  assert.equal(new URL(page.url()).search, '?label=Car&q=dog+-cat');
  await asked(service, /^\?label=Car&q=dog%20-cat&limit=100$/);
  assert.deepEqual(await accessibilityIssues(page), []);
  await screenshot(page, 'gallery-terms');

  // A chip is turned into its opposite, changed and removed.
  await page.getByRole('button', { name: 'Exclude Car (label)' }).press('Enter');
  await tally(page, 'without “Car” and “cat”');
  assert.ok(await page.evaluate(() => document.activeElement?.closest('.term')), 'the focus stays with the chips');
  // Also after something else of the search has changed.
  await page.getByLabel('Sort').selectOption('oldest');
  await page.getByRole('button', { name: 'Change Car' }).press('Enter');
  assert.equal(await search(page).inputValue(), 'dog -cat -Car');
  await page.keyboard.type('building');
  await page.keyboard.press('Enter');
  await tally(page, 'for “dog” and “building” without “cat”');
  // Without words, only the chips count; without chips, all pictures are shown.
  await page.getByRole('group', { name: 'Frequent labels' }).getByRole('button', { name: /^Car / }).click();
  await tally(page, 'with “Car” for “dog”');
  await search(page).fill('');
  await tally(page, /with “Car”(?! for)/);
  await search(page).press('Backspace');
  await tally(page, /^300 pictures/);
  assert.deepEqual([await search(page).inputValue(), await terms(page)], ['Car', []], 'the chip can be changed');
  await page.goBack();
  await tally(page, /with “Car”(?! for)/);
  assert.deepEqual([await search(page).inputValue(), await terms(page)], ['', ['Car']]);
  await page.getByRole('button', { name: 'Remove Car' }).click();
  await tally(page, /^300 pictures/);

  // Words count though nobody pressed Enter, and the clear button clears all.
  await search(page).fill('dog ');
  await page.keyboard.press('Escape');
  await page.getByRole('group', { name: 'Frequent labels' }).getByRole('button', { name: /^Car / }).click();
  await tally(page, 'with “Car” for “dog”');
  await page.getByRole('button', { name: 'Clear search' }).click();
  await tally(page, /^300 pictures/);

  // A frequent label joins a search.
  await page.getByRole('group', { name: 'Frequent labels' }).getByRole('button', { name: /^Dog / }).click();
  await page.getByRole('group', { name: 'Frequent labels' }).getByRole('button', { name: /^Car / }).click();
  await tally(page, 'with “Dog” and “Car”');
  assert.equal(await page.locator('.chip[aria-pressed="true"]').count(), 2);
});

test('a misspelt word leads to similar names', async (t) => {
  const { page } = await gallery(t);
  await search(page).fill('dgo car');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'No results' }).waitFor();
  const hint = page.locator('#did-you-mean');
  assert.equal((await hint.innerText()).trim(), 'Did you mean Dog instead of “dgo”?');
  assert.deepEqual(await accessibilityIssues(page), []);
  await hint.getByRole('button', { name: 'Dog' }).click();
  await tally(page, 'for “Dog” and “car”');
  await hint.waitFor({ state: 'hidden' });
});

test('pictures are sorted, filtered by date, and grouped by day below headings that stay', async (t) => {
  const { page, service } = await gallery(t, { pictures: 4000 });
  const headings = () => page.locator('.day-title').allTextContents();
  // One picture a minute, back from midnight in UTC.
  assert.match((await headings())[0] ?? '', /^\w+,? \d+ \w+ 20\d\d$/);
  await page.mouse.wheel(0, 3000);
  await page.waitForFunction(() => scrollY > 2000);
  const stuck = await page.evaluate(() => {
    const toolbar = document.querySelector('#toolbar')?.getBoundingClientRect().bottom ?? 0;
    return [...document.querySelectorAll('.day-title')].some((title) => Math.abs(title.getBoundingClientRect().top - toolbar) < 2);
  });
  assert.ok(stuck, 'a heading is at the toolbar');
  await screenshot(page, 'gallery-days');

  await page.getByLabel('Sort').selectOption('oldest');
  await tile(page, 'picture 4000.jpg').waitFor();
  await page.getByLabel('Sort').selectOption('taken');
  await page.locator('.tile').first().waitFor();
  await page.locator('.day-title', { hasText: /January 2026|December 2025/ }).first().waitFor();
  assert.equal(new URL(page.url()).search, '?sort=taken');
  assert.equal(await page.locator('#sort option[value="confidence"]').isDisabled(), true, 'without a label');

  await page.getByRole('button', { name: 'Filters' }).click();
  const filters = page.getByRole('group', { name: 'Filters' });
  await filters.getByRole('group', { name: 'Taken' }).getByLabel('To').fill('2024-05-21');
  await tally(page, /^\d+ pictures taken to \w+,? 21 May 2024/);
  await filters.getByRole('group', { name: 'Taken' }).getByLabel('From').fill('2024-05-21');
  await tally(page, /^\d+ pictures taken on \w+,? 21 May 2024/);
  assert.equal((await headings()).length, 1);
  assert.deepEqual(await accessibilityIssues(page), []);
  await filters.getByLabel('Colour').selectOption('Blue');
  await page.waitForURL(/color=Blue/);
  await asked(service, /color=Blue&from=2024-05-21&to=2024-05-21&sort=taken/);
  assert.deepEqual(await terms(page), ['Blue']);
});

test('pictures are selected with the mouse and the keyboard', async (t) => {
  const { page } = await gallery(t);
  await tile(page, 'picture 2.jpg').click({ modifiers: ['ControlOrMeta'] });
  await tile(page, 'picture 5.jpg').click({ modifiers: ['Shift'] });
  assert.deepEqual(await selected(page), [2, 3, 4, 5].map((n) => `picture ${n}.jpg`));
  const bar = page.getByRole('group', { name: 'Selected pictures' });
  await bar.getByText('4 selected').waitFor();
  // While pictures are selected, a click selects.
  await tile(page, 'picture 4.jpg').click();
  await page.getByRole('checkbox', { name: 'Select picture 9.jpg' }).click();
  assert.deepEqual(await selected(page), [2, 3, 5, 9].map((n) => `picture ${n}.jpg`));
  assert.deepEqual(await accessibilityIssues(page), []);
  await screenshot(page, 'gallery-selection');
  await page.keyboard.press('Escape');
  await bar.waitFor({ state: 'hidden' });

  await tile(page, 'picture 3.jpg').focus();
  await page.keyboard.press('Space');
  await page.keyboard.press('Shift+ArrowRight');
  await page.keyboard.press('Shift+ArrowRight');
  await page.keyboard.press('Shift+ArrowLeft');
  assert.deepEqual(await selected(page), ['picture 3.jpg', 'picture 4.jpg']);
  await page.keyboard.press('Control+a');
  await bar.getByText('300 selected').waitFor();
  await tally(page, '300 pictures');

  // All of them are deleted, and come back.
  await page.keyboard.press('Delete');
  await page.getByText('300 pictures are being deleted.').first().waitFor();
  await page.keyboard.press('Control+z');
  await tally(page, '300 pictures');
  await tile(page, 'picture 1.jpg').click();
  await page.locator('#viewer[open]').waitFor();
});

test('selected pictures are deleted together', async (t) => {
  const { page, service } = await gallery(t, { pictures: 12 });
  await page.getByRole('button', { name: 'Select', exact: true }).click();
  for (const n of [1, 2, 3]) await tile(page, `picture ${n}.jpg`).click();
  await page.getByRole('group', { name: 'Selected pictures' }).getByRole('button', { name: 'Delete' }).click();
  await tally(page, '9 pictures');
  // Leaving the page sends the requests.
  await page.goto(`${service.address}/upload.html`);
  await page.goto(`${service.address}/gallery.html`);
  await tally(page, /^9 pictures$/);
});

test('selected pictures are downloaded as an archive, as JSON Lines and as a table', async (t) => {
  const { page } = await gallery(t, { pictures: 12, log: /ERR_FAILED/ });
  await tile(page, 'picture 1.jpg').click({ modifiers: ['ControlOrMeta'] });
  await tile(page, 'picture 2.jpg').click({ modifiers: ['ControlOrMeta'] });
  const bar = page.getByRole('group', { name: 'Selected pictures' });
  const save = async (/** @type {string} */ name) => {
    const [file] = await Promise.all([page.waitForEvent('download'), bar.getByRole('button', { name, exact: true }).click()]);
    await bar.getByText('2 selected').waitFor();
    return { name: file.suggestedFilename(), bytes: readFileSync(await file.path()) };
  };
  const zip = await save('Download');
  assert.match(zip.name, /^sightline-\d{4}-\d\d-\d\d\.zip$/);
  for (const name of ['picture 1.jpg', 'picture 2.jpg']) assert.ok(zip.bytes.includes(name), name);
  assert.equal(zip.bytes.readUInt32LE(0), 0x04034b50);
  const lines = (await save('JSON Lines')).bytes.toString().trim().split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(lines.map(({ imageId }) => imageId), ['0', '1']);
  const csv = (await save('CSV')).bytes.toString();
  assert.match(csv, /^\uFEFFkey,filename,.*\r\nuploads\/000000\.jpg,picture 1\.jpg,succeeded,/);

  // What is missing is named.
  await page.route(/\/originals\/uploads\/000000/, (route) => route.abort());
  const [file] = await Promise.all([page.waitForEvent('download'), bar.getByRole('button', { name: 'Download', exact: true }).click()]);
  assert.ok(!readFileSync(await file.path()).includes('picture 1.jpg'));
  await page.getByRole('alert').getByText('picture 1.jpg could not be downloaded. The file has all others.').waitFor();
});

test('tiles are sharp, and nothing of a picture is cut off', async (t) => {
  const { page } = await gallery(t, { pictures: 12, device: { ...DESKTOP, deviceScaleFactor: 2 } });
  await page.locator('.tile-picture.loaded').first().waitFor();
  const image = await page.locator('img.tile-picture').first().evaluate((each) => {
    const { currentSrc, srcset, sizes, clientWidth } = /** @type {HTMLImageElement} */ (each);
    return { currentSrc, srcset, sizes, clientWidth, fit: getComputedStyle(each).objectFit };
  });
  assert.match(image.srcset, / 320w, .*size=large 1440w$/);
  assert.ok(parseInt(image.sizes, 10) <= image.clientWidth + 1);
  assert.ok(2 * image.clientWidth <= 2 * 320, 'as many pixels as the screen has');
  assert.equal(image.fit, 'contain');
});

test('the place in the list is kept: after the viewer, and after another page', async (t) => {
  const { page, service } = await gallery(t, { pictures: 2000 });
  await page.evaluate(async () => {
    while (scrollY < 9000) {
      scrollBy(0, 1500);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
  // Tiles follow a fast scroll a moment later.
  const place = async () => {
    const found = await page.waitForFunction(() => {
      const bottom = document.querySelector('#toolbar')?.getBoundingClientRect().bottom ?? 0;
      const first = [...document.querySelectorAll('.tile')].find((each) => each.getBoundingClientRect().top >= bottom);
      return first && { title: first.getAttribute('title'), top: Math.round(first.getBoundingClientRect().top) };
    });
    return /** @type {{ title: string | null, top: number }} */ (await found.jsonValue());
  };
  const before = await place();
  await tile(page, before.title ?? '').click();
  await page.locator('#viewer .document').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('#viewer[open]').waitFor({ state: 'detached' });
  assert.equal((await place()).title, before.title);

  const kept = await place();
  await page.goto(`${service.address}/upload.html`);
  await page.getByRole('heading', { name: 'See what is in your pictures' }).waitFor();
  await page.goBack();
  await tile(page, kept.title ?? '').waitFor();
  await page.waitForFunction(({ title, top }) => Math.abs((document.querySelector(`[title="${title}"]`)?.getBoundingClientRect().top ?? 0) - top) < 3, kept);

  // Another search begins at its beginning. Going back leads to the place in the former search.
  await search(page).fill('dog');
  await page.keyboard.press('Enter');
  await tally(page, 'for “dog”');
  assert.equal(await page.evaluate(() => scrollY), 0);
  await page.goBack();
  await tile(page, kept.title ?? '').waitFor();
  await page.waitForFunction(({ title, top }) => Math.abs((document.querySelector(`[title="${title}"]`)?.getBoundingClientRect().top ?? 0) - top) < 60, kept);
});

test('the end of the list is one key away, and the total is shown before', async (t) => {
  const { page, service } = await gallery(t, { pictures: 1500 });
  await tally(page, '1500 pictures, ');
  service.state.pageMs = 30;
  await page.locator('.tile').first().focus();
  await page.keyboard.press('End');
  await page.getByRole('progressbar', { name: 'Loading all pictures' }).waitFor();
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.getByRole('button', { name: 'Stop' }).waitFor({ state: 'hidden' });
  assert.match((await page.locator('#tally').textContent()) ?? '', /^1500 pictures, \d+ loaded$/);
  service.state.pageMs = 0;
  await page.keyboard.press('End');
  await tile(page, 'picture 1500.jpg').and(page.locator(':focus')).waitFor();
  await tally(page, /^1500 pictures$/);
  assert.ok((await page.locator('.tile').count()) < 150);
});

test('a picture is zoomed with the wheel, keys, buttons and a double click, and its boxes stay on their subject', async (t) => {
  const { page } = await gallery(t, { pictures: 12 });
  await openFirst(page);
  const fitted = await geometry(page);
  assert.equal(fitted.scale, 1);
  const area = (await page.locator('#viewer .picture-frame').boundingBox()) ?? assert.fail('no picture');
  const middle = { x: area.x + area.width / 2, y: area.y + area.height / 2 };
  await page.mouse.move(middle.x, middle.y);
  await page.mouse.wheel(0, -300);
  await page.waitForFunction(() => document.querySelector('#viewer .picture.zoomed'));
  const wheeled = await geometry(page);
  assert.ok(wheeled.scale > 1.2, String(wheeled.scale));
  for (const [name, least] of /** @type {const} */ ([['boxLeft', 0.125], ['boxWidth', 0.25]])) assert.ok(Math.abs(wheeled[name] - least) < 0.01, `${name} ${wheeled[name]}`);

  // Drag.
  await page.mouse.down();
  await page.mouse.move(middle.x + 60, middle.y + 20, { steps: 3 });
  await page.mouse.up();
  const dragged = await geometry(page);
  assert.ok(dragged.left > wheeled.left + 10, 'the picture moves with the pointer');
  assert.ok(Math.abs(dragged.boxLeft - 0.125) < 0.01);

  // Keys.
  await page.keyboard.press('0');
  assert.deepEqual(await geometry(page), fitted);
  await page.keyboard.press('+');
  const keyed = await geometry(page);
  assert.equal(keyed.scale, 1.5);
  await page.keyboard.press('-');
  assert.equal((await geometry(page)).scale, 1);

  // Buttons, and the arrow keys while one of them has the focus.
  const zoom = page.locator('#viewer').getByRole('group', { name: 'Zoom' });
  await zoom.getByRole('button', { name: 'Zoom in' }).click();
  await zoom.getByRole('button', { name: 'Zoom in' }).click();
  const pressed = await geometry(page);
  await page.keyboard.press('ArrowRight');
  assert.ok((await geometry(page)).left < pressed.left);
  assert.equal(await page.locator('#viewer-title').innerText(), 'picture 1.jpg', 'the picture is still the same');
  assert.deepEqual(await accessibilityIssues(page), []);
  await screenshot(page, 'viewer-zoomed');
  await zoom.getByRole('button', { name: 'Fit the picture' }).click();

  await page.mouse.dblclick(middle.x, middle.y);
  assert.equal((await geometry(page)).scale, 2.5);
  await page.mouse.dblclick(middle.x, middle.y);
  assert.equal((await geometry(page)).scale, 1);
  await page.mouse.move(0, 0);

  // The next picture is not zoomed.
  await page.keyboard.press('+');
  await page.locator('#viewer').focus();
  await page.keyboard.press('ArrowRight');
  await page.locator('#viewer-title', { hasText: 'picture 2.jpg' }).waitFor();
  assert.equal((await geometry(page)).scale, 1);
});

test('a clicked box stays lit, and one of several boxes can be lit', async (t) => {
  const { page } = await gallery(t, { pictures: 12 });
  await openFirst(page);
  const lit = page.locator('#viewer .picture-overlay .box.highlighted');
  const area = (await page.locator('#viewer .picture-frame').boundingBox()) ?? assert.fail('no picture');
  await page.mouse.click(area.x + area.width * 0.25, area.y + area.height * 0.5);
  await page.mouse.move(0, 0);
  assert.equal(await lit.count(), 1, 'it stays lit without the pointer');
  // What lies over the picture keeps the pointer from the boxes below it.
  const pointAt = (/** @type {string} */ selector) =>
    page.locator(selector).first().evaluate((element, [x, y]) => void element.dispatchEvent(new PointerEvent('pointermove', { bubbles: true, clientX: x, clientY: y })), [area.x + area.width * 0.75, area.y + area.height * 0.5]);
  await pointAt('#viewer .picture-content');
  assert.ok((await lit.getAttribute('d'))?.startsWith('M0.625'), 'the second box is below the pointer');
  for (const control of ['.zoom-controls', '.zoom-controls button:enabled', '.zoom-controls button:disabled svg']) {
    await pointAt(`#viewer ${control}`);
    assert.ok((await lit.getAttribute('d'))?.startsWith('M0.125'), control);
  }
  const boxes = page.locator('#viewer .label-instances').first();
  const [first, second] = [boxes.getByRole('button', { name: /^Box 1 / }), boxes.getByRole('button', { name: /^Box 2 / })];
  assert.equal(await first.getAttribute('aria-pressed'), 'true');
  await second.press('Enter');
  assert.equal(await lit.count(), 1);
  assert.ok((await lit.getAttribute('d'))?.startsWith('M0.625'));
  assert.deepEqual([await first.getAttribute('aria-pressed'), await second.getAttribute('aria-pressed')], ['false', 'true']);
  await second.press('Enter');
  await page.locator('#viewer').focus();
  assert.equal(await lit.count(), 0);
  // The label's row lights all of them. Its percentage is explained once.
  await page.locator('#viewer .label-body').first().hover();
  assert.equal(await lit.count(), 2);
  assert.equal(await page.locator('#viewer .confidence-note').count(), 1);
  assert.ok(!/%/.test((await page.locator('#viewer .tag').first().textContent()) ?? ''), 'a tag has no percentage of its own');
});

test('on a phone: pinch, double tap, swipe to the next picture, a tapped box, and a long press', async (t) => {
  const { page } = await gallery(t, { pictures: 12, device: { ...PHONE, reducedMotion: 'reduce' } });
  const devtools = await page.context().newCDPSession(page);
  const touch = (/** @type {'touchStart' | 'touchMove' | 'touchEnd'} */ type, /** @type {[number, number][]} */ ...points) =>
    devtools.send('Input.dispatchTouchEvent', { type, touchPoints: points.map(([x, y], id) => ({ x, y, id })) });

  // A long press selects; then a tap does.
  const first = (await tile(page, 'picture 1.jpg').boundingBox()) ?? assert.fail('no tile');
  await touch('touchStart', [first.x + 40, first.y + 40]);
  await page.locator('.tile-item.selected').waitFor();
  await touch('touchEnd');
  await tile(page, 'picture 2.jpg').tap();
  assert.deepEqual(await selected(page), ['picture 1.jpg', 'picture 2.jpg']);
  assert.equal(await overflow(page), 0);
  assert.deepEqual(await accessibilityIssues(page), []);
  await screenshot(page, 'gallery-phone-selection');
  await page.getByRole('button', { name: 'Clear the selection' }).tap();

  await tile(page, 'picture 1.jpg').tap();
  await page.locator('#viewer .document').waitFor();
  await page.locator('#viewer .picture-image.loaded').waitFor();
  const area = (await page.locator('#viewer .picture-frame').boundingBox()) ?? assert.fail('no picture');
  const at = (/** @type {number} */ x, /** @type {number} */ y = 0.5) => /** @type {[number, number]} */ ([area.x + area.width * x, area.y + area.height * y]);
  const lit = page.locator('#viewer .picture-overlay .box.highlighted');
  await page.touchscreen.tap(...at(0.25));
  assert.equal(await lit.count(), 1, 'a tapped box stays lit');
  await page.touchscreen.tap(...at(0.5, 0.1));
  assert.equal(await lit.count(), 0);

  const pinch = async (/** @type {number} */ from, /** @type {number} */ to) => {
    await touch('touchStart', at(0.5 - from), at(0.5 + from));
    for (let step = 1; step <= 4; step += 1) {
      const spread = from + ((to - from) * step) / 4;
      await touch('touchMove', at(0.5 - spread), at(0.5 + spread));
    }
    await touch('touchEnd');
  };
  await pinch(0.1, 0.3);
  const pinched = await geometry(page);
  assert.ok(pinched.scale > 2.5 && pinched.scale < 3.5, String(pinched.scale));
  assert.ok(Math.abs(pinched.boxLeft - 0.125) < 0.01);
  await screenshot(page, 'viewer-phone-zoomed');
  const swipe = async (/** @type {number} */ from, /** @type {number} */ to) => {
    await touch('touchStart', at(from));
    for (let step = 1; step <= 4; step += 1) await touch('touchMove', at(from + ((to - from) * step) / 4));
    await touch('touchEnd');
  };
  await swipe(0.8, 0.2);
  assert.equal(await page.locator('#viewer-title').innerText(), 'picture 1.jpg', 'a zoomed picture is moved');
  assert.ok((await geometry(page)).left < pinched.left);
  await pinch(0.4, 0.05);
  assert.equal((await geometry(page)).scale, 1);
  await swipe(0.8, 0.2);
  await page.locator('#viewer-title', { hasText: 'picture 2.jpg' }).waitFor();
  await swipe(0.2, 0.8);
  await page.locator('#viewer-title', { hasText: 'picture 1.jpg' }).waitFor();
  await page.locator('#viewer .picture-image.loaded').waitFor();
  await page.waitForTimeout(400);
  await page.touchscreen.tap(...at(0.5, 0.1));
  await page.touchscreen.tap(...at(0.5, 0.1));
  assert.equal((await geometry(page)).scale, 2.5);
  assert.deepEqual(await accessibilityIssues(page), []);
});

test('the tree of the JSON has targets that a finger can hit', async (t) => {
  const { page } = await gallery(t, { pictures: 3, device: PHONE });
  await tile(page, 'picture 1.jpg').tap();
  await page.locator('#viewer').getByText('Raw JSON', { exact: true }).tap();
  await page.locator('.json-branch').first().waitFor();
  const sizes = await page.locator('.json-branch > summary').evaluateAll((all) => all.filter((each) => each.checkVisibility()).map((each) => each.getBoundingClientRect().height));
  assert.ok(sizes.length > 2 && sizes.every((height) => height >= 24), sizes.join());
  assert.deepEqual(await accessibilityIssues(page), []);
});
