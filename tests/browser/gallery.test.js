// @ts-check
/** The gallery in a real Chromium, against a running service without other pictures. See README.md. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { serve } from './many.js';
import { API, DESKTOP, PHONE, TIMEOUT_MS, accessibilityIssues, choose, launch, open, overflow, picture, row, screenshot, select } from './support.js';

/**
 * @typedef {import('playwright-core').Page} Page
 * @typedef {import('../../frontend/js/shared/api-types.js').ImageRow} ImageRow
 */

const PICTURES = ['astronaut.png', 'motorcycle_left.png', 'chelsea.png', 'coffee.png', 'rocket.jpg'];
/** A label that each of these pictures has. */
const LABELLED = [
  ['Person', 'astronaut.png'],
  ['Motorcycle', 'motorcycle_left.png'],
];

/** Text as DetectText returns it for a sign that hangs aslant; the values are invented. */
const SLANTED = {
  TextDetections: [
    {
      DetectedText: 'EXIT',
      Type: 'LINE',
      Confidence: 98,
      Geometry: {
        BoundingBox: { Left: 0.2, Top: 0.6, Width: 0.62, Height: 0.2 },
        Polygon: [{ X: 0.2, Y: 0.7 }, { X: 0.8, Y: 0.6 }, { X: 0.82, Y: 0.7 }, { X: 0.22, Y: 0.8 }],
      },
    },
  ],
};

/** A response of DetectFaces with every attribute, from the golden files of the crate `rekognition-model`; its values are invented. */
const goldenFaces = () =>
  /** @type {NonNullable<import('../../frontend/js/shared/api-types.js').RekognitionResponses['detectFaces']>} */ (
    JSON.parse(readFileSync(new URL('../../crates/rekognition-model/tests/golden/detectFaces.response.json', import.meta.url), 'utf8'))
  );

/** The time to undo a deletion, in milliseconds. */
const UNDO_MS = 8_000;

/** @type {import('playwright-core').Browser} */
let browser;

/**
 * @param {string} path
 * @returns {Promise<any>}
 */
const getJson = async (path) => (await fetch(`${API}${path}`)).json();
const rows = async (query = '') => /** @type {ImageRow[]} */ ((await getJson(`/images${query}`)).images);
const keyOf = async (/** @type {string} */ name) => (await rows()).find(({ filename }) => filename === name)?.key ?? '';

/**
 * @param {import('playwright-core').BrowserContextOptions} [options]
 * @param {Parameters<typeof open>[2]} [expect]
 */
const gallery = (options = DESKTOP, expect = {}) => open(browser, options, { path: '/gallery.html', ready: '.tile', ...expect });

const tile = (/** @type {Page} */ page, /** @type {string} */ name) => page.locator('.tile').and(page.getByTitle(name, { exact: true }));
/** The confidence of a picture's most certain label, which need not be the first. @param {Pick<ImageRow, 'labels'>} row */
const best = ({ labels }) => labels.reduce((most, { confidence }) => Math.max(most, confidence), 0);
const names = (/** @type {Page} */ page) => page.locator('.tile .tile-name').allTextContents();
const boxes = (/** @type {Page} */ page) => page.locator('#viewer .picture-overlay .box');

/**
 * Waits until exactly these pictures are shown, in any order.
 * @param {Page} page
 * @param {readonly string[]} wanted
 */
async function showsOnly(page, wanted) {
  await page.waitForFunction(
    (all) => JSON.stringify([...document.querySelectorAll('.tile .tile-name')].map((each) => each.textContent).sort()) === JSON.stringify(all),
    [...wanted].sort(),
    { timeout: TIMEOUT_MS },
  );
}

/**
 * @param {Page} page
 * @param {string} id
 * @param {number} value
 */
const slide = (page, id, value) =>
  page.locator(id).evaluate((range, to) => {
    if (!(range instanceof HTMLInputElement)) return;
    range.value = String(to);
    range.dispatchEvent(new Event('input'));
  }, value);

/**
 * Opens a picture and waits for its results.
 * @param {Page} page
 * @param {string} name
 */
async function openPicture(page, name) {
  await tile(page, name).click();
  await page.locator('#viewer').getByRole('heading', { name, exact: true }).waitFor();
  await page.locator('#viewer .document').waitFor();
  await page.locator('#viewer .picture-image.loaded').waitFor({ state: 'attached' });
}

before(async () => {
  browser = await launch();
  // The pictures are uploaded through the upload page, as a person does it.
  const { page, close } = await open(browser);
  await choose(page, PICTURES.map(picture));
  for (const name of PICTURES) await row(page, name).and(page.locator('[data-state="done"]')).waitFor();
  await page.getByRole('link', { name: 'Gallery', exact: true }).click();
  await showsOnly(page, PICTURES);
  await close();
});
after(() => browser?.close());

