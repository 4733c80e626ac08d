// @ts-check
/** The upload page in a real Chromium, against a running service. See README.md for how to start it. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { ASTRONAUT, SIZE, orientations } from './orientations.js';
import {
  API,
  DESKTOP,
  PHONE,
  TIMEOUT_MS,
  accessibilityIssues,
  boxesHighlightedBy,
  boxesOf,
  choose,
  documentOf,
  documentedResponses,
  drop,
  largest,
  launch,
  open,
  overflow,
  paste,
  picture,
  row,
  screenshot,
  select,
  share,
  smallPicture,
} from './support.js';

/** The subjects' boxes, measured by eye, in ratios of the picture. */
const SUBJECTS = {
  'astronaut.png': { label: 'Person', at: { left: 0.03, top: 0.03, width: 0.8, height: 0.97 } },
  'motorcycle_left.png': { label: 'Motorcycle', at: { left: 0.14, top: 0.17, width: 0.8, height: 0.76 } },
};

/**
 * Labels in the order of the pages: ancestors of others last, each part by confidence.
 * @param {readonly import('../../frontend/js/shared/api-types.js').Label[]} labels
 */
function tellingFirst(labels) {
  const ancestors = new Set(labels.flatMap(({ Parents = [] }) => Parents.map(({ Name }) => Name)));
  const isAncestor = (/** @type {string | undefined} */ name) => Number(ancestors.has(name));
  return [...labels].sort((a, b) => isAncestor(a.Name) - isAncestor(b.Name) || (b.Confidence ?? 0) - (a.Confidence ?? 0));
}

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

test('chosen, dropped and pasted pictures show their labels and boxes', async () => {
  const { page, policy, close } = await open(browser);
  assert.match(policy, /default-src 'none'/);
  await choose(page, Object.keys(SUBJECTS).map(picture));
  await drop(page, picture('chelsea.png'), 'image/png');
  await paste(page, picture('coffee.png'));

  for (const [name, { label, at }] of Object.entries(SUBJECTS)) {
    await select(page, name);
    const document = await documentOf(page);
    const labels = document.rekognition?.detectLabels?.Labels ?? [];
    assert.ok(labels.some(({ Name }) => Name === label), `${name}: ${labels.map(({ Name }) => Name).join(', ')}`);

    // Every label is listed with its confidence; ancestors of others come last.
    const listed = await page.locator('.label').evaluateAll((items) =>
      items.map((item) => [item.querySelector('.label-name')?.textContent, item.querySelector('.label-confidence')?.textContent]),
    );
    assert.deepEqual(listed, tellingFirst(labels).map(({ Name, Confidence = 0 }) => [Name, `${Math.floor(Confidence)}%`]));

    // The boxes are where the document says, and one covers the subject.
    const boxes = await boxesOf(page, label);
    const instances = labels.find(({ Name }) => Name === label)?.Instances ?? [];
    assert.equal(boxes.length, instances.length);
    assert.ok(
      boxes.some((box) => share(box, at) > 0.8 && share(at, box) > 0.2),
      `${name}: ${JSON.stringify(boxes)}`,
    );
    const lefts = instances.map(({ BoundingBox }) => Math.max(0, BoundingBox?.Left ?? NaN)).sort();
    boxes.map(({ left }) => left).sort().forEach((left, index) => assert.ok(Math.abs(left - (lefts[index] ?? NaN)) < 0.01, `${left} is not ${lefts[index]}`));
  }

  await select(page, 'chelsea.png');
  await select(page, 'pasted-1.png');
  assert.equal((await documentOf(page)).source?.contentType, 'image/png');
  assert.equal(await page.locator('#tally').textContent(), '4 analysed');
  await close();
});

