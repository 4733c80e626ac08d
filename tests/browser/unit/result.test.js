// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { BOX_HUES, aspectOf, coloursOf, labelsOf, qualityOf, tellingLabels } from '../../../frontend/js/shared/result.js';
import { summaryLine } from '../../../frontend/js/shared/result-summary.js';
import { splitColourName } from '../../../frontend/js/shared/colours.js';

/**
 * @param {import('../../../frontend/js/shared/api-types.js').DetectLabelsResponse} detectLabels
 * @returns {import('../../../frontend/js/shared/api-types.js').ResultDocument}
 */
const documentOf = (detectLabels) => ({ schemaVersion: 1, imageId: 'i', status: 'succeeded', rekognition: { detectLabels } });

const GREY = { HexCode: '#2f4f4f', CSSColor: 'darkslategray', SimplifiedColor: 'grey', PixelPercent: 42.5 };
const BOX = { Left: 0.5, Top: 0, Width: 0.25, Height: 0.5 };

test('ancestors come after the labels that say more; only those with instances get a colour', () => {
  const labels = labelsOf(
    documentOf({
      Labels: [
        {
          Name: 'Motorcycle',
          Confidence: 97.5,
          Instances: [{ BoundingBox: BOX, Confidence: 91, DominantColors: [GREY] }, { Confidence: 50 }],
          Parents: [{ Name: 'Vehicle' }],
          Aliases: [{ Name: 'Motorbike' }],
          Categories: [{ Name: 'Vehicles and Automotive' }],
        },
        { Name: 'Vehicle', Confidence: 97.5, Instances: [] },
        { Name: 'Person', Confidence: 60, Instances: [{ BoundingBox: BOX, Confidence: 60 }] },
      ],
    }),
  );
  assert.deepEqual(labels[0], {
    name: 'Motorcycle',
    confidence: 97.5,
    parents: ['Vehicle'],
    aliases: ['Motorbike'],
    categories: ['Vehicles and Automotive'],
    instances: [{ box: { left: 0.5, top: 0, width: 0.25, height: 0.5 }, confidence: 91, colours: [{ hex: '#2F4F4F', name: 'darkslategray', percent: 42.5 }] }],
    hue: 0,
  });
  assert.deepEqual(
    labels.map(({ name, hue }) => [name, hue]),
    [
      ['Motorcycle', 0],
      ['Person', 1],
      ['Vehicle', null],
    ],
  );
  const animals = documentOf({ Labels: [{ Name: 'Animal', Confidence: 99 }, { Name: 'Grass', Confidence: 60 }, { Name: 'Zebra', Confidence: 90, Parents: [{ Name: 'Animal' }] }] });
  assert.deepEqual(labelsOf(animals).map(({ name }) => name), ['Zebra', 'Grass', 'Animal']);
  assert.deepEqual(tellingLabels(animals), ['Zebra', 'Grass']);
  assert.equal(summaryLine(animals), 'Zebra, Grass');
});

test('box colours repeat after the last', () => {
  const Labels = Array.from({ length: BOX_HUES + 1 }, (_, index) => ({ Name: `L${index}`, Confidence: 90, Instances: [{ BoundingBox: BOX, Confidence: 90 }] }));
  assert.equal(labelsOf(documentOf({ Labels })).at(-1)?.hue, 0);
});

test('regions without values are omitted', () => {
  const document = documentOf({
    ImageProperties: {
      Quality: { Brightness: 61.5, Sharpness: 88, Contrast: 70 },
      DominantColors: [GREY, { HexCode: 'red', PixelPercent: 3 }],
      Foreground: { Quality: { Brightness: 50, Sharpness: 90 }, DominantColors: [] },
    },
  });
  assert.deepEqual(qualityOf(document), [
    { region: 'Picture', values: [61.5, 88, 70] },
    { region: 'Foreground', values: [50, 90, null] },
  ]);
  assert.deepEqual(coloursOf(document), [{ region: 'Picture', colours: [{ hex: '#2F4F4F', name: 'darkslategray', percent: 42.5 }] }]);
});

test('a failed document has no results', () => {
  /** @type {import('../../../frontend/js/shared/api-types.js').ResultDocument} */
  const failed = { schemaVersion: 1, imageId: 'i', status: 'failed', rekognition: {}, errors: [] };
  assert.deepEqual([labelsOf(failed), coloursOf(failed), qualityOf(failed), aspectOf(failed)], [[], [], [], null]);
  assert.equal(aspectOf(null), null);
  assert.equal(aspectOf({ ...failed, image: { width: 300, height: 200 } }), 1.5);
});

test('colour names are split into words', () => {
  assert.equal(splitColourName('darkslategray'), 'dark slate grey');
  assert.equal(splitColourName('lightgoldenrodyellow'), 'light goldenrod yellow');
  assert.equal(splitColourName('tan'), 'tan');
  assert.equal(splitColourName('#2F4F4F'), '#2F4F4F');
});
