// @ts-check
/**
 * Takes the screenshots of the documents: see docs/pictures/make. It uploads photographs, says who analysed them, and stops if a
 * photograph lacks what it shows.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { API, PHONE, choose, launch, open, picture, select } from './support.js';

/** @typedef {import('playwright-core').Page} Page */

/** What a photograph shows, by label. Their licences allow copies; see tests/pictures.md. The last one is on the upload page. */
const PHOTOGRAPHS = { 'rocket.jpg': 'Rocket', 'coffee.png': 'Cup', 'chelsea.png': 'Cat', 'astronaut.png': 'Person' };
const NAMES = Object.keys(PHOTOGRAPHS);
const PORTRAIT = 'astronaut.png';

/** The largest screenshot, in bytes. */
const MAX_BYTES = 150_000;

const folder = process.env.ARTEFACTS ?? '.';
mkdirSync(folder, { recursive: true });

/**
 * Saves the window as WebP, in the best quality that is small enough.
 * @param {Page} page
 * @param {string} name
 */
async function save(page, name) {
  await page.mouse.move(0, 0);
  await page.evaluate(async () => {
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    await document.fonts.ready;
    await Promise.allSettled(document.getAnimations().map(({ finished }) => finished));
  });
  await page.waitForFunction(() =>
    [...document.images].every((image) => {
      const { top, bottom, width } = image.getBoundingClientRect();
      return width === 0 || bottom <= 0 || top >= innerHeight || (image.complete && image.naturalWidth > 0);
    }),
  );
  await page.evaluate(() => Promise.allSettled([...document.images].filter(({ complete, naturalWidth }) => complete && naturalWidth > 0).map((image) => image.decode())));
  const session = await page.context().newCDPSession(page);
  for (const quality of [90, 80, 70, 60, 50, 40]) {
    const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality });
    const bytes = Buffer.from(data, 'base64');
    if (bytes.length > MAX_BYTES) continue;
    writeFileSync(join(folder, `${name}.webp`), bytes);
    console.log(`${name}.webp: ${Math.round(bytes.length / 1000)} kB, quality ${quality}`);
    return;
  }
  throw new Error(`${name} is larger than ${MAX_BYTES} bytes in every quality.`);
}

/** The photographs on the service are those that this run uploaded last, and each has its label. */
async function checkAnswers() {
  const { images } = await (await fetch(`${API}/images?limit=${NAMES.length}`)).json();
  for (const [name, label] of Object.entries(PHOTOGRAPHS)) {
    const row = images.find((/** @type {{filename?: string}} */ { filename }) => filename === name);
    const document = await (await fetch(`${API}/results/${row.key}`)).json();
    const { LabelModelVersion: by, Labels = [] } = document.rekognition.detectLabels ?? {};
    const labels = Labels.map((/** @type {{Name: string}} */ { Name }) => Name);
    console.log(`${name}: ${labels.slice(0, 6).join(', ')} (answered by ${by})`);
    if (!labels.includes(label)) throw new Error(`The recogniser does not see ${label} in ${name}. Run \`sightline models fetch\`, or use another service.`);
  }
}

/**
 * @param {Page} page
 * @param {string} name
 */
async function view(page, name) {
  await page.locator('.tile').filter({ has: page.getByText(name, { exact: true }) }).click();
  const viewer = page.locator('#viewer');
  await viewer.getByRole('heading', { name, exact: true }).waitFor();
  await viewer.locator('.box, .document').first().waitFor({ state: 'attached' });
}

const SCHEMES = /** @type {const} */ (['light', 'dark']);
const suffix = (/** @type {'light' | 'dark'} */ scheme) => (scheme === 'dark' ? '-dark' : '');

const browser = await launch();
try {
  const upload = await open(browser, { viewport: { width: 1280, height: 960 }, reducedMotion: 'reduce' });
  await choose(upload.page, NAMES.map(picture));
  for (const name of NAMES) await select(upload.page, name);
  await checkAnswers();
  for (const colorScheme of SCHEMES) {
    await upload.page.emulateMedia({ colorScheme });
    await save(upload.page, `upload${suffix(colorScheme)}`);
  }
  await upload.close();

  const path = '/gallery.html';
  for (const colorScheme of SCHEMES) {
    const { page, close } = await open(browser, { viewport: { width: 1280, height: 560 }, reducedMotion: 'reduce', colorScheme }, { path, ready: '.tile' });
    await save(page, `gallery${suffix(colorScheme)}`);
    await page.setViewportSize({ width: 1280, height: 860 });
    await view(page, PORTRAIT);
    await save(page, `viewer${suffix(colorScheme)}`);
    await close();
  }
  const small = await open(browser, { ...PHONE, reducedMotion: 'reduce' }, { path, ready: '.tile' });
  await save(small.page, 'gallery-phone');
  await view(small.page, 'chelsea.png');
  await save(small.page, 'viewer-phone');
  await small.close();

  // Last, because it uploads the portrait again.
  const phone = await open(browser, { ...PHONE, reducedMotion: 'reduce' });
  await choose(phone.page, [picture(PORTRAIT)]);
  await select(phone.page, PORTRAIT);
  await save(phone.page, 'upload-phone');
  await phone.close();
} finally {
  await browser.close();
}