test('pictures are found by their labels and categories', async () => {
  const { page, close } = await gallery();
  await showsOnly(page, PICTURES);
  const search = page.getByRole('combobox', { name: 'Search pictures' });
  for (const [label = '', name = ''] of LABELLED) {
    await search.fill(label.slice(0, 4).toLowerCase());
    await page.getByRole('option', { name: new RegExp(`^${label} \\d+`) }).click();
    await showsOnly(page, (await rows(`?label=${label}`)).map(({ filename = '' }) => filename));
    assert.ok((await names(page)).includes(name));
    assert.equal(new URL(page.url()).search, `?label=${label}`);
    assert.match((await page.locator('#tally').textContent()) ?? '', new RegExp(`^\\d pictures? with “${label}”$`));
    const confidence = (await rows(`?label=${label}`)).find(({ filename }) => filename === name)?.confidence ?? 0;
    assert.equal(await tile(page, name).locator('.tile-badge').textContent(), `${label} ${Math.floor(confidence)}%`);
    await page.getByRole('button', { name: 'Clear search' }).click();
    await showsOnly(page, PICTURES);
  }

  // A search for a label or category finds as many pictures as its count says.
  const { labels, categories } = await getJson('/labels');
  assert.ok(labels.length > 5 && categories.length > 0);
  for (const [kind, { name, images }] of [...labels.slice(0, 2).map((/** @type {any} */ each) => ['label', each]), ...categories.slice(0, 1).map((/** @type {any} */ each) => ['category', each])]) {
    await page.goto(`${API}/gallery.html?${kind}=${encodeURIComponent(name)}`);
    await page.locator('.tile').first().waitFor();
    assert.equal((await names(page)).length, images, `${kind} ${name}`);
  }

  // A category by keyboard, then all pictures again.
  await page.getByRole('button', { name: 'Clear search' }).click();
  await showsOnly(page, PICTURES);
  await search.fill('vehic');
  const category = page.getByRole('group', { name: 'Categories' }).getByRole('option').first();
  const chosen = (await category.locator('.suggestion-name').textContent()) ?? '';
  const options = await page.getByRole('option').count();
  for (let at = 0; at < options && (await category.getAttribute('aria-selected')) !== 'true'; at += 1) await page.keyboard.press('ArrowDown');
  assert.equal(await search.getAttribute('aria-activedescendant'), await category.getAttribute('id'));
  await page.keyboard.press('Enter');
  await showsOnly(page, (await rows(`?category=${encodeURIComponent(chosen)}`)).map(({ filename = '' }) => filename));
  assert.deepEqual(await page.locator('.term-value').allTextContents(), [chosen]);
  await page.getByRole('button', { name: 'Clear search' }).click();
  await showsOnly(page, PICTURES);
  await page.goBack();
  await page.locator('#tally', { hasText: `in “${chosen}”` }).waitFor();

  await search.fill('no such thing');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'No results' }).waitFor();
  assert.equal(await search.inputValue(), 'no such thing', 'the words stay');
  await page.getByRole('button', { name: 'Show all pictures' }).click();
  await showsOnly(page, PICTURES);
  const chip = page.getByRole('group', { name: 'Frequent labels' }).getByRole('button').first();
  const [name] = ((await chip.textContent()) ?? '').split(/ \d/);
  await chip.click();
  await page.locator('#tally', { hasText: `with “${name}”` }).waitFor();
  await close();
});

test('the confidence slider filters the pictures, and the address keeps it', async () => {
  const { page, close } = await gallery();
  const all = await rows();
  const requests = /** @type {string[]} */ ([]);
  page.on('request', (request) => void (new URL(request.url()).pathname === '/images' && requests.push(request.url())));
  for (const least of [60, 75, 90, 97]) {
    await slide(page, '#min-confidence', least);
    const wanted = all.filter((each) => best(each) >= least).map(({ filename = '' }) => filename);
    if (wanted.length > 0) await showsOnly(page, wanted);
    else await page.getByRole('heading', { name: 'No results at this confidence' }).waitFor();
  }
  assert.deepEqual(requests, [], 'nothing is loaded again');
  await page.waitForURL(/confidence=97/);
  await slide(page, '#min-confidence', 0);
  await showsOnly(page, PICTURES);

  // Captions name only labels that pass the filter.
  const [labelled] = all.filter(({ labels }) => labels.length > 1);
  assert.ok(labelled?.filename);
  const least = Math.floor(best(labelled));
  await slide(page, '#min-confidence', least);
  const left = labelled.labels.filter(({ confidence }) => confidence >= least).map(({ name }) => name);
  const caption = (await tile(page, labelled.filename).locator('.tile-labels').innerText()).replace(/ \+ \d+$/, '').split(', ');
  assert.ok(caption.length > 0 && caption.every((name) => left.includes(name)), `${caption} of ${left}`);

  await page.goto(`${API}/gallery.html?label=person&confidence=80`);
  await showsOnly(page, (await rows('?label=Person&minConfidence=80')).map(({ filename = '' }) => filename));
  assert.equal(await page.locator('#min-confidence').inputValue(), '80');
  assert.equal(await page.locator('#min-confidence-value').innerText(), '80%');
  await close();
});