test('boxes cover their subject in every Exif orientation', async () => {
  const { page, close } = await open(browser);
  const variants = (await orientations(browser)).map((each) => ({ ...each, name: `astronaut-${each.orientation}.${each.type === 'image/png' ? 'png' : 'jpg'}` }));
  await choose(page, variants.map(({ name, type, bytes }) => ({ name, mimeType: type, buffer: bytes })));
  /** @type {import('./support.js').Box | undefined} */
  let upright;
  for (const { orientation, name } of variants) {
    await select(page, name);
    const { image } = await documentOf(page);
    assert.deepEqual([image?.width, image?.height, image?.orientation], [SIZE.width, SIZE.height, orientation]);
    await page.locator('.picture-frame.sized').waitFor();
    const shown = await page.locator('.picture-image').evaluate((element) => {
      const { naturalWidth: width, naturalHeight: height } = /** @type {HTMLImageElement} */ (element);
      return { width, height };
    });
    assert.deepEqual(shown, SIZE, `${name}: the page shows the picture upright`);
    const box = largest(await boxesOf(page, 'Person'));
    assert.ok(box && share(box, ASTRONAUT) > 0.8 && share(ASTRONAUT, box) > 0.8, `${name}: ${JSON.stringify(box)}`);
    upright ??= box;
    assert.ok(share(box, upright) > 0.95 && share(upright, box) > 0.95, `${name}: ${JSON.stringify([box, upright])}`);
  }
  await screenshot(page, 'upload-orientations');
  await close();
});

test('HEIC is uploaded as JPEG, upright, though the browser cannot decode it', async () => {
  const { page, policy, close } = await open(browser);
  assert.doesNotMatch(policy, /unsafe/, 'the decoder needs no exception from the policy');
  await choose(page, fileURLToPath(new URL('cat.heic', import.meta.url)));
  await select(page, 'cat.heic');
  const { source, image } = await documentOf(page);
  assert.deepEqual([source?.contentType, source?.filename], ['image/jpeg', 'cat.jpg']);
  assert.deepEqual([image?.width, image?.height, image?.orientation], [451, 300, 1]);
  assert.match(await page.locator('.picture-facts').innerText(), /451 × 300 · HEIC .* converted to JPEG for the upload/);
  await page.locator('.picture-image.loaded').waitFor();
  assert.equal(await row(page, 'cat.heic').locator('canvas').evaluate((canvas) => /** @type {HTMLCanvasElement} */ (canvas).width > 1), true, 'the list shows it');
  await screenshot(page, 'upload-heic');
  await close();
});

/**
 * A grey picture as an uncompressed TIFF.
 * @param {number} width
 * @param {number} height
 */
function tiff(width, height) {
  // Width, height, bits, compression (none), white is 255, strip, samples, rows, length of the strip.
  const tags = [[256, width], [257, height], [258, 8], [259, 1], [262, 1], [273, 0], [277, 1], [278, height], [279, width * height]];
  const start = 8 + 2 + tags.length * 12 + 4;
  const bytes = Buffer.alloc(start + width * height, 120);
  bytes.write('II*\0', 0, 'latin1');
  bytes.writeUInt32LE(8, 4);
  bytes.writeUInt16LE(tags.length, 8);
  tags.forEach(([tag = 0, value = 0], index) => {
    const at = 10 + index * 12;
    bytes.writeUInt16LE(tag, at);
    bytes.writeUInt16LE(4, at + 2);
    bytes.writeUInt32LE(1, at + 4);
    bytes.writeUInt32LE(tag === 273 ? start : value, at + 8);
  });
  bytes.writeUInt32LE(0, start - 4);
  return bytes;
}

test('a picture that the browser cannot display is shown as the service has made it', async () => {
  const { page, close } = await open(browser);
  await choose(page, { name: 'scan.tif', mimeType: 'image/tiff', buffer: tiff(400, 300) });
  await select(page, 'scan.tif');
  await page.getByText('Preview only. This browser cannot display TIFF pictures.').waitFor();
  for (const image of [page.locator('.picture-preview'), row(page, 'scan.tif').locator('img')]) {
    await image.waitFor();
    assert.ok((await image.evaluate((each) => /** @type {HTMLImageElement} */ (each).decode().then(() => /** @type {HTMLImageElement} */ (each).naturalWidth))) > 0);
  }
  await close();
});

