// @ts-check
/**
 * The upload page as a place to stay: its list survives a reload and the loss of the network, scrolls by itself and leads
 * to the gallery; pictures come from samples, folders and cameras; results can be saved.
 */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { API, DESKTOP, PHONE, TIMEOUT_MS, accessibilityIssues, choose, documentOf, launch, open as openPage, overflow, picture, row, screenshot, select, smallPicture } from './support.js';

const DEVICES = /** @type {const} */ ([
  ['desktop', DESKTOP],
  ['phone', PHONE],
]);

/** Each page has a storage of its own. @type {typeof openPage} */
const open = (browser, options, expect) => openPage(browser, options, { ...expect, own: true });

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

/** @typedef {import('playwright-core').Page} Page */

/**
 * Reloads the page, and waits until it is ready.
 * @param {Page} page
 */
async function reload(page) {
  page.once('dialog', (dialog) => void dialog.accept());
  await page.reload();
  await page.locator('#choose:enabled').waitFor();
}

/**
 * Counts the uploads that the page sends.
 * @param {Page} page
 */
function countUploads(page) {
  let uploads = 0;
  page.on('request', (request) => {
    if (request.method() === 'PUT') uploads += 1;
  });
  return () => uploads;
}

/**
 * Waits until all pictures are finished.
 * @param {Page} page
 * @param {number} count
 */
const allDone = (page, count) => page.waitForFunction((wanted) => document.querySelectorAll('#tasks > [data-state="done"]').length === wanted, count, { timeout: TIMEOUT_MS });

/**
 * An element's edges in the window.
 * @param {import('playwright-core').Locator} element
 */
const edges = (element) =>
  element.evaluate((each) => {
    const { top, bottom, left, right } = each.getBoundingClientRect();
    return { top, bottom, left, right };
  });