test('the viewer shows boxes with a switch per label, colours and the result document', async () => {
  const { page, close } = await gallery();
  await openPicture(page, 'motorcycle_left.png');
  const document = await getJson(`/results/${await keyOf('motorcycle_left.png')}`);
  const labels = document.rekognition.detectLabels.Labels;
  const boxCount = (/** @type {any} */ { Instances = [] }) => Instances.length;
  const total = labels.reduce((/** @type {number} */ sum, /** @type {any} */ label) => sum + boxCount(label), 0);
  const motorcycle = boxCount(labels.find((/** @type {any} */ { Name }) => Name === 'Motorcycle'));
  assert.ok(motorcycle > 0);
  assert.equal(await boxes(page).count(), total);

  const toggle = page.locator('#viewer').getByRole('checkbox', { name: /^Motorcycle/ });
  await toggle.uncheck();
  assert.equal(await boxes(page).count(), total - motorcycle);
  assert.equal(await page.locator('#viewer .tag', { hasText: 'Motorcycle' }).count(), 0);
  await page.keyboard.press('Space');
  assert.equal(await boxes(page).count(), total, 'the keyboard works too');
  assert.equal(await page.locator('#viewer .picture-frame.highlighting .box.highlighted').count(), motorcycle);
  const all = page.getByRole('switch', { name: 'Boxes for labels' });
  await all.uncheck();
  assert.equal(await boxes(page).count(), 0);
  await all.check();

  // The viewer's slider and the gallery's have the same value.
  await slide(page, '#findings-min-confidence', 99);
  await page.waitForURL(/confidence=99/);
  assert.equal(await boxes(page).count(), labels.filter((/** @type {any} */ { Confidence }) => Confidence >= 99).reduce((/** @type {number} */ sum, /** @type {any} */ label) => sum + boxCount(label), 0));
  assert.equal(await page.locator('#min-confidence').inputValue(), '99');
  await slide(page, '#findings-min-confidence', 0);
  assert.equal(await boxes(page).count(), total);

  const hexes = await page.locator('#viewer .colour-region').first().locator('code').allTextContents();
  assert.deepEqual(hexes, document.rekognition.detectLabels.ImageProperties.DominantColors.map((/** @type {any} */ { HexCode }) => HexCode.toUpperCase()));
  await page.locator('#viewer').getByText('Raw JSON', { exact: true }).click();
  await page.locator('#viewer').getByText('"schemaVersion"').waitFor();
  const [json] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download JSON' }).click()]);
  assert.deepEqual(JSON.parse(readFileSync(await json.path(), 'utf8')), document);
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download picture' }).click()]);
  assert.equal(file.suggestedFilename(), 'motorcycle_left.png');
  assert.ok(readFileSync(await file.path()).equals(readFileSync(picture('motorcycle_left.png'))), 'the download has the original bytes');
  const address = (await page.getByRole('link', { name: 'Open JSON in a new tab' }).getAttribute('href')) ?? '';
  assert.equal((await (await fetch(address)).json()).imageId, document.imageId);

  // Nothing beside the picture overflows.
  for (const width of [1280, 1024, 830, 390]) {
    await page.setViewportSize({ width, height: 768 });
    assert.equal(await page.locator('.viewer-side').evaluate((side) => side.scrollWidth - side.clientWidth), 0, String(width));
  }
  await close();
});

test('the slider in the viewer keeps the picture, its neighbours and the filter', async () => {
  const { page, close } = await gallery();
  // With fewer labels there is no slider.
  const weak = (await rows()).filter(({ labels }) => labels.length > 2).reduce((a, b) => (best(b) < best(a) ? b : a));
  const least = Math.floor(best(weak)) + 1;
  const stay = (await rows()).filter((each) => best(each) >= least).length;
  assert.ok(weak.filename && stay > 0 && least < 100);

  await openPicture(page, weak.filename);
  await slide(page, '#findings-min-confidence', least);
  const position = page.locator('#viewer .stepper-position');
  assert.match(await position.innerText(), new RegExp(`^\\d of ${stay + 1}$`));
  const key = (await page.getByRole('button', { name: 'Next picture' }).isEnabled()) ? 'ArrowRight' : 'ArrowLeft';
  await page.keyboard.press(key);
  await page.locator('#viewer-title').filter({ hasNotText: weak.filename }).waitFor();
  assert.match(await position.innerText(), new RegExp(`^\\d of ${stay}$`));

  await page.goBack();
  await openPicture(page, (await names(page))[0] ?? '');
  await slide(page, '#findings-min-confidence', 0);
  await page.locator('#viewer .stepper-position', { hasText: `of ${PICTURES.length}` }).waitFor();
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => location.hash === '' && location.search === '');
  await showsOnly(page, PICTURES);

  // If the filter hides the picture, a neighbour has the focus after the viewer closes.
  await openPicture(page, weak.filename);
  await slide(page, '#findings-min-confidence', least);
  await page.keyboard.press('Escape');
  await page.waitForFunction((wanted) => location.hash === '' && location.search === `?confidence=${wanted}`, least);
  assert.equal(await page.locator('#min-confidence').inputValue(), String(least));
  assert.equal((await names(page)).length, stay);
  await page.locator('.tile:focus').waitFor();
  await close();
});

test('the viewer shows errors and can try again', async () => {
  const { page, close } = await gallery(DESKTOP, { own: true, log: /Failed to load resource/, missing: /\/images\/uploads/ });
  const viewer = page.locator('#viewer');
  const details = /\/images\/uploads/;
  await page.route(details, (route) => route.fulfill({ status: 503, json: { detail: 'the index is busy' } }));
  await tile(page, 'astronaut.png').click();
  await viewer.getByText('The index is busy. Try again in a moment.').waitFor();
  await page.unroute(details);
  await viewer.getByRole('button', { name: 'Try again' }).press('Enter');
  await viewer.locator('.document').waitFor();
  assert.ok(await page.evaluate(() => document.activeElement?.closest('dialog')), 'the focus stays in the viewer');
  assert.equal(await page.title(), 'astronaut.png – Sightline');

  // A failed download opens no new tab.
  const download = viewer.getByRole('button', { name: 'Download picture' });
  const bucket = (/** @type {URL} */ url) => url.searchParams.has('X-Amz-Signature');
  await page.route(bucket, (route) => route.fulfill({ status: 503, headers: { 'access-control-allow-origin': '*' } }));
  await download.click();
  await viewer.getByRole('alert').getByText('astronaut.png could not be downloaded. The bucket rejected the download. It returned HTTP 503. Try again in a moment.').waitFor();
  await page.unroute(bucket);
  await viewer.getByRole('button', { name: 'Dismiss' }).press('Enter');
  await page.locator('#viewer:focus').waitFor();
  await page.context().setOffline(true);
  await download.click();
  await viewer.getByRole('alert').getByText('There is no network connection.').waitFor();
  await page.context().setOffline(false);
  assert.equal(page.context().pages().length, 1);
  await page.keyboard.press('Escape');
  await page.getByRole('main').getByRole('button', { name: 'Dismiss' }).click();

  // The results of a picture that is being analysed appear when they are ready.
  let ready = false;
  await page.route(details, (route) => (ready ? route.fallback() : route.fulfill({ status: 404, json: {} })));
  await page.route(/\/results\/uploads/, (route) => (ready ? route.fallback() : route.fulfill({ status: 202 })));
  await tile(page, 'coffee.png').click();
  await viewer.getByRole('heading', { name: 'Analysis in progress' }).waitFor();
  ready = true;
  await viewer.locator('.document').waitFor();
  await page.keyboard.press('Escape');

  // A dropped picture does not replace the page.
  const prevented = await page.evaluate(() => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File(['x'], 'x.png', { type: 'image/png' }));
    return !document.body.dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer }));
  });
  assert.ok(prevented);
  await page.getByRole('alert').getByText('Drop them on the Upload page.').waitFor();
  await close();
});