test('HEIC is converted by the browser if it can decode it', async () => {
  const { page, close } = await open(browser);
  // Chromium decodes by content, so a JPEG named HEIC stands for a HEIC picture in Safari.
  const sideways = (await orientations(browser)).find(({ orientation }) => orientation === 6);
  assert.ok(sideways);
  await choose(page, { name: 'IMG_1.HEIC', mimeType: 'image/heic', buffer: sideways.bytes });
  await select(page, 'IMG_1.HEIC');
  const { source, image } = await documentOf(page);
  assert.deepEqual([source?.contentType, source?.filename], ['image/jpeg', 'IMG_1.jpg']);
  assert.deepEqual([image?.width, image?.height, image?.orientation], [SIZE.width, SIZE.height, 1], 'the upload is upright');
  assert.match(await page.locator('.picture-facts').innerText(), /HEIC .* converted to JPEG for the upload/);
  const box = largest(await boxesOf(page, 'Person'));
  assert.ok(box && share(box, ASTRONAUT) > 0.8 && share(ASTRONAUT, box) > 0.8, JSON.stringify(box));
  await close();
});

test('colours, quality and the result document are shown, and the document can be copied and downloaded', async () => {
  const { page, close } = await open(browser);
  await choose(page, picture('motorcycle_left.png'));
  await select(page, 'motorcycle_left.png');
  const document = await documentOf(page);
  const properties = document.rekognition?.detectLabels?.ImageProperties;

  const hexes = await page.locator('.colour-region').first().locator('code').allTextContents();
  assert.deepEqual(hexes, properties?.DominantColors?.map(({ HexCode }) => HexCode?.toUpperCase()));
  assert.ok(hexes.length > 0);
  const brightness = page.getByRole('row', { name: /Brightness/ }).locator('td').first();
  assert.equal(await brightness.innerText(), properties?.Quality?.Brightness?.toFixed(0));

  await page.getByText('Raw JSON', { exact: true }).click();
  const tree = page.getByRole('region', { name: 'Raw JSON' });
  await tree.getByText('"schemaVersion"').waitFor();
  const branch = tree.locator('details', { has: page.locator('summary', { hasText: '"detectLabels"' }) }).last();
  assert.equal(await branch.getByText('"Labels"').count(), 0, 'a collapsed branch is not built');
  await branch.locator('summary').first().click();
  await branch.getByText('"Labels"').waitFor();

  await page.getByRole('button', { name: 'Copy JSON' }).click();
  await page.getByText('Copied', { exact: true }).waitFor();
  assert.deepEqual(JSON.parse(await page.evaluate(() => navigator.clipboard.readText())), document);
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download JSON' }).click()]);
  assert.equal(download.suggestedFilename(), 'motorcycle_left.png.json');
  assert.deepEqual(JSON.parse(readFileSync(await download.path(), 'utf8')), document);
  await close();
});

test('a picture with few labels has no slider, and another picture’s slider does not hide its boxes', async () => {
  const { page, close } = await open(browser);
  await page.route(/\/results\//, async (route) => {
    const response = await route.fetch();
    if (response.status() !== 200) return route.fulfill({ response });
    const document = await response.json();
    if (document.source.filename !== 'astronaut.png') return route.fulfill({ response });
    const [person] = document.rekognition.detectLabels.Labels;
    document.rekognition.detectLabels.Labels = [{ ...person, Confidence: 80, Instances: person.Instances.slice(0, 1) }];
    return route.fulfill({ json: document });
  });
  await choose(page, ['motorcycle_left.png', 'astronaut.png'].map(picture));
  await select(page, 'motorcycle_left.png');
  const all = await page.locator('.picture-overlay .box').count();
  await page.locator('#findings-min-confidence').evaluate((range) => {
    if (!(range instanceof HTMLInputElement)) return;
    range.value = '99';
    range.dispatchEvent(new Event('input'));
  });
  const left = await page.locator('.picture-overlay .box').count();
  assert.ok(left < all);
  await select(page, 'astronaut.png');
  await page.locator('.label', { hasText: 'Person' }).waitFor();
  assert.equal(await page.locator('#findings-min-confidence').count(), 0);
  assert.equal(await page.locator('.picture-overlay .box').count(), 1);
  await close();
});