test('the list survives a reload', async () => {
  const { page, close } = await open(browser, { ...DESKTOP, reducedMotion: 'reduce' });
  const broken = { name: 'broken.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('there is no picture in this file') };
  await choose(page, ['astronaut.png', 'chelsea.png'].map(picture));
  await choose(page, broken);
  await select(page, 'broken.jpg', 'failed');
  await select(page, 'chelsea.png');
  const before = await documentOf(page);
  const uploads = countUploads(page);

  await reload(page);
  await row(page, 'broken.jpg').and(page.locator('[data-state="failed"]')).waitFor();
  await allDone(page, 2);
  await page.getByRole('heading', { name: 'chelsea.png', exact: true }).waitFor();
  assert.deepEqual(await page.locator('.task-name').allTextContents(), ['astronaut.png', 'chelsea.png', 'broken.jpg']);
  assert.deepEqual(await documentOf(page), before, 'the result is read again');
  await page.locator('.picture-image.loaded').waitFor();
  assert.deepEqual(await page.locator('.picture-image').evaluate((image) => /** @type {HTMLImageElement} */ (image).naturalWidth), 451, 'the stored picture is shown');
  await page.waitForFunction(() => [...document.querySelectorAll('.task-thumbnail img')].filter((image) => image instanceof HTMLImageElement && image.naturalWidth > 0).length === 2);
  assert.equal(await page.getByRole('alert').textContent(), '');
  assert.deepEqual(await accessibilityIssues(page), []);
  for (const [device, { viewport }] of DEVICES) {
    await page.setViewportSize(viewport);
    assert.equal(await overflow(page), 0);
    await screenshot(page, `upload-${device}-reloaded`);
  }

  // What was removed stays away.
  await page.getByRole('button', { name: 'Clear' }).click();
  await reload(page);
  assert.equal(await page.locator('#tasks > li').count(), 0);
  assert.equal(uploads(), 0);
  await close();
});

/** The page asks whether an interrupted upload arrived. */
const ASKS = { log: /404/, missing: /\/results\// };

test('an upload that a reload interrupts is continued', async () => {
  const { page, close } = await open(browser, DESKTOP, ASKS);
  let held = true;
  await page.route(
    () => held,
    (route) => (route.request().method() === 'PUT' ? undefined : route.fallback()),
  );
  await choose(page, picture('chelsea.png'));
  await row(page, 'chelsea.png').and(page.locator('[data-state="uploading"]')).waitFor();
  // The browser needs a moment to store the file.
  await page.waitForFunction(async () => {
    const databases = await indexedDB.databases();
    return databases.some(({ name }) => name === 'sightline.files') && sessionStorage.length > 1;
  });
  held = false;
  await reload(page);
  await select(page, 'chelsea.png');
  assert.match(await page.locator('.picture-facts').innerText(), /451 × 300/);
  await close();
});

test('a duplicated tab lists what is stored, and does not upload a second time', async () => {
  const { page, close } = await open(browser);
  await choose(page, picture('coffee.png'));
  await select(page, 'coffee.png');
  /** @type {() => void} */
  let release = () => {};
  const held = /** @type {Promise<void>} */ (new Promise((resolve) => (release = resolve)));
  let uploads = 0;
  await page.context().route('**/*', async (route) => {
    if (route.request().method() !== 'PUT') return route.fallback();
    uploads += 1;
    await held;
    return route.fallback();
  });
  await choose(page, picture('chelsea.png'));
  await row(page, 'chelsea.png').and(page.locator('[data-state="uploading"]')).waitFor();
  await page.waitForFunction(() => Object.entries(sessionStorage).some(([name, text]) => name.startsWith('sightline.uploads.') && text.includes('chelsea.png')));
  // A page that is opened by a script gets a copy of its opener's session storage, as a duplicated tab does.
  const [copy] = await Promise.all([page.context().waitForEvent('page'), page.evaluate(() => void window.open(location.href))]);
  await allDone(copy, 1);
  await copy.locator('#choose:enabled').waitFor();
  assert.deepEqual(await copy.locator('.task-name').allTextContents(), ['coffee.png']);
  await copy.close();
  release();
  await select(page, 'chelsea.png');
  assert.equal(uploads, 1);
  await close();
});

test('a file that the browser did not keep is asked for again', async () => {
  const { page, close } = await open(browser, DESKTOP, { ...ASKS, before: (page) => page.addInitScript(() => Object.defineProperty(window, 'indexedDB', { value: undefined })) });
  let held = true;
  await page.route(
    () => held,
    (route) => (route.request().method() === 'PUT' ? undefined : route.fallback()),
  );
  await choose(page, ['chelsea.png', 'coffee.png'].map(picture));
  await row(page, 'coffee.png').and(page.locator('[data-state="uploading"]')).waitFor();
  held = false;
  await reload(page);
  await select(page, 'chelsea.png', 'failed');
  await page.getByRole('heading', { name: 'The file is needed again' }).waitFor();
  await page.getByRole('alert').getByText('2 files were not sent before the page was reloaded.').waitFor();
  await screenshot(page, 'upload-desktop-needs-files');
  await choose(page, ['coffee.png', 'chelsea.png', 'rocket.jpg'].map(picture));
  await allDone(page, 3);
  assert.deepEqual(await page.locator('.task-name').allTextContents(), ['chelsea.png', 'coffee.png', 'rocket.jpg'], 'no picture is listed twice');
  await close();
});

test('on a phone, a picture opens in the gallery, and its link can be copied', async () => {
  const { page, close } = await open(browser, { ...PHONE, reducedMotion: 'reduce' });
  await choose(page, picture('coffee.png'));
  await select(page, 'coffee.png');
  const key = (await documentOf(page)).source?.key ?? '';
  await page.getByRole('button', { name: 'Copy link to the picture' }).click();
  await page.getByText('Copied', { exact: true }).waitFor();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(link, `${API}/gallery.html#${key}`);
  await page.getByRole('link', { name: 'Open in gallery' }).click();
  await page.getByRole('dialog').getByRole('heading', { name: 'coffee.png' }).waitFor();
  assert.equal(page.url(), link);
  await page.goBack();
  await select(page, 'coffee.png');
  await close();
});

test('the links need a gallery', async () => {
  const { page, close } = await open(browser, DESKTOP, {
    before: (page) => page.route('**/config.json', async (route) => route.fulfill({ json: { ...(await (await route.fetch()).json()), gallery: false } })),
  });
  await choose(page, picture('chelsea.png'));
  await select(page, 'chelsea.png');
  await page.getByRole('button', { name: 'Save with boxes' }).waitFor();
  assert.equal(await page.getByRole('link', { name: /gallery/i }).count(), 0);
  assert.equal(await page.getByRole('button', { name: /Copy link/ }).count(), 0);
  await close();
});

test('an upload is tried again by itself, and at once when the network is back', async () => {
  const { page, close } = await open(browser, { ...DESKTOP, reducedMotion: 'reduce' }, { log: /Failed to load resource/ });
  let fails = 2;
  await page.route(`${API}/uploads`, (route) => (fails-- > 0 ? route.abort('connectionrefused') : route.fallback()));
  await choose(page, picture('chelsea.png'));
  await row(page, 'chelsea.png').and(page.locator('[data-state="retrying"]')).waitFor();
  await page.getByRole('heading', { name: 'Cannot reach the API' }).waitFor();
  assert.match(await page.locator('.progress-text').innerText(), /^Trying again in [1-3]\ss$/);
  await screenshot(page, 'upload-desktop-retrying');
  await select(page, 'chelsea.png');

  await page.context().setOffline(true);
  await choose(page, ['coffee.png', 'rocket.jpg'].map(picture));
  for (const name of ['coffee.png', 'rocket.jpg']) await row(page, name).and(page.locator('[data-state="retrying"]')).waitFor();
  await page.locator('#time-left', { hasText: 'Waiting for the network' }).waitFor();
  await row(page, 'rocket.jpg').getByText('Waiting for the network').waitFor();
  // After some failed attempts, a pause is much longer than the test waits.
  for (let attempt = 0; attempt < 3; attempt += 1) {
    await page.getByRole('button', { name: 'Retry all' }).click();
    for (const name of ['coffee.png', 'rocket.jpg']) await row(page, name).and(page.locator('[data-state="retrying"]')).waitFor();
  }
  assert.deepEqual(await accessibilityIssues(page), []);
  await page.setViewportSize(PHONE.viewport);
  assert.equal(await overflow(page), 0);
  await screenshot(page, 'upload-phone-offline');
  await page.context().setOffline(false);
  await allDone(page, 3);
  assert.equal(await page.locator('#tally').textContent(), '3 analysed');
  await close();
});

test('the list scrolls by itself, and the chosen picture comes into view', async () => {
  const { page, close } = await open(browser, { ...DESKTOP, reducedMotion: 'reduce' });
  const names = Array.from({ length: 24 }, (_, index) => `cat-${String(index + 1).padStart(2, '0')}.png`);
  await choose(page, names.map((name, index) => smallPicture(index, name)));
  await allDone(page, names.length);
  const list = page.locator('#tasks');
  const inList = async (/** @type {string} */ name) => {
    const [outer, inner] = [await edges(list), await edges(row(page, name))];
    return inner.top >= outer.top - 1 && inner.bottom <= outer.bottom + 1 && inner.left >= outer.left - 1 && inner.right <= outer.right + 1;
  };
  for (const [device, { viewport }] of DEVICES) {
    await page.setViewportSize(viewport);
    const { height } = viewport;
    await page.evaluate(() => scrollTo(0, 0));
    await page.getByTitle('cat-02.png', { exact: true }).focus();
    await page.keyboard.press('Home');
    await page.getByRole('heading', { name: 'cat-01.png', exact: true }).waitFor();
    const scrolls = await list.evaluate((each) => each.scrollHeight > each.clientHeight + 1 || each.scrollWidth > each.clientWidth + 1);
    assert.ok(scrolls, 'the list scrolls');
    assert.ok((await edges(list)).bottom <= height, 'the end of the list is on the screen');
    assert.ok(!(await inList('cat-24.png')));
    await page.keyboard.press('End');
    await page.getByRole('heading', { name: 'cat-24.png', exact: true }).waitFor();
    assert.ok(await inList('cat-24.png'), 'the selected picture is visible in the list');

    // From the end of the page, choosing another picture shows it.
    await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
    if (device === 'desktop') {
      await page.waitForFunction(() => scrollY > 0);
      assert.ok((await edges(list)).bottom <= height, 'the list stays on the screen');
      await page.getByTitle('cat-23.png', { exact: true }).click();
    } else {
      await page.getByRole('button', { name: 'Previous picture' }).press('Enter');
    }
    await page.getByRole('heading', { name: 'cat-23.png', exact: true }).waitFor();
    const { top, bottom } = await edges(page.getByRole('heading', { name: 'cat-23.png', exact: true }));
    assert.ok(top >= 0 && bottom <= height, `the picture's name is at ${top}`);
    await screenshot(page, `upload-${device}-many`);
  }
  await close();
});

test('one bar shows the progress of all pictures, and the time left', async () => {
  const { page, close } = await open(browser);
  // Four at once, each needs 700 ms.
  await page.route(`${API}/uploads`, async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 700));
    await route.fallback();
  });
  await choose(page, Array.from({ length: 24 }, (_, index) => smallPicture(index)));
  const bar = page.getByRole('progressbar', { name: 'All pictures' });
  await bar.waitFor();
  await page.getByText('Estimating the time left').waitFor();
  await page.locator('#time-left', { hasText: /^(About \d+\ss|A few seconds) left$/ }).waitFor();
  const value = await bar.evaluate((each) => /** @type {HTMLProgressElement} */ (each).value);
  assert.ok(value > 0 && value < 1, String(value));
  assert.deepEqual(await accessibilityIssues(page), []);
  await screenshot(page, 'upload-desktop-batch');
  await allDone(page, 24);
  await bar.waitFor({ state: 'hidden' });
  await close();
});