test('keys move between pictures, and an address opens one', async () => {
  const { page, close } = await gallery(DESKTOP, { missing: /uploads\/00000000/, log: /404/ });
  const order = await names(page);
  const title = page.locator('#viewer-title');
  const is = (/** @type {string | undefined} */ name) => title.filter({ hasText: name ?? 'missing' }).waitFor();
  await page.locator('.tile').first().focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await is(order[1]);
  await page.keyboard.press('ArrowRight');
  await is(order[2]);
  assert.equal(await page.locator('#viewer .stepper-position').innerText(), `3 of ${order.length}`);
  await page.keyboard.press('End');
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await is(order[0]);
  await page.keyboard.press('ArrowLeft');
  await is(order[0]);
  await page.keyboard.press('ArrowRight');
  await is(order[1]);
  assert.ok(page.url().endsWith(`#${await keyOf(order[1] ?? '')}`));
  await page.locator('#viewer .document').waitFor();

  await page.keyboard.press('Escape');
  await page.locator('#viewer[open]').waitFor({ state: 'detached' });
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('title')), order[1], 'the focus is on the picture that was open');
  await page.waitForFunction(() => location.hash === '');
  await page.goForward();
  await is(order[1]);
  await page.goBack();
  await page.locator('#viewer[open]').waitFor({ state: 'detached' });

  // A shared address.
  await page.goto('about:blank');
  await page.goto(`${API}/gallery.html#${await keyOf('astronaut.png')}`);
  await is('astronaut.png');
  await page.getByRole('button', { name: 'Close' }).click();
  await showsOnly(page, PICTURES);
  await page.goto('about:blank');
  await page.goto(`${API}/gallery.html#uploads/00000000-0000-4000-8000-000000000000.jpg`);
  await page.getByRole('heading', { name: 'Picture not found' }).waitFor();
  await close();
});

test('the gallery works with the keyboard alone', async () => {
  const { page, close } = await gallery();
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.id ?? '');
  const title = () => page.evaluate(() => document.activeElement?.getAttribute('title'));
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Skip to the pictures');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  const order = await names(page);
  assert.equal(await focused(), 'select');
  await page.keyboard.press('Tab');
  assert.equal(await title(), order[0]);
  await page.keyboard.press('End');
  assert.equal(await title(), order.at(-1));
  await page.keyboard.press('Home');
  await page.keyboard.press('Tab');
  assert.ok(!(await page.evaluate(() => document.activeElement?.classList.contains('tile'))), 'the grid is one tab stop');
  await page.keyboard.press('/');
  assert.equal(await focused(), 'search');
  await page.keyboard.type('pers');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.locator('#tally', { hasText: 'with “Person”' }).waitFor();
  await page.keyboard.press('Escape');
  await showsOnly(page, PICTURES);
  // The button opens the panel of filters; Escape closes it and leads back.
  const button = page.getByRole('button', { name: /^Filters/ });
  await button.press('Enter');
  assert.equal(await button.getAttribute('aria-expanded'), 'true');
  await page.locator('#min-confidence').focus();
  await page.keyboard.press('End');
  assert.equal(await page.locator('#min-confidence-value').innerText(), '99%');
  await page.getByRole('button', { name: 'Filters 1 in use' }).waitFor();
  await page.keyboard.press('Home');
  await showsOnly(page, PICTURES);
  await page.keyboard.press('Escape');
  assert.equal(await focused(), 'filters-button');
  assert.equal(await button.getAttribute('aria-expanded'), 'false');
  assert.equal(await page.locator('#filters').isVisible(), false);

  // This picture has findings.
  await tile(page, 'astronaut.png').focus();
  await page.keyboard.press('Enter');
  await page.locator('#viewer .document').waitFor();
  /** @type {Set<string>} */
  const reached = new Set();
  for (let tabs = 0; tabs < 60; tabs += 1) {
    await page.keyboard.press('Tab');
    reached.add(await focused());
  }
  assert.ok(reached.has('Next picture') || reached.has('Previous picture'), [...reached].join());
  for (const name of ['Download picture', 'Delete picture', 'Close', 'findings-min-confidence', 'Copy JSON']) assert.ok(reached.has(name), `${name}: ${[...reached]}`);
  assert.ok(!reached.has('search'), 'the focus stays in the viewer');
  await close();
});