test('all kinds of findings are shown, with boxes where the document says', async () => {
  const { page, close } = await open(browser);
  const responses = documentedResponses();
  /** @type {Record<string, import('../../frontend/js/shared/api-types.js').RekognitionResponses>} */
  const responsesOf = { 'astronaut.png': responses, 'coffee.png': { detectText: responses.detectText }, 'chelsea.png': { detectText: { TextDetections: [] } } };
  await page.route(/\/results\//, async (route) => {
    const response = await route.fetch();
    if (response.status() !== 200) return route.fulfill({ response });
    const document = await response.json();
    return route.fulfill({ json: { ...document, status: 'succeeded', errors: [], rekognition: responsesOf[document.source.filename] } });
  });
  await choose(page, Object.keys(responsesOf).map(picture));
  const status = (/** @type {string} */ name) => row(page, name).locator('.task-status').innerText();

  await select(page, 'astronaut.png');
  const line = responses.detectText.TextDetections?.find(({ Type }) => Type === 'LINE');
  /** @type {[string, string, (import('../../frontend/js/shared/api-types.js').BoundingBox | undefined)?][]} */
  const wanted = [
    ...tellingFirst(responses.detectLabels.Labels ?? []).map(({ Name = '' }) => /** @type {[string, string]} */ (['Labels', Name])),
    ...(responses.detectCustomLabels.CustomLabels ?? []).map(({ Name = '', Geometry }) => /** @type {typeof wanted[number]} */ (['Custom labels', Name, Geometry?.BoundingBox])),
    ['Faces', 'Face 1', responses.detectFaces.FaceDetails?.[0]?.BoundingBox],
    ['Celebrities', 'Some Body', responses.recognizeCelebrities.CelebrityFaces?.[0]?.Face?.BoundingBox],
    ['Text', "IT'S MONDAY", line?.Geometry?.BoundingBox],
    ['Protective equipment', 'Person 1', responses.detectProtectiveEquipment.Persons?.[0]?.BoundingBox],
    ...(responses.detectModerationLabels.ModerationLabels ?? []).map(({ Name = '' }) => /** @type {[string, string]} */ (['Moderation', Name])),
  ];
  const listed = await page.locator('.task-view-side .label').evaluateAll((items) =>
    items.map((item) => [item.closest('section')?.querySelector('h3')?.firstChild?.textContent, item.querySelector('.label-name')?.textContent]),
  );
  assert.deepEqual(listed, wanted.map(([group, name]) => [group, name]));
  assert.equal(await page.locator('.picture-overlay .box').count(), 5);
  await page.locator('.picture-frame.sized').waitFor();
  for (const [index, [, name, box]] of wanted.entries()) {
    const boxes = await boxesHighlightedBy(page, page.locator('.task-view-side .label').nth(index));
    assert.equal(boxes.length, box ? 1 : 0, name);
    for (const { left, top, width, height } of boxes) {
      const off = [left - (box?.Left ?? NaN), top - (box?.Top ?? NaN), width - (box?.Width ?? NaN), height - (box?.Height ?? NaN)];
      assert.ok(off.every((each) => Math.abs(each) < 0.005), `${name}: ${off}`);
    }
  }
  assert.match(await status('astronaut.png'), /^Unsafe: Smoking · Person, People, /);
  assert.equal(await page.locator('[id]').evaluateAll((all) => all.length - new Set(all.map(({ id }) => id)).size), 0, 'ids are unique');

  // Nothing overflows at any width.
  await page.evaluate(() => scrollTo(0, 0));
  for (const [width, colorScheme] of /** @type {const} */ ([
    [1360, 'light'],
    [1024, 'light'],
    [360, 'dark'],
  ])) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    if (width !== 1024) assert.deepEqual(await accessibilityIssues(page), [], String(width));
    assert.equal(await overflow(page), 0, String(width));
    await screenshot(page, `upload-everything-${width}-${colorScheme}`);
  }
  await page.setViewportSize(DESKTOP.viewport);

  // A switch also applies to the next picture.
  await page.getByRole('switch', { name: 'Boxes for text' }).uncheck();
  assert.equal(await page.locator('.picture-overlay .box').count(), 4);
  await select(page, 'coffee.png');
  assert.deepEqual(await page.locator('.label-name').allTextContents(), ["IT'S MONDAY"]);
  assert.doesNotMatch(await page.locator('.task-view-side').innerText(), /No labels|No results/);
  assert.equal(await status('coffee.png'), "Text: IT'S MONDAY");
  assert.equal(await page.locator('.picture-overlay .box').count(), 0);
  await page.getByRole('checkbox', { name: /^IT'S MONDAY/ }).check();
  assert.equal(await page.locator('.picture-frame.highlighting .box.highlighted').count(), 1, 'boxes that were switched on are highlighted');

  await select(page, 'chelsea.png');
  await page.getByRole('heading', { name: 'No results' }).waitFor();
  assert.equal(await status('chelsea.png'), 'No results');
  assert.equal(await page.locator('.picture-overlay .box').count(), 0);
  await close();
});