test('on a phone, a person chooses what to look for', async () => {
  const { page, close } = await open(browser, { ...PHONE, reducedMotion: 'reduce' });
  /** @type {string[][]} */
  const requested = [];
  page.on('request', (request) => {
    if (request.method() === 'POST' && request.url() === `${API}/uploads`) requested.push(request.postDataJSON().analyses);
  });
  await page.getByText('Look for: everything').click();
  assert.deepEqual(await accessibilityIssues(page), []);
  assert.equal(await overflow(page), 0);
  await screenshot(page, 'upload-phone-analyses');
  const group = page.getByRole('group', { name: 'What to look for in the next pictures' });
  const names = await group.getByRole('checkbox').evaluateAll((all) => all.map((each) => /** @type {HTMLInputElement} */ (each).value));
  assert.ok(names.includes('labels') && names.length > 1, names.join());
  for (const name of names.filter((each) => each !== 'image-properties')) await group.locator(`[value="${name}"]`).uncheck();
  await group.locator('[value="image-properties"]').click();
  await page.getByText('Choose at least one.').waitFor();
  await page.getByText('Look for: colours and quality').waitFor();

  await reload(page);
  await choose(page, picture('chelsea.png'));
  await select(page, 'chelsea.png');
  assert.deepEqual(requested, [['image-properties']]);
  const document = /** @type {any} */ (await documentOf(page));
  assert.deepEqual(document.analyses, ['image-properties']);
  assert.equal(document.rekognition.detectLabels.Labels?.length ?? 0, 0);
  await close();
});