test('a deletion can be undone', async () => {
  const { page, close } = await gallery();
  /** @type {string[]} */
  const sent = [];
  page.on('request', (request) => void (request.method() === 'DELETE' && sent.push(request.url())));
  const key = await keyOf('rocket.jpg');
  await tile(page, 'rocket.jpg').focus();
  await page.keyboard.press('Delete');
  await showsOnly(page, PICTURES.filter((name) => name !== 'rocket.jpg'));
  await page.getByText('rocket.jpg is being deleted.').first().waitFor();
  assert.equal(await page.locator('#tally').textContent(), `${PICTURES.length - 1} pictures`);
  assert.ok(await page.evaluate(() => document.activeElement?.classList.contains('tile')), 'the focus moves to another picture');
  await page.getByRole('button', { name: 'Undo' }).click();
  await showsOnly(page, PICTURES);
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('title')), 'rocket.jpg');

  // Two deletions from the viewer, undone with the keyboard.
  await openPicture(page, 'rocket.jpg');
  await page.getByRole('button', { name: 'Delete picture' }).click();
  await page.locator('#viewer-title:not(:text-is("rocket.jpg"))').waitFor();
  await page.keyboard.press('Delete');
  await page.getByText('2 pictures are being deleted.').waitFor();
  await page.keyboard.press('Control+z');
  await page.locator('#viewer .undo').waitFor({ state: 'hidden' });
  await page.keyboard.press('Escape');
  await showsOnly(page, PICTURES);
  assert.deepEqual(sent, [], 'no request was sent');
  assert.equal((await fetch(`${API}/images/${key}`)).status, 200);
  await close();
});

test('a rejected deletion restores the picture and says why', async () => {
  const { page, close } = await gallery(DESKTOP, { log: /503/, own: true, before: (page) => page.clock.install() });
  await page.route(/\/images\/uploads/, (route) =>
    route.request().method() === 'DELETE' ? route.fulfill({ status: 503, json: { title: 'Busy', detail: 'the bucket is busy' } }) : route.continue(),
  );
  await tile(page, 'coffee.png').focus();
  await page.keyboard.press('Delete');
  await openPicture(page, 'chelsea.png');
  await page.clock.fastForward(UNDO_MS);
  // The notice appears in the viewer, which is open now.
  await page.locator('#viewer').getByRole('alert').getByText('coffee.png could not be deleted. The API failed. The bucket is busy.').waitFor();
  assert.deepEqual(await accessibilityIssues(page), []);
  await page.keyboard.press('Escape');
  await page.getByRole('main').getByRole('alert').getByText('coffee.png could not be deleted.').waitFor();
  await showsOnly(page, PICTURES);
  await close();
});

test('the page says why there are no pictures', async () => {
  /** @type {[(route: import('playwright-core').Route) => Promise<void>, RegExp, RegExp, string][]} */
  const cases = [
    [(route) => route.fulfill({ json: { images: [] } }), /No pictures yet/, /Upload some pictures/, 'Upload pictures'],
    [(route) => route.fulfill({ status: 501, json: { detail: 'this API has no index; set INDEX_TABLE' } }), /Search is not available/, /INDEX_TABLE/, 'Upload pictures'],
    // API Gateway's own rejection says nothing about lists.
    [(route) => route.fulfill({ status: 403, json: { message: 'Forbidden' } }), /Access denied/, /ask the operator for access/, 'Try again'],
    [(route) => route.fulfill({ status: 403, json: { detail: 'ACCESS=unlisted lists nothing' } }), /does not list pictures/, /ACCESS=unlisted lists nothing\./, 'Upload pictures'],
    [(route) => route.fulfill({ status: 401, json: {} }), /Sign in to see/, /config\.json/, ''],
    [(route) => route.abort('connectionrefused'), /Cannot reach the API/, /There is no response from/, 'Try again'],
  ];
  let respond = cases[0]?.[0] ?? assert.fail('no cases');
  let broken = true;
  const { page, close } = await gallery(DESKTOP, {
    ready: '.list-message',
    log: /Failed to load resource/,
    before: (page) => page.route(/\/(images|labels)(\?|$)/, (route) => (broken ? respond(route) : route.fallback())),
  });
  for (const [next, title, text, action] of cases) {
    [respond, broken] = [next, true];
    await page.reload();
    assert.match(await page.locator('.list-message h2').innerText(), title);
    assert.match(await page.locator('.list-message p').innerText(), text);
    if (action) await page.locator('.list-message').getByText(action, { exact: true }).waitFor();
    if (action !== 'Try again') continue;
    assert.deepEqual(await accessibilityIssues(page), []);
    broken = false;
    await page.getByRole('button', { name: 'Try again' }).press('Enter');
    await showsOnly(page, PICTURES);
    assert.ok(await page.evaluate(() => document.activeElement?.closest('main')), 'the focus stays in the main part');
    await page.locator('.chip').first().waitFor();
  }
  await close();
});

test('ten thousand pictures need no more elements than fifty', async (t) => {
  const service = await serve(10_000);
  t.after(() => service.close());
  const context = await browser.newContext(DESKTOP);
  const page = await context.newPage();
  page.setDefaultTimeout(TIMEOUT_MS);
  await page.goto(`${service.address}/gallery.html`);
  await page.locator('.tile').first().waitFor();
  // The keyboard reaches the last picture, which loads all others.
  await page.locator('.tile').first().focus();
  await page.keyboard.press('End');
  const last = tile(page, 'picture 10000.jpg');
  await last.and(page.locator(':focus')).waitFor();
  assert.equal(await page.locator('li', { has: last }).getAttribute('aria-posinset'), '10000');
  const most = await page.evaluate(async () => {
    let tiles = document.querySelectorAll('.tile').length;
    const height = document.documentElement.scrollHeight;
    for (let part = 0; part <= 10; part += 1) {
      scrollTo(0, (height * part) / 10);
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      tiles = Math.max(tiles, document.querySelectorAll('.tile').length);
    }
    return tiles;
  });
  assert.ok(most > 20 && most < 150, `${most} tiles`);
  // The page may also have looked for new pictures.
  const asked = service.requests.filter((search, at) => search.includes('cursor') || at === 0);
  assert.equal(asked.length, 100, 'each page is requested once');

  await last.focus();
  await page.keyboard.press('Home');
  await tile(page, 'picture 1.jpg').and(page.locator(':focus')).waitFor();
  await page.keyboard.press('PageDown');
  assert.ok((await page.locator('.tile').count()) < 150);
  const inOrder = await page.locator('.tile-item').evaluateAll((items) => items.map((item) => Number(item.getAttribute('aria-posinset'))));
  assert.deepEqual(inOrder, [...inOrder].sort((a, b) => a - b), 'screen readers read the pictures in order');

  // A strict filter.
  await slide(page, '#min-confidence', 99);
  const shown = Number(/^(\d+) of 10000 pictures, at least 99% confidence$/.exec((await page.locator('#tally').textContent()) ?? '')?.[1]);
  assert.ok(shown > 0 && shown < 5000, String(shown));
  await context.close();
});

