// @ts-check
/**
 * The upload page with the models of `sightline models` installed: what a person sees of the project's photographs.
 * See README.md for how to start the service.
 */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { boxesOf, choose, documentOf, largest, launch, open, picture, screenshot, select, share } from './support.js';

/** @typedef {import('./support.js').Box} Box */

/**
 * What each photograph shows, as a person saw it: the labels that it must get, labels that would be wrong, and the subject's
 * box, measured by eye, in ratios of the picture.
 * @type {Record<string, {labels: string[], wrong: string[], box?: {label: string, at: Box}}>}
 */
const PHOTOGRAPHS = {
  'chelsea.png': { labels: ['Animal', 'Cat'], wrong: ['Dog', 'Person'], box: { label: 'Cat', at: { left: 0, top: 0, width: 0.83, height: 1 } } },
  'coffee.png': { labels: ['Coffee', 'Cup'], wrong: ['Clothing', 'Hat', 'Person'], box: { label: 'Cup', at: { left: 0.29, top: 0.04, width: 0.4, height: 0.62 } } },
  'astronaut.png': { labels: ['Person', 'Face', 'Female'], wrong: ['Male', 'Man'], box: { label: 'Person', at: { left: 0.03, top: 0.02, width: 0.7, height: 0.98 } } },
  'motorcycle_left.png': { labels: ['Motorcycle', 'Vehicle'], wrong: ['Person', 'Car'], box: { label: 'Motorcycle', at: { left: 0.12, top: 0.15, width: 0.8, height: 0.76 } } },
  'page.png': { labels: [], wrong: ['Person', 'Animal', 'Cat'] },
};

/** Words on page.png that must be read. */
const WORDS = ['segmentation', 'determine', 'markers', 'coins', 'background', 'unambiguously', 'histogram'];

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

test('the photographs of a cat, a coffee, a portrait, a motorcycle and a page are answered rightly', async () => {
  const { page, close } = await open(browser);
  await choose(page, Object.keys(PHOTOGRAPHS).map(picture));
  for (const [name, { labels, wrong, box }] of Object.entries(PHOTOGRAPHS)) {
    await select(page, name);
    const listed = await page.locator('.label-name').allTextContents();
    for (const label of labels) assert.ok(listed.includes(label), `${name} lacks ${label}: ${listed.join(', ')}`);
    for (const label of wrong) assert.ok(!listed.includes(label), `${name} is not ${label}: ${listed.join(', ')}`);
    if (box) {
      const found = largest(await boxesOf(page, box.label));
      assert.ok(found && share(found, box.at) > 0.75 && share(box.at, found) > 0.75, `${name}: ${JSON.stringify(found)}`);
    }
    const { summary, rekognition } = await documentOf(page);
    const faces = rekognition?.detectFaces?.FaceDetails ?? [];
    assert.equal(faces.length, name === 'astronaut.png' ? 1 : 0, `${name}: faces`);
    if (name === 'astronaut.png') {
      assert.equal(faces[0]?.Gender?.Value, 'Female');
      assert.equal(faces[0]?.Smile?.Value, true);
    }
    assert.deepEqual(summary?.moderation, [], `${name}: moderation`);
    if (name === 'page.png') {
      const words = (summary?.text ?? []).join(' ');
      assert.deepEqual(WORDS.filter((word) => !words.includes(word)), [], words);
    }
  }
  await screenshot(page, 'recognisers');
  await close();
});