test('a sample picture shows what the page does', async () => {
  const { page, close } = await open(browser, { ...DESKTOP, reducedMotion: 'reduce' });
  await page.getByText('Public domain or CC0').scrollIntoViewIfNeeded();
  for (const name of ['An astronaut', 'A cat', 'A cup of coffee', 'A rocket']) {
    const width = await page.getByRole('img', { name }).evaluate(async (image) => {
      await /** @type {HTMLImageElement} */ (image).decode();
      return /** @type {HTMLImageElement} */ (image).naturalWidth;
    });
    assert.ok(width > 0, name);
  }
  await screenshot(page, 'upload-desktop-samples');
  await page.getByRole('button', { name: 'A cup of coffee' }).click();
  await select(page, 'coffee.jpg');
  assert.equal((await documentOf(page)).source?.contentType, 'image/jpeg');
  await close();
});

test('a folder is chosen with its subfolders, without hidden files', async () => {
  const { page, close } = await open(browser);
  const folder = mkdtempSync(join(tmpdir(), 'folder-'));
  try {
    for (const path of ['cat.png', 'more/coffee.png', '.cache/hidden.png', 'more/.hidden.png']) {
      mkdirSync(join(folder, path, '..'), { recursive: true });
      copyFileSync(picture(path.includes('coffee') ? 'coffee.png' : 'chelsea.png'), join(folder, path));
    }
    writeFileSync(join(folder, 'notes.txt'), 'no picture');
    assert.ok(await page.getByRole('button', { name: 'Choose a folder' }).isVisible());
    assert.ok(!(await page.getByRole('button', { name: 'Take a photo' }).isVisible()), 'a desktop opens no camera');
    await page.locator('#folder').setInputFiles(folder);
    await allDone(page, 2);
    assert.deepEqual((await page.locator('.task-name').allTextContents()).sort(), ['cat.png', 'coffee.png']);
    await page.getByRole('alert').getByText('notes.txt was skipped').waitFor();
  } finally {
    rmSync(folder, { recursive: true });
  }
  await close();
});

