// @ts-check
/**
 * Measures the gallery with many pictures and prints a table: `node measure.js [PICTURES]`, by default 10,000. It scrolls
 * through all of them, a screen at a time, in a Chromium window of 1360 x 900 pixels.
 */

import { chromium } from 'playwright-core';

import { serve } from './many.js';

const pictures = Number(process.argv[2] ?? 10_000);
const service = await serve(pictures);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--js-flags=--expose-gc'] });
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
  const scrolled = await page.evaluate(async (wanted) => {
    const tally = document.querySelector('#tally');
    /** @type {number[]} */
    const frames = [];
    let tiles = 0;
    let elements = 0;
    let stalled = 0;
    const began = performance.now();
    let last = began;
    while (!(tally?.textContent ?? '').startsWith(`${wanted} picture`) || scrollY + innerHeight < document.documentElement.scrollHeight - 2) {
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
    frames.sort((a, b) => a - b);
    return { seconds: (performance.now() - began) / 1000, screens: frames.length - stalled, tiles, elements, median: frames[frames.length >> 1] ?? 0, p99: frames[Math.floor(frames.length * 0.99)] ?? 0, slowest: frames.at(-1) ?? 0 };
  }, pictures);
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
    ['tiles at once, at most', String(scrolled.tiles)],
    ['elements in the page, at most', String(scrolled.elements)],
    ['step of the confidence slider, median / slowest', `${ms(slider[slider.length >> 1] ?? 0)} / ${ms(slider.at(-1) ?? 0)}`],
    ['script memory, first screen / all pictures', `${before.toFixed(1)} MiB / ${(await heap()).toFixed(1)} MiB`],
    ['requests for pages', String(service.requests.length)],
  ]) console.log(`| ${what} | ${value} |`);
} finally {
  await browser.close();
  service.close();
}