test('pictures are found by faces, emotion and age, and the viewer shows the faces', async (t) => {
  const service = await serve(0);
  t.after(() => service.close());
  const context = await browser.newContext(DESKTOP);
  const page = await context.newPage();
  page.setDefaultTimeout(TIMEOUT_MS);
  const detectFaces = goldenFaces();
  const [face] = detectFaces.FaceDetails ?? [];
  const rows = [
    { key: 'uploads/portrait.png', filename: 'portrait.png', status: 'succeeded', labels: [{ name: 'Face', confidence: 99 }], categories: [], faces: 1, emotions: ['Happy'], ages: [{ low: 23, high: 31 }] },
    { key: 'uploads/sky.png', filename: 'sky.png', status: 'succeeded', labels: [{ name: 'Sky', confidence: 90 }], categories: [] },
  ];
  const counts = { labels: [{ name: 'Sky', images: 1 }], categories: [] };
  /** @type {string[]} */
  const searches = [];
  await page.route(/\/labels$/, (route) => route.fulfill({ json: counts }));
  await page.route(/\/images\?/, (route) => {
    const { searchParams } = new URL(route.request().url());
    searchParams.delete('limit');
    searches.push(String(searchParams));
    return route.fulfill({ json: { images: searchParams.size > 0 ? rows.slice(0, 1) : rows } });
  });
  await page.route(/\/images\/uploads/, (route) => route.fulfill({ json: { ...rows[0], imageUrl: '/thumbnails/0.png', resultUrl: '', expiresAt: '' } }));
  await page.route(/\/results\//, (route) =>
    route.fulfill({ json: { schemaVersion: 1, imageId: '0', status: 'succeeded', source: {}, image: { width: 128, height: 96 }, rekognition: { detectFaces, detectText: SLANTED, detectModerationLabels: { ModerationLabels: [{ Name: 'Smoking', ParentName: 'Drugs & Tobacco', Confidence: 91 }] } } } }),
  );
  await page.goto(`${service.address}/gallery.html`);
  await showsOnly(page, ['portrait.png', 'sky.png']);
  const filters = page.getByRole('group', { name: 'Faces', exact: true });
  assert.equal(await filters.count(), 0, 'hidden while no picture has a face');
  counts.labels.push({ name: 'Face', images: 1 });
  await page.reload();
  await page.locator('.tile').first().waitFor();
  await page.getByRole('button', { name: 'Filters' }).click();
  await filters.waitFor();

  // By keyboard alone: from the dates to the last filter.
  await page.getByLabel('To', { exact: true }).focus();
  for (let tabs = 0; tabs < 5 && !(await filters.getByLabel('Number of faces').evaluate((each) => each === document.activeElement)); tabs += 1) await page.keyboard.press('Tab');
  await filters.getByLabel('Number of faces').and(page.locator(':focus')).waitFor();
  await page.keyboard.press('ArrowDown');
  await page.locator('#tally', { hasText: /^1 picture with faces$/ }).waitFor();
  assert.equal(await tile(page, 'portrait.png').locator('.tile-labels').textContent(), '1 face, Happy, 23–31 years');
  await page.keyboard.press('Tab');
  await page.keyboard.press('ArrowDown');
  await page.locator('#tally', { hasText: 'with faces (Happy)' }).waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.type('20');
  await page.keyboard.press('Tab');
  await page.keyboard.type('40');
  await page.keyboard.press('Enter');
  await page.locator('#tally', { hasText: /^1 picture with faces \(Happy, 20 to 40 years\)$/ }).waitFor();
  assert.equal(new URL(page.url()).search, '?faces=1&emotion=Happy&age=20-40');
  assert.equal(searches.at(-1), 'minFaces=1&emotion=Happy&ageFrom=20&ageTo=40');
  await page.locator('.tile').first().waitFor();
  assert.deepEqual(await accessibilityIssues(page), []);
  await screenshot(page, 'gallery-faces');

  // The viewer shows the face's box and attributes, and the outline of slanted text.
  await tile(page, 'portrait.png').click();
  await page.locator('#viewer .document').waitFor();
  const shown = page.locator('#viewer section', { has: page.getByRole('heading', { name: /^Faces/ }) });
  const text = (await shown.innerText()).replaceAll('\n', ' ');
  for (const part of ['Face 1', `${face?.AgeRange?.Low} to ${face?.AgeRange?.High}`, 'Female', 'happy 96%', 'smile 95%']) assert.ok(text.includes(part), `${part}: ${text}`);
  const warned = page.locator('#viewer section.warning', { has: page.getByRole('heading', { name: /^Moderation/ }) });
  assert.match(await warned.innerText(), /may show content that not everyone should see[^]*Smoking/);
  assert.equal(await boxes(page).count(), (detectFaces.FaceDetails?.length ?? 0) + 1);
  assert.match((await page.locator('#viewer .picture-overlay .box[d*="L"]').getAttribute('d')) ?? '', /^M0\.2 0\.7L0\.8 0\.6L/);
  assert.deepEqual(await accessibilityIssues(page), []);
  await screenshot(page, 'viewer-faces');
  await page.keyboard.press('Escape');

  // Going back removes one filter after another.
  await page.goBack();
  await page.locator('#tally', { hasText: 'with faces (Happy, from 20 years)' }).waitFor();
  await page.setViewportSize(PHONE.viewport);
  assert.equal(await overflow(page), 0);
  await screenshot(page, 'gallery-faces-phone');
  await context.close();
});