test('a phone opens the camera, and its photos get names', async () => {
  const { page, close } = await open(browser, { ...PHONE, reducedMotion: 'reduce' });
  assert.ok(!(await page.getByRole('button', { name: 'Choose a folder' }).isVisible()));
  assert.equal(await page.locator('#camera').getAttribute('capture'), 'environment');
  // Chromium on a desktop has no camera dialog, but opens one for files.
  await choose(page, { name: 'image.jpg', mimeType: 'image/jpeg', buffer: readFileSync(picture('rocket.jpg')) }, () => page.getByRole('button', { name: 'Take a photo' }).click());
  await allDone(page, 1);
  assert.match(await page.locator('.task-name').innerText(), /^photo-\d{4}-\d\d-\d\d-\d{6}\.jpg$/);
  await close();
});

test('a picture is saved with its boxes, and all results as an archive', async () => {
  const { page, close } = await open(browser);
  await choose(page, ['motorcycle_left.png', 'rocket.jpg', 'astronaut.png'].map(picture));
  await allDone(page, 3);
  for (const reloaded of [false, true]) {
    // After a reload, the stored pictures are read.
    if (reloaded) {
      await reload(page);
      await allDone(page, 3);
    }
    await select(page, 'astronaut.png');
    await page.locator('.picture-image.loaded').waitFor();
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save with boxes' }).click()]);
    assert.equal(download.suggestedFilename(), 'astronaut-boxes.png');
    const person = (await documentOf(page)).rekognition?.detectLabels?.Labels?.find(({ Name }) => Name === 'Person');
    const box = person?.Instances?.[0]?.BoundingBox;
    const saved = readFileSync(await download.path());
    writeFileSync(join(process.env.ARTEFACTS ?? tmpdir(), 'astronaut-boxes.png'), saved);
    // Half-way down the left side of the box.
    const colour = await page.evaluate(
      async ({ base64, at }) => {
        const bitmap = await createImageBitmap(new Blob([Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))]));
        const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
        const context = canvas.getContext('2d');
        context?.drawImage(bitmap, 0, 0);
        const pixel = context?.getImageData(Math.round(at.x * bitmap.width), Math.round(at.y * bitmap.height), 1, 1).data ?? [];
        return { size: [bitmap.width, bitmap.height], pixel: [...pixel].slice(0, 3) };
      },
      { base64: saved.toString('base64'), at: { x: box?.Left ?? 0, y: (box?.Top ?? 0) + (box?.Height ?? 0) / 2 } },
    );
    assert.deepEqual(colour.size, [512, 512]);
    // `--box-0`; the line's edge is smoothed.
    const [red = 0, green = 0, blue = 0] = colour.pixel;
    assert.ok(red > 220 && Math.abs(green - 176) < 30 && blue < 30, `the box has the colour of the page: ${colour.pixel}`);

    const [archive] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save all' }).click()]);
    assert.equal(archive.suggestedFilename(), 'sightline.zip');
    const path = await archive.path();
    const names = execFileSync('python3', ['-c', 'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; print("\\n".join(z.namelist()))', path], { encoding: 'utf8' });
    assert.deepEqual(names.trim().split('\n'), ['motorcycle_left.png.json', 'motorcycle_left-boxes.png', 'rocket.jpg.json', 'rocket-boxes.jpg', 'astronaut.png.json', 'astronaut-boxes.png']);
    const json = execFileSync('python3', ['-c', 'import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read("astronaut.png.json"))', path], { encoding: 'utf8' });
    assert.deepEqual(JSON.parse(json), await documentOf(page));
  }
  await page.getByRole('button', { name: 'Save all' }).waitFor();
  await close();
});
