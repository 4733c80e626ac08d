// @ts-check
/** The upload page in a real Chromium, against a running service. See README.md for how to start it. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { ASTRONAUT, SIZE, orientations } from './orientations.js';
import {
  API,
  DESKTOP,
  PATIENCE,
  PHONE,
  barriers,
  boxesLitBy,
  boxesOf,
  choose,
  documentOf,
  documentedAnswers,
  drop,
  keep,
  largest,
  launch,
  open,
  paste,
  picture,
  row,
  share,
  show,
  sideways,
} from './support.js';

/**
 * Where the pictures' subjects are, measured by eye, in ratios of the picture.
 */
const SUBJECTS = {
  'astronaut.png': { label: 'Person', at: { left: 0.03, top: 0.03, width: 0.8, height: 0.97 } },
  'motorcycle_left.png': { label: 'Motorcycle', at: { left: 0.14, top: 0.17, width: 0.8, height: 0.76 } },
};

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

test('pictures that are chosen, dropped and pasted show their labels and boxes', async () => {
  const { page, policy, close } = await open(browser);
  assert.match(policy, /default-src 'none'/);
  await choose(page, Object.keys(SUBJECTS).map(picture));
  await drop(page, picture('chelsea.png'), 'image/png');
  await paste(page, picture('coffee.png'));

  for (const [name, { label, at }] of Object.entries(SUBJECTS)) {
    await show(page, name);
    const document = await documentOf(page);
    const labels = document.rekognition?.detectLabels?.Labels ?? [];
    assert.ok(labels.some(({ Name }) => Name === label), `${name}: ${labels.map(({ Name }) => Name).join(', ')}`);

    // Every label is listed with its confidence.
    const listed = await page.locator('.label').evaluateAll((items) =>
      items.map((item) => [item.querySelector('.label-name')?.textContent, item.querySelector('.label-confidence')?.textContent]),
    );
    assert.deepEqual(listed, labels.map(({ Name, Confidence = 0 }) => [Name, `${Confidence.toFixed(1)}%`]));

    // A box lies on the subject, where the document says.
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

  await show(page, 'chelsea.png');
  await show(page, 'pasted-1.png');
  assert.equal((await documentOf(page)).source?.contentType, 'image/png');
  assert.equal(await page.locator('#tally').textContent(), '4 analysed');
  await close();
});

test('boxes lie on their subject, whichever way the picture is stored', async () => {
  const { page, close } = await open(browser);
  const variants = (await orientations(browser)).map((each) => ({ ...each, name: `astronaut-${each.orientation}.${each.type === 'image/png' ? 'png' : 'jpg'}` }));
  await choose(page, variants.map(({ name, type, bytes }) => ({ name, mimeType: type, buffer: bytes })));
  /** @type {import('./support.js').Box | undefined} */
  let upright;
  for (const { orientation, name } of variants) {
    await show(page, name);
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
  await keep(page, 'upload-orientations');
  await close();
});

test('HEIC goes as JPEG where the browser can decode it', async () => {
  const { page, close } = await open(browser);
  // Chromium has no decoder for HEIC. It goes by the bytes, so a JPEG called HEIC stands in for a HEIC in Safari.
  const sideways = (await orientations(browser)).find(({ orientation }) => orientation === 6);
  assert.ok(sideways);
  await choose(page, { name: 'IMG_1.HEIC', mimeType: 'image/heic', buffer: sideways.bytes });
  await show(page, 'IMG_1.HEIC');
  const { source, image } = await documentOf(page);
  assert.deepEqual([source?.contentType, source?.filename], ['image/jpeg', 'IMG_1.jpg']);
  assert.deepEqual([image?.width, image?.height, image?.orientation], [SIZE.width, SIZE.height, 1], 'it is sent upright');
  assert.match(await page.locator('.stage-meta').innerText(), /HEIC .* converted to JPEG for the upload/);
  const box = largest(await boxesOf(page, 'Person'));
  assert.ok(box && share(box, ASTRONAUT) > 0.8 && share(ASTRONAUT, box) > 0.8, JSON.stringify(box));
  await close();
});

test('colours, quality and the raw document are shown and can be taken along', async () => {
  const { page, close } = await open(browser);
  await choose(page, picture('motorcycle_left.png'));
  await show(page, 'motorcycle_left.png');
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
  assert.equal(await branch.getByText('"Labels"').count(), 0, 'a folded branch is not built');
  await branch.locator('summary').first().click();
  await branch.getByText('"Labels"').waitFor();

  await page.getByRole('button', { name: 'Copy the JSON' }).click();
  await page.getByText('Copied', { exact: true }).waitFor();
  assert.deepEqual(JSON.parse(await page.evaluate(() => navigator.clipboard.readText())), document);
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download the JSON' }).click()]);
  assert.equal(download.suggestedFilename(), 'motorcycle_left.png.json');
  assert.deepEqual(JSON.parse(readFileSync(await download.path(), 'utf8')), document);
  await close();
});

test('a picture with few labels has no slider, and the one of another hides none of its boxes', async () => {
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
  await show(page, 'motorcycle_left.png');
  const all = await page.locator('.picture-overlay .box').count();
  await page.locator('#findings-least').evaluate((range) => {
    if (!(range instanceof HTMLInputElement)) return;
    range.value = '99';
    range.dispatchEvent(new Event('input'));
  });
  const left = await page.locator('.picture-overlay .box').count();
  assert.ok(left < all);
  assert.match(await page.locator('.tools').innerText(), new RegExp(`^${left} box`));
  await show(page, 'astronaut.png');
  await page.locator('.label', { hasText: 'Person' }).waitFor();
  assert.equal(await page.locator('#findings-least').count(), 0);
  assert.equal(await page.locator('.picture-overlay .box').count(), 1);
  assert.equal(await page.locator('.tools').innerText(), '1 box over the picture');
  await close();
});

test('whatever was found is shown, and its boxes lie where the document says', async () => {
  const { page, close } = await open(browser);
  const answers = documentedAnswers();
  /** @type {Record<string, import('../../frontend/js/shared/api-types.js').RekognitionAnswers>} */
  const given = { 'astronaut.png': answers, 'coffee.png': { detectText: answers.detectText }, 'chelsea.png': { detectText: { TextDetections: [] } } };
  await page.route(/\/results\//, async (route) => {
    const response = await route.fetch();
    if (response.status() !== 200) return route.fulfill({ response });
    const document = await response.json();
    return route.fulfill({ json: { ...document, status: 'succeeded', errors: [], rekognition: given[document.source.filename] } });
  });
  await choose(page, Object.keys(given).map(picture));
  const note = (/** @type {string} */ name) => row(page, name).locator('.shot-note').innerText();

  await show(page, 'astronaut.png');
  const line = answers.detectText.TextDetections?.find(({ Type }) => Type === 'LINE');
  /** @type {[string, string, (import('../../frontend/js/shared/api-types.js').BoundingBox | undefined)?][]} */
  const wanted = [
    ...(answers.detectLabels.Labels ?? []).map(({ Name = '' }) => /** @type {[string, string]} */ (['Labels', Name])),
    ...(answers.detectCustomLabels.CustomLabels ?? []).map(({ Name = '', Geometry }) => /** @type {typeof wanted[number]} */ (['Custom labels', Name, Geometry?.BoundingBox])),
    ['Faces', 'Face 1', answers.detectFaces.FaceDetails?.[0]?.BoundingBox],
    ['Celebrities', 'Some Body', answers.recognizeCelebrities.CelebrityFaces?.[0]?.Face?.BoundingBox],
    ['Text', "IT'S MONDAY", line?.Geometry?.BoundingBox],
    ['Protective equipment', 'Person 1', answers.detectProtectiveEquipment.Persons?.[0]?.BoundingBox],
    ...(answers.detectModerationLabels.ModerationLabels ?? []).map(({ Name = '' }) => /** @type {[string, string]} */ (['Moderation', Name])),
  ];
  const listed = await page.locator('.stage-side .label').evaluateAll((items) =>
    items.map((item) => [item.closest('section')?.querySelector('h3')?.firstChild?.textContent, item.querySelector('.label-name')?.textContent]),
  );
  assert.deepEqual(listed, wanted.map(([group, name]) => [group, name]));
  assert.equal(await page.locator('.tools').innerText(), '5 boxes over the picture');
  await page.locator('.picture-frame.sized').waitFor();
  for (const [index, [, name, box]] of wanted.entries()) {
    const boxes = await boxesLitBy(page, page.locator('.stage-side .label').nth(index));
    assert.equal(boxes.length, box ? 1 : 0, name);
    for (const { left, top, width, height } of boxes) {
      const off = [left - (box?.Left ?? NaN), top - (box?.Top ?? NaN), width - (box?.Width ?? NaN), height - (box?.Height ?? NaN)];
      assert.ok(off.every((each) => Math.abs(each) < 0.005), `${name}: ${off}`);
    }
  }
  assert.match(await note('astronaut.png'), /^Unsafe: Smoking · People, Person, /);
  assert.equal(await page.locator('[id]').evaluateAll((all) => all.length - new Set(all.map(({ id }) => id)).size), 0, 'each id is there once');

  // All of it, in any window.
  await page.evaluate(() => scrollTo(0, 0));
  for (const [width, colorScheme] of /** @type {const} */ ([
    [1360, 'light'],
    [1024, 'light'],
    [360, 'dark'],
  ])) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await barriers(page), [], String(width));
    assert.equal(await sideways(page), 0, String(width));
    await keep(page, `upload-everything-${width}-${colorScheme}`);
  }
  await page.setViewportSize(DESKTOP.viewport);

  // What is switched off stays off, whatever the next picture says.
  await page.getByRole('switch', { name: 'Boxes of text' }).uncheck();
  assert.equal(await page.locator('.tools').innerText(), '4 boxes over the picture');
  await show(page, 'coffee.png');
  assert.deepEqual(await page.locator('.label-name').allTextContents(), ["IT'S MONDAY"]);
  assert.doesNotMatch(await page.locator('.stage-side').innerText(), /No labels|Nothing/);
  assert.equal(await note('coffee.png'), "Text: IT'S MONDAY");
  assert.equal(await page.locator('.tools').innerText(), '0 boxes over the picture');
  await page.getByRole('checkbox', { name: /^IT'S MONDAY/ }).check();
  assert.equal(await page.locator('.picture-frame.lit .box.on').count(), 1, 'what is switched on is lit');

  await show(page, 'chelsea.png');
  await page.getByRole('heading', { name: 'Nothing found' }).waitFor();
  assert.equal(await note('chelsea.png'), 'Nothing found');
  assert.equal(await page.locator('.tools').innerText(), '');
  await close();
});

test('the keyboard alone is enough', async () => {
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
      assert.notEqual(outline, 'none', `the focus on “${await focused()}” cannot be seen`);
      return;
    }
    assert.fail(`${name} cannot be reached with the Tab key`);
  };

  await tabTo(/^Skip to/);
  await tabTo(/^Choose pictures$/);
  await choose(page, ['motorcycle_left.png', 'astronaut.png'].map(picture), () => page.keyboard.press('Enter'));
  // Both, in whichever order: the Delete key cancels what is still on its way.
  for (const name of ['motorcycle_left.png', 'astronaut.png']) await row(page, name).and(page.locator('[data-state="done"]')).waitFor();
  assert.match(await focused(), /^Choose pictures$/, 'the focus stays where it was');

  await tabTo(/^motorcycle_left\.png/);
  await page.keyboard.press('ArrowDown');
  assert.match(await focused(), /^astronaut\.png/);
  await page.getByRole('heading', { name: 'astronaut.png', exact: true }).waitFor();

  await tabTo(/^Person/);
  const lit = page.locator('.picture-frame.lit .box.on');
  await lit.first().waitFor({ state: 'attached' });
  await page.keyboard.press('Space');
  await lit.first().waitFor({ state: 'detached' });
  assert.equal(await page.locator('.tag', { hasText: 'Person' }).count(), 0);
  await page.keyboard.press('Space');
  await lit.first().waitFor({ state: 'attached' });
  await tabTo(/^Raw JSON$/);
  await page.keyboard.press('Enter');
  await page.getByText('"schemaVersion"').waitFor();

  await page.locator('#boxes').focus();
  await page.keyboard.press('Space');
  assert.equal(await page.locator('#boxes').isChecked(), false);

  await page.getByTitle('astronaut.png', { exact: true }).focus();
  await page.keyboard.press('Delete');
  await row(page, 'astronaut.png').waitFor({ state: 'detached' });
  assert.match(await focused(), /^motorcycle_left\.png/, 'the focus goes to the picture that is left');
  await page.keyboard.press('Delete');
  assert.match(await focused(), /^Choose pictures$/);
  await close();
});

