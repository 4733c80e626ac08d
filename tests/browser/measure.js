// @ts-check
/**
 * Measures the gallery with many pictures and prints a table: `node measure.js [PICTURES]`, by default 5,000. Each has a
 * thumbnail of its own, 320 pixels wide: a part of one of the test photographs as JPEG. It scrolls through all of them, a
 * screen at a time, in a Chromium window of 1360 x 900 pixels.
 */

import { readFileSync, readdirSync } from 'node:fs';

import { chromium } from 'playwright-core';

import { serve } from './many.js';

const THUMBNAIL = { width: 320, height: 240 };
const PHOTOGRAPHS = new URL(`file://${process.env.SIGHTLINE_PICTURES ?? new URL('../.pictures', import.meta.url).pathname}/`);

const pictures = Number(process.argv[2] ?? 5_000);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--js-flags=--expose-gc'] });
const thumbnails = await makeThumbnails(pictures);
const service = await serve(pictures, thumbnails);
try {
  const page = await browser.newPage({ viewport: { width: 1360, height: 900 } });
  await page.goto(`${service.address}/gallery.html`);
  await page.locator('.tile-picture.loaded').first().waitFor();
  const first = await page.evaluate(() => performance.now());
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Performance.enable');
  const heap = async () => {
    await page.evaluate(() => /** @type {any} */ (globalThis).gc());
    const { metrics } = await devtools.send('Performance.getMetrics');
    return (metrics.find(({ name }) => name === 'JSHeapUsedSize')?.value ?? 0) / 1024 / 1024;
  };
  const before = await heap();
  const residentBefore = await resident();
  const scrolled = await page.evaluate(async (wanted) => {
    const tally = document.querySelector('#tally');
    /** @type {number[]} */
    const frames = [];
    let tiles = 0;
    let elements = 0;
    let stalled = 0;
    const began = performance.now();
    let last = began;
    const isComplete = () => new RegExp(`^${wanted} pictures?$`).test(tally?.textContent ?? '');
    while (!isComplete() || scrollY + innerHeight < document.documentElement.scrollHeight - 2) {
      const at = scrollY;
      scrollBy(0, innerHeight);
      await new Promise((resolve) => requestAnimationFrame(resolve));
      const now = performance.now();
      frames.push(now - last);
      last = now;
      if (scrollY === at) stalled += 1;
      tiles = Math.max(tiles, document.querySelectorAll('.tile').length);
      elements = Math.max(elements, document.querySelectorAll('*').length);
    }
    const blank = [...document.querySelectorAll('img.tile-picture')].filter((each) => !each.classList.contains('loaded')).length;
    frames.sort((a, b) => a - b);
    return { seconds: (performance.now() - began) / 1000, screens: frames.length - stalled, tiles, elements, blank, median: frames[frames.length >> 1] ?? 0, p99: frames[Math.floor(frames.length * 0.99)] ?? 0, slowest: frames.at(-1) ?? 0 };
  }, pictures);
  // Thumbnails in memory, before the slider leaves few of them.
  const residentAfter = await resident();
  // The slider filters all loaded pictures.
  const slider = await page.evaluate(async () => {
    const range = /** @type {HTMLInputElement} */ (document.querySelector('#min-confidence'));
    /** @type {number[]} */
    const steps = [];
    for (let value = 50; value < 100; value += 1) {
      range.value = String(value);
      const began = performance.now();
      range.dispatchEvent(new Event('input'));
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      steps.push(performance.now() - began);
    }
    return steps.sort((a, b) => a - b);
  });
  const ms = (/** @type {number} */ value) => `${value.toFixed(0)} ms`;
  for (const [what, value] of [
    ['pictures', String(pictures)],
    ['first thumbnail after', ms(first)],
    ['screens scrolled', String(scrolled.screens)],
    ['time for all of them', `${scrolled.seconds.toFixed(1)} s`],
    ['frame, median / 99th percentile / slowest', `${ms(scrolled.median)} / ${ms(scrolled.p99)} / ${ms(scrolled.slowest)}`],
    ['thumbnails, mean size', `${(thumbnails.reduce((sum, { length }) => sum + length, 0) / thumbnails.length / 1024).toFixed(1)} KiB`],
    ['tiles at once, at most', String(scrolled.tiles)],
    ['thumbnails still loading in the last frame', String(scrolled.blank)],
    ['elements in the page, at most', String(scrolled.elements)],
    ['step of the confidence slider, median / slowest', `${ms(slider[slider.length >> 1] ?? 0)} / ${ms(slider.at(-1) ?? 0)}`],
    ['script memory, first screen / all pictures', `${before.toFixed(1)} MiB / ${(await heap()).toFixed(1)} MiB`],
    ['memory of the page\'s process, first screen / all pictures', `${residentBefore} / ${residentAfter}`],
    ['requests for pages', String(service.requests.length)],
  ]) console.log(`| ${what} | ${value} |`);
} finally {
  await browser.close();
  service.close();
}

/** The resident memory of the largest process that shows pages. Linux only. */
async function resident() {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  const sizes = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => {
    try {
      return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1] ?? 0);
    } catch {
      return 0;
    }
  });
  return `${(Math.max(0, ...sizes) / 1024).toFixed(0)} MiB`;
}

/**
 * Different parts of the test photographs as JPEG.
 * @param {number} count
 */
async function makeThumbnails(count) {
  const page = await browser.newPage();
  const photographs = readdirSync(PHOTOGRAPHS).filter((name) => /\.(jpe?g|png)$/.test(name)).map((name) => readFileSync(new URL(name, PHOTOGRAPHS), 'base64'));
  if (photographs.length === 0) throw new Error('There are no photographs. Set SIGHTLINE_PICTURES: see tests/browser/README.md.');
  /** @type {Buffer[]} */
  const made = [];
  await page.evaluate(async (all) => {
    const bitmaps = await Promise.all(all.map((base64) => createImageBitmap(new Blob([Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))]))));
    Object.assign(window, { bitmaps });
  }, photographs);
  while (made.length < count) {
    const some = await page.evaluate(
      async ({ from, to, size }) => {
        const bitmaps = /** @type {ImageBitmap[]} */ (Reflect.get(window, 'bitmaps'));
        const canvas = new OffscreenCanvas(size.width, size.height);
        const context = canvas.getContext('2d');
        /** @type {string[]} */
        const jpegs = [];
        for (let n = from; n < to; n += 1) {
          const bitmap = bitmaps[n % bitmaps.length];
          if (!bitmap || !context) break;
          // A part of 50 to 100 percent of the photograph, each time another one.
          const part = 0.5 + 0.5 * ((n * 0.618) % 1);
          const height = Math.min(bitmap.height, (bitmap.width * size.height) / size.width) * part;
          const width = (height * size.width) / size.height;
          context.drawImage(bitmap, (bitmap.width - width) * ((n * 0.317) % 1), (bitmap.height - height) * ((n * 0.743) % 1), width, height, 0, 0, size.width, size.height);
          const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.85 })).arrayBuffer());
          jpegs.push(btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), '')));
        }
        return jpegs;
      },
      { from: made.length, to: Math.min(count, made.length + 250), size: THUMBNAIL },
    );
    if (some.length === 0) throw new Error('Chromium cannot make the thumbnails.');
    made.push(...some.map((base64) => Buffer.from(base64, 'base64')));
  }
  await page.close();
  return made;
}