test('removing a filter without results loads further pictures', async (t) => {
  const service = await serve(0);
  t.after(() => service.close());
  const context = await browser.newContext(DESKTOP);
  const page = await context.newPage();
  page.setDefaultTimeout(TIMEOUT_MS);
  const rows = Array.from({ length: 3000 }, (_, n) => ({ key: `uploads/${n}.jpg`, status: 'succeeded', labels: [{ name: 'Dog', confidence: 60 }] }));
  Object.assign(rows[1] ?? {}, { labels: [], faces: 2 });
  Object.assign(rows[2] ?? {}, { labels: [] });
  await page.route(/\/images\?/, (route) => {
    const at = Number(new URL(route.request().url()).searchParams.get('cursor') ?? 0);
    return route.fulfill({ json: { images: rows.slice(at, at + 100), ...(at + 100 < rows.length ? { cursor: String(at + 100) } : {}) } });
  });
  await page.goto(`${service.address}/gallery.html?confidence=90`);
  await page.getByRole('heading', { name: 'No results in the newest 1000 pictures' }).waitFor();
  await slide(page, '#min-confidence', 0);
  await page.locator('#tally', { hasText: '1000 pictures loaded so far' }).waitFor();
  assert.equal(await page.getByRole('button', { name: 'Search older pictures' }).count(), 0);
  // Without labels, the caption counts the faces.
  assert.deepEqual(await page.locator('.tile-labels').evaluateAll((all) => all.slice(0, 3).map(({ textContent }) => textContent)), ['Dog', '2 faces', 'No labels']);
  await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
  await page.locator('#tally', { hasText: /^1[1-9]00 pictures loaded so far/ }).waitFor();
  await context.close();
});

test('a page restored by the browser does not offer to undo sent deletions', async (t) => {
  const service = await serve(30);
  t.after(() => service.close());
  // Playwright disables the back-forward cache by default.
  const another = await launch({ ignoreDefaultArgs: ['--disable-back-forward-cache'] });
  t.after(() => another.close());
  const page = await another.newPage(DESKTOP);
  page.setDefaultTimeout(TIMEOUT_MS);
  await page.goto(`${service.address}/gallery.html`);
  await page.locator('.tile').first().focus();
  await page.evaluate(() => addEventListener('pageshow', ({ persisted }) => (document.documentElement.dataset.kept = String(persisted))));
  await page.keyboard.press('Delete');
  await page.locator('.undo').waitFor();
  await page.getByRole('link', { name: 'Upload' }).click();
  await page.getByRole('button', { name: 'Choose pictures' }).waitFor();
  const requests = service.requests.length;
  await page.evaluate(() => history.back());
  await page.locator('html[data-kept="true"]').waitFor({ state: 'attached' });
  await page.locator('.undo').waitFor({ state: 'hidden' });
  await page.locator('#tally', { hasText: '29 pictures' }).waitFor();
  assert.ok(service.requests.length > requests, 'the pictures are loaded again');
});

test('sign-in works, and the token is sent to the API only', async () => {
  const claims = Buffer.from(JSON.stringify({ email: 'somebody@example.com' })).toString('base64url');
  /** @type {string[]} */
  const tokens = [];
  let challenge = '';
  const before = async (/** @type {Page} */ page) => {
    await page.route(`${API}/config.json`, (route) => route.fulfill({ json: { auth: { domain: `${API}/pool`, clientId: 'page', scopes: ['openid', 'email'] } } }));
    await page.route(/\/pool\/oauth2\/authorize/, (route) => {
      const { redirect_uri, state, code_challenge } = Object.fromEntries(new URL(route.request().url()).searchParams);
      challenge = code_challenge ?? '';
      return route.fulfill({ status: 302, headers: { location: `${redirect_uri}?code=once&state=${state}` } });
    });
    await page.route(/\/pool\/oauth2\/token/, async (route) => {
      const form = new URLSearchParams(route.request().postData() ?? '');
      const digest = Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(form.get('code_verifier') ?? ''))).toString('base64url');
      const valid = form.get('code') === 'once' && digest === challenge;
      return valid ? route.fulfill({ json: { access_token: 'the-token', id_token: `x.${claims}.x`, refresh_token: 'r', expires_in: 3600 } }) : route.fulfill({ status: 400, json: { error: 'invalid_grant' } });
    });
    await page.route(/\/pool\/logout/, (route) => route.fulfill({ status: 302, headers: { location: new URL(route.request().url()).searchParams.get('logout_uri') ?? '' } }));
    await page.route(/\/(images|labels|results|uploads)(\?|\/|$)/, async (route) => {
      const request = route.request();
      if (new URL(request.url()).origin !== new URL(API).origin) {
        assert.equal(await request.headerValue('authorization'), null, request.url());
        return route.continue();
      }
      const token = await request.headerValue('authorization');
      if (token !== 'Bearer the-token') return route.fulfill({ status: 401, json: { message: 'Unauthorized' } });
      tokens.push(token);
      return route.continue();
    });
  };
  const { page, close } = await gallery(DESKTOP, { path: '/gallery.html?confidence=10', ready: '.list-message', before, log: /401/, own: true });
  await page.getByRole('heading', { name: 'Sign in to see your pictures' }).waitFor();
  await page.locator('.list-message').getByRole('button', { name: 'Sign in' }).click();
  await page.locator('.tile').first().waitFor();
  assert.equal(new URL(page.url()).search, '?confidence=10', 'the code is removed from the address');
  await page.getByText('somebody@example.com').waitFor();

  // The token can be copied for the command line.
  const copy = page.getByRole('button', { name: 'Copy access token' });
  await copy.click();
  const copied = page.getByRole('status').filter({ hasText: /^Copied; valid until \d\d:\d\d$/ });
  await copied.waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'the-token');
  assert.deepEqual(await accessibilityIssues(page), []);
  for (const width of [1001, 700, 360]) {
    await page.setViewportSize({ width, height: 740 });
    // The message disappears after some seconds.
    await copy.click();
    await page.waitForFunction(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth);
    const { x, width: wide } = (await copied.boundingBox()) ?? assert.fail('the message is not shown');
    assert.ok(x >= 0 && x + wide <= width, String(width));
    // Nothing covers the message.
    await copied.click({ trial: true });
  }
  await page.setViewportSize(DESKTOP.viewport);
  await openPicture(page, 'astronaut.png');
  assert.ok(tokens.length >= 4);
  await page.keyboard.press('Escape');

  // The upload page in the same tab is signed in too and sends the token.
  const tokensBefore = tokens.length;
  await page.getByRole('link', { name: 'Upload' }).click();
  await choose(page, { name: 'mine.png', mimeType: 'image/png', buffer: readFileSync(picture('coffee.png')) });
  await select(page, 'mine.png');
  assert.ok(tokens.length >= tokensBefore + 2);
  assert.match((await page.getByRole('link', { name: /Open JSON/ }).getAttribute('href')) ?? '', /X-Amz-Signature/);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('button', { name: 'Sign in to upload' }).waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  await close();
  assert.equal((await fetch(`${API}/images/${await keyOf('mine.png')}`, { method: 'DELETE' })).status, 204);
});