test('what cannot go is said in words', async () => {
  const { page, close } = await open(browser);
  await choose(page, { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('not a picture') });
  const notice = page.getByRole('alert');
  await notice.getByText('notes.txt was left out').waitFor();
  assert.match((await notice.textContent()) ?? '', /not a picture .* Choose JPEG, PNG/);
  await notice.getByRole('button', { name: 'Dismiss' }).press('Enter');
  assert.equal(await notice.textContent(), '');
  await page.locator('#choose:focus').waitFor();
  assert.equal(await page.locator('#shots > li').count(), 0);

  await choose(page, [
    { name: 'broken.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('there is no picture in this file') },
    { name: 'photo.heic', mimeType: '', buffer: Buffer.from('....ftypheic....no picture either') },
  ]);
  for (const name of ['broken.jpg', 'photo.heic']) {
    await show(page, name, 'failed');
    const document = await documentOf(page);
    assert.equal(document.status, 'failed');
    const [error] = document.errors ?? [];
    assert.ok(error?.message);
    await page.getByRole('heading', { name: 'This picture could not be analysed' }).waitFor();
    assert.ok((await page.locator('.problem').innerText()).includes(error.message.slice(1, -1)), `${name}: ${error.message}`);
  }
  assert.match(await page.locator('.picture-blank').innerText(), /photo\.heic/);
  await close();
});

test('a fault on the way is explained, and trying again helps', async () => {
  const { page, close } = await open(browser, DESKTOP, { log: /Failed to load resource/ });
  await page.route(`${API}/uploads`, (route) => route.abort('connectionrefused'));
  await choose(page, picture('chelsea.png'));
  await show(page, 'chelsea.png', 'failed');
  await page.getByRole('heading', { name: 'The API cannot be reached' }).waitFor();
  assert.ok((await page.locator('.problem').innerText()).includes(`Nothing answered at ${API}`));
  await page.unroute(`${API}/uploads`);

  // A bucket that takes back what it promised.
  let refuse = true;
  await page.route(
    () => refuse,
    async (route) => {
      if (route.request().method() !== 'PUT') return route.fallback();
      return route.fulfill({ status: 403, headers: { 'access-control-allow-origin': '*' }, body: '<Error><Code>SignatureDoesNotMatch</Code></Error>' });
    },
  );
  await page.getByRole('button', { name: 'Try again', exact: true }).click();
  await page.getByRole('heading', { name: 'The bucket refused the file' }).waitFor();
  refuse = false;
  await page.getByRole('button', { name: 'Try again', exact: true }).press('Enter');
  await page.locator('.stage-head button:focus').waitFor();
  await show(page, 'chelsea.png');
  await close();
});

test('an upload can be cancelled and taken up again', async () => {
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
  await show(page, 'chelsea.png', 'cancelled');
  release();
  await page.getByRole('button', { name: 'Try again', exact: true }).click();
  await show(page, 'chelsea.png');
  await close();
});

test('many pictures go a few at a time, and all arrive', async () => {
  const { page, close } = await open(browser);
  let underWay = 0;
  let most = 0;
  const sent = (/** @type {import('playwright-core').Request} */ request) => request.method() === 'PUT';
  page.on('request', (request) => {
    if (sent(request)) most = Math.max(most, ++underWay);
  });
  const ended = (/** @type {import('playwright-core').Request} */ request) => {
    if (sent(request)) underWay -= 1;
  };
  page.on('requestfinished', ended);
  page.on('requestfailed', ended);
  const buffer = readFileSync(picture('chelsea.png'));
  const names = Array.from({ length: 12 }, (_, index) => `cat-${index + 1}.png`);
  await choose(page, names.map((name) => ({ name, mimeType: 'image/png', buffer })));
  await page.waitForFunction((count) => document.querySelectorAll('#shots > [data-state="done"]').length === count, names.length, { timeout: PATIENCE });
  assert.ok(most >= 1 && most <= 4, `${most} uploads at once`);
  assert.equal(await page.locator('#tally').textContent(), '12 analysed');
  await page.getByRole('button', { name: 'Clear' }).click();
  await page.getByRole('heading', { name: 'See what your pictures show' }).waitFor();
  await close();
});

for (const [device, options] of /** @type {const} */ ([
  ['desktop', DESKTOP],
  ['phone', PHONE],
])) {
  for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
    test(`on a ${device}, ${colorScheme}: nothing is cut off and nobody is kept out`, async () => {
      const { page, close } = await open(browser, { ...options, colorScheme, reducedMotion: 'reduce' });
      await keep(page, `upload-${device}-${colorScheme}-empty`);
      assert.deepEqual(await barriers(page), []);
      assert.equal(await sideways(page), 0);

      const broken = { name: 'broken.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('no picture') };
      await choose(page, ['astronaut.png', 'motorcycle_left.png', 'chelsea.png', 'coffee.png', 'rocket.jpg'].map(picture));
      await choose(page, [broken, { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('x') }]);
      await show(page, 'broken.jpg', 'failed');
      assert.deepEqual(await barriers(page), []);
      assert.equal(await sideways(page), 0);
      await keep(page, `upload-${device}-${colorScheme}-failed`);

      await page.getByRole('button', { name: 'Dismiss' }).click();
      for (const name of ['rocket.jpg', 'coffee.png', 'chelsea.png', 'motorcycle_left.png', 'astronaut.png']) await show(page, name);
      await page.evaluate(() => scrollTo(0, 0));
      await page.locator('.picture-frame.sized').waitFor();
      await page.mouse.move(0, 0);
      await keep(page, `upload-${device}-${colorScheme}`);

      await page.getByText('Raw JSON', { exact: true }).click();
      await page.getByText('"schemaVersion"').waitFor();
      assert.deepEqual(await barriers(page), []);
      assert.equal(await sideways(page), 0);
      await page.locator('.stage-below').scrollIntoViewIfNeeded();
      await keep(page, `upload-${device}-${colorScheme}-details`);
      await close();
    });
  }
}