test('the page works with the keyboard alone', async () => {
  const { page, close } = await open(browser);
  const focused = () =>
    page.evaluate(() => {
      const { activeElement } = document;
      return activeElement?.getAttribute('aria-label') ?? (activeElement?.closest('label') ?? activeElement)?.textContent?.trim() ?? '';
    });
  /** @param {RegExp} name */
  const tabTo = async (name) => {
    for (let tabs = 0; tabs < 40; tabs += 1) {
      await page.keyboard.press('Tab');
      if (!name.test(await focused())) continue;
      const outline = await page.evaluate(() => (document.activeElement ? getComputedStyle(document.activeElement).outlineStyle : 'none'));
      assert.notEqual(outline, 'none', `the focus on “${await focused()}” is not visible`);
      return;
    }
    assert.fail(`the Tab key does not reach ${name}`);
  };

  await tabTo(/^Skip to/);
  await tabTo(/^Choose pictures$/);
  await choose(page, ['motorcycle_left.png', 'astronaut.png'].map(picture), () => page.keyboard.press('Enter'));
  // Both must be finished: the Delete key would only cancel a running upload.
  for (const name of ['motorcycle_left.png', 'astronaut.png']) await row(page, name).and(page.locator('[data-state="done"]')).waitFor();
  assert.match(await focused(), /^Choose pictures$/, 'the focus does not move');

  await tabTo(/^motorcycle_left\.png/);
  await page.keyboard.press('ArrowDown');
  assert.match(await focused(), /^astronaut\.png/);
  await page.getByRole('heading', { name: 'astronaut.png', exact: true }).waitFor();

  await tabTo(/^Person/);
  const highlighted = page.locator('.picture-frame.highlighting .box.highlighted');
  await highlighted.first().waitFor({ state: 'attached' });
  await page.keyboard.press('Space');
  await highlighted.first().waitFor({ state: 'detached' });
  assert.equal(await page.locator('.tag', { hasText: 'Person' }).count(), 0);
  await page.keyboard.press('Space');
  await highlighted.first().waitFor({ state: 'attached' });
  await tabTo(/^Raw JSON$/);
  await page.keyboard.press('Enter');
  await page.getByText('"schemaVersion"').waitFor();

  const boxes = page.getByRole('switch', { name: 'Boxes for labels' });
  await boxes.focus();
  await page.keyboard.press('Space');
  assert.equal(await boxes.isChecked(), false);
  assert.equal(await page.locator('.picture-overlay .box').count(), 0);

  await page.getByTitle('astronaut.png', { exact: true }).focus();
  await page.keyboard.press('Delete');
  await row(page, 'astronaut.png').waitFor({ state: 'detached' });
  assert.match(await focused(), /^motorcycle_left\.png/, 'the focus moves to the remaining picture');
  await page.keyboard.press('Delete');
  assert.match(await focused(), /^Choose pictures$/);
  await close();
});

