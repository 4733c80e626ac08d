// @ts-check
/** Takes the screenshots of the documents: see docs/pictures/make. Waits until all pictures are analysed. */

import { choose, launch, open, picture, screenshot } from './support.js';

const PORTRAIT = 'astronaut.png';
const PHOTOGRAPHS = ['page.png', 'motorcycle_left.png', 'coffee.png', 'chelsea.png', PORTRAIT];

const browser = await launch();
try {
  const upload = await open(browser, { viewport: { width: 1360, height: 1180 } });
  await choose(upload.page, PHOTOGRAPHS.map(picture));
  await upload.page.waitForFunction((count) => document.querySelectorAll('#tasks [data-state="done"]').length >= count, PHOTOGRAPHS.length);
  await upload.page.getByRole('button', { name: new RegExp(PORTRAIT) }).first().click();
  await upload.page.locator('#task-view img').first().waitFor();
  await screenshot(upload.page, 'page');
  await upload.close();

  const gallery = await open(browser, { viewport: { width: 1060, height: 480 } }, { path: '/gallery.html', ready: '.tile-picture.loaded' });
  await gallery.page.waitForFunction((count) => document.querySelectorAll('.tile-picture.loaded').length >= count, PHOTOGRAPHS.length);
  await screenshot(gallery.page, 'gallery');
  await gallery.close();
} finally {
  await browser.close();
}