for (const [device, options] of /** @type {const} */ ([
  ['desktop', DESKTOP],
  ['phone', PHONE],
])) {
  test(`on a ${device}: nothing is cut off, and the page is accessible in light and dark`, async () => {
    const { page, close } = await gallery({ ...options, reducedMotion: 'reduce' });
    const fits = async (/** @type {string} */ name) => {
      assert.deepEqual(await accessibilityIssues(page), [], name);
      assert.equal(await overflow(page), 0, name);
      await screenshot(page, `gallery-${device}-light${name}`);
      await page.emulateMedia({ colorScheme: 'dark' });
      assert.deepEqual(await accessibilityIssues(page, { only: 'color-contrast' }), [], `${name}, dark`);
      await screenshot(page, `gallery-${device}-dark${name}`);
      await page.emulateMedia({ colorScheme: 'light' });
    };
    await page.waitForFunction((count) => document.querySelectorAll('.tile-picture.loaded').length === count, PICTURES.length);
    await page.getByRole('button', { name: 'Filters' }).click();
    await fits('-filters');
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('combobox', { name: 'Search pictures' }).fill('o');
    await page.getByRole('option').first().waitFor();
    await fits('-search');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await openPicture(page, 'motorcycle_left.png');
    await page.mouse.move(0, 0);
    await screenshot(page, `gallery-${device}-light-viewer`);
    await page.locator('#viewer').getByText('Raw JSON', { exact: true }).click();
    await page.locator('#viewer').getByText('"schemaVersion"').waitFor();
    await page.locator('#viewer .document').scrollIntoViewIfNeeded();
    await page.keyboard.press('Delete');
    await page.getByText('motorcycle_left.png is being deleted.').first().waitFor();
    await fits('-undo');
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.keyboard.press('Escape');
    await slide(page, '#min-confidence', 99);
    await page.locator('#list-message, .tile').first().waitFor();
    assert.equal(await overflow(page), 0);
    await screenshot(page, `gallery-${device}-light-filtered`);
    await close();
  });
}

test('a deletion is sent when the time to undo is over, or when the page is left', async () => {
  const { page, close } = await gallery(DESKTOP, { missing: /\/images\//, log: /404/, own: true, before: (page) => page.clock.install() });
  const keys = { rocket: await keyOf('rocket.jpg'), coffee: await keyOf('coffee.png') };
  const answered = page.waitForResponse((response) => response.request().method() === 'DELETE');
  await tile(page, 'rocket.jpg').focus();
  await page.keyboard.press('Delete');
  await page.locator('.undo').waitFor();
  await page.clock.fastForward(UNDO_MS);
  assert.equal((await answered).status(), 204);
  assert.equal((await fetch(`${API}/images/${keys.rocket}`)).status, 404);
  assert.equal((await fetch(`${API}/results/${keys.rocket}`)).status, 404);
  await page.locator('.undo').waitFor({ state: 'hidden' });
  assert.equal(await page.locator('#tally').textContent(), `${PICTURES.length - 1} pictures`);

  await tile(page, 'coffee.png').focus();
  await page.keyboard.press('Delete');
  await page.locator('.undo').waitFor();
  await page.getByRole('link', { name: 'Upload' }).click();
  await page.getByRole('button', { name: 'Choose pictures' }).waitFor();
  for (let tries = 0; tries < 100 && (await fetch(`${API}/images/${keys.coffee}`)).status !== 404; tries += 1) await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal((await fetch(`${API}/images/${keys.coffee}`)).status, 404, 'the page sent it on leaving');

  await page.getByRole('link', { name: 'Gallery', exact: true }).click();
  await showsOnly(page, PICTURES.filter((name) => !['rocket.jpg', 'coffee.png'].includes(name)));
  await close();
});