test('the page says why a file was skipped or failed', async () => {
  const { page, close } = await open(browser);
  await choose(page, { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('not a picture') });
  const notice = page.getByRole('alert');
  await notice.getByText('notes.txt was skipped').waitFor();
  assert.match((await notice.textContent()) ?? '', /not a supported picture type.* Choose JPEG, PNG/);
  await notice.getByRole('button', { name: 'Dismiss' }).press('Enter');
  assert.equal(await notice.textContent(), '');
  await page.locator('#choose:focus').waitFor();
  assert.equal(await page.locator('#tasks > li').count(), 0);

  await choose(page, [
    { name: 'broken.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('there is no picture in this file') },
    { name: 'photo.heic', mimeType: '', buffer: Buffer.from('....ftypheic....no picture either') },
  ]);
  await select(page, 'broken.jpg', 'failed');
  const document = await documentOf(page);
  assert.equal(document.status, 'failed');
  const [error] = document.errors ?? [];
  assert.ok(error?.message);
  await page.getByRole('heading', { name: 'This picture could not be analysed' }).waitFor();
  assert.ok((await page.locator('.problem').innerText()).includes(error.message.slice(1, -1)), error.message);

  // The service cannot decode HEIC, so a file that the page cannot convert is not uploaded.
  await select(page, 'photo.heic', 'failed');
  await page.getByRole('heading', { name: 'This HEIC file cannot be read' }).waitFor();
  assert.match(await page.locator('.problem').innerText(), /Settings → Camera → Formats → Most Compatible/);
  assert.match(await page.locator('.picture-placeholder').innerText(), /photo\.heic/);
  await close();
});

test('a failed upload is explained and can be tried again', async () => {
  const { page, close } = await open(browser, DESKTOP, { log: /Failed to load resource/ });
  await page.route(`${API}/uploads`, (route) => route.abort('connectionrefused'));
  await choose(page, picture('chelsea.png'));
  await select(page, 'chelsea.png', 'retrying');
  await page.getByRole('heading', { name: 'Cannot reach the API' }).waitFor();
  assert.ok((await page.locator('.problem').innerText()).includes(`There is no response from ${API}`));
  await page.unroute(`${API}/uploads`);

  // The bucket rejects the presigned request.
  let reject = true;
  await page.route(
    () => reject,
    async (route) => {
      if (route.request().method() !== 'PUT') return route.fallback();
      return route.fulfill({ status: 403, headers: { 'access-control-allow-origin': '*' }, body: '<Error><Code>SignatureDoesNotMatch</Code></Error>' });
    },
  );
  await page.getByRole('button', { name: 'Try now', exact: true }).click();
  await page.getByRole('heading', { name: 'The bucket rejected the file' }).waitFor();
  reject = false;
  await page.getByRole('button', { name: 'Try again', exact: true }).press('Enter');
  await page.locator('.task-view-head button:focus').waitFor();
  await select(page, 'chelsea.png');
  await close();
});

test('an upload can be cancelled and started again', async () => {
  const { page, close } = await open(browser);
  /** @type {() => void} */
  let release = () => {};
  const held = /** @type {Promise<void>} */ (new Promise((resolve) => (release = resolve)));
  await page.route(`${API}/uploads`, async (route) => {
    await held;
    await route.continue().catch(() => {});
  });
  await choose(page, picture('chelsea.png'));
  await page.getByRole('button', { name: 'Cancel', exact: true }).dblclick();
  await select(page, 'chelsea.png', 'cancelled');
  release();
  await page.getByRole('button', { name: 'Try again', exact: true }).click();
  await select(page, 'chelsea.png');
  await close();
});

test('many pictures are uploaded a few at a time', async () => {
  const { page, close } = await open(browser);
  let running = 0;
  let most = 0;
  const sent = (/** @type {import('playwright-core').Request} */ request) => request.method() === 'PUT';
  page.on('request', (request) => {
    if (sent(request)) most = Math.max(most, ++running);
  });
  const ended = (/** @type {import('playwright-core').Request} */ request) => {
    if (sent(request)) running -= 1;
  };
  page.on('requestfinished', ended);
  page.on('requestfailed', ended);
  const names = Array.from({ length: 12 }, (_, index) => `cat-${index + 1}.png`);
  await choose(page, names.map((name, index) => smallPicture(index, name)));
  await page.waitForFunction((count) => document.querySelectorAll('#tasks > [data-state="done"]').length === count, names.length, { timeout: TIMEOUT_MS });
  assert.ok(most >= 1 && most <= 4, `${most} uploads at once`);
  assert.equal(await page.locator('#tally').textContent(), '12 analysed');
  await page.getByRole('button', { name: 'Clear' }).click();
  await page.getByRole('heading', { name: 'See what is in your pictures' }).waitFor();
  await close();
});

for (const [device, options] of /** @type {const} */ ([
  ['desktop', DESKTOP],
  ['phone', PHONE],
])) {
  test(`on a ${device}: nothing is cut off, and the page is accessible in light and dark`, async () => {
    const { page, close } = await open(browser, { ...options, reducedMotion: 'reduce' });
    const fits = async (/** @type {string} */ name) => {
      assert.deepEqual(await accessibilityIssues(page), [], name);
      assert.equal(await overflow(page), 0, name);
      await screenshot(page, `upload-${device}-light${name}`);
      await page.emulateMedia({ colorScheme: 'dark' });
      assert.deepEqual(await accessibilityIssues(page, { only: 'color-contrast' }), [], `${name}, dark`);
      await screenshot(page, `upload-${device}-dark${name}`);
      await page.emulateMedia({ colorScheme: 'light' });
    };
    await fits('-empty');
    const broken = { name: 'broken.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('no picture') };
    await choose(page, ['astronaut.png', 'motorcycle_left.png'].map(picture));
    await choose(page, [broken, { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('x') }]);
    await select(page, 'broken.jpg', 'failed');
    await fits('-failed');

    await page.getByRole('button', { name: 'Dismiss' }).click();
    await select(page, 'astronaut.png');
    await page.evaluate(() => scrollTo(0, 0));
    await page.locator('.picture-frame.sized').waitFor();
    await page.mouse.move(0, 0);
    await screenshot(page, `upload-${device}-light`);
    await page.getByText('Raw JSON', { exact: true }).click();
    await page.getByText('"schemaVersion"').waitFor();
    await page.locator('.task-view-below').scrollIntoViewIfNeeded();
    await fits('-details');
    await close();
  });
}

test('the API is described at /docs, and the page is accessible in light and dark', async () => {
  const { page, close } = await open(browser, DESKTOP, { path: '/docs', ready: '.opblock' });
  assert.equal(await page.locator('.scheme-container').isVisible(), false, 'no empty band');
  // The edges are those of the page's head.
  const left = (/** @type {string} */ selector) => page.locator(selector).first().evaluate((each) => each.getBoundingClientRect().left);
  for (const selector of ['.info', '.opblock']) assert.equal(await left(selector), await left('.masthead img'), selector);
  // One operation with parameters, one with a body, and one that deletes.
  for (const operation of ['listImages', 'createUpload', 'deleteImage']) await page.locator(`[id$="-${operation}"] .opblock-summary-control`).press('Enter');
  await page.locator('.try-out__btn').first().click();
  await page.getByRole('button', { name: 'Execute' }).waitFor();
  assert.deepEqual(await accessibilityIssues(page), []);
  await page.emulateMedia({ colorScheme: 'dark' });
  assert.deepEqual(await accessibilityIssues(page, { only: 'color-contrast' }), [], 'dark');
  await page.setViewportSize({ width: 320, height: 740 });
  assert.equal(await overflow(page), 0);
  await page.evaluate(() => scrollTo(0, 0));
  await screenshot(page, 'docs-phone-dark');
  await close();
});
