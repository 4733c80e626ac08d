// @ts-check
/** Takes the screenshots of the documents: see docs/pictures/make. Waits until all pictures are analysed. */

import { choose, launch, open, picture, screenshot, select } from './support.js';

const PORTRAIT = 'astronaut.png';
/** Those whose licence allows copies; see tests/pictures.md. */
const PHOTOGRAPHS = ['coffee.png', 'chelsea.png', PORTRAIT];

const browser = await launch();
try {
  const upload = await open(browser, { viewport: { width: 1360, height: 1180 } });
  await choose(upload.page, PHOTOGRAPHS.map(picture));
  for (const name of PHOTOGRAPHS) await select(upload.page, name);
  await upload.page.locator('.picture-frame.sized').waitFor();
  await screenshot(upload.page, 'page');
  await upload.close();

  const gallery = await open(browser, { viewport: { width: 1060, height: 480 } }, { path: '/gallery.html', ready: '.tile-picture.loaded' });
  await gallery.page.waitForFunction((count) => document.querySelectorAll('.tile-picture.loaded').length >= count, PHOTOGRAPHS.length);
  await screenshot(gallery.page, 'gallery');
  await gallery.close();
} finally {
  await browser.close();
}
