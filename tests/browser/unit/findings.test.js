// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { groupsOf } from '../../../frontend/js/shared/findings.js';

const BOX = { Left: 0.1, Top: 0.2, Width: 0.3, Height: 0.4 };

test('all Rekognition responses are read into groups', () => {
  const groups = groupsOf({
    schemaVersion: 1,
    imageId: 'i',
    status: 'succeeded',
    rekognition: {
      detectLabels: { Labels: [{ Name: 'Person', Confidence: 99, Instances: [{ BoundingBox: BOX, Confidence: 98 }] }, { Name: 'Outdoors', Confidence: 70 }] },
      detectFaces: {
        FaceDetails: [
          {
            BoundingBox: BOX,
            Confidence: 99.5,
            AgeRange: { Low: 20, High: 30 },
            Gender: { Value: 'Female' },
            Emotions: [{ Type: 'CALM', Confidence: 1 }, { Type: 'HAPPY', Confidence: 97 }],
            Smile: { Value: true },
            Beard: { Value: false },
          },
        ],
      },
      detectText: {
        TextDetections: [
          { DetectedText: 'KEEP LEFT', Type: 'LINE', Confidence: 98, Geometry: { BoundingBox: BOX } },
          { DetectedText: 'KEEP', Type: 'WORD', Confidence: 98, Geometry: { BoundingBox: BOX } },
        ],
      },
      detectModerationLabels: { ModerationLabels: [{ Name: 'Smoking', ParentName: 'Drugs & Tobacco', Confidence: 91 }] },
      recognizeCelebrities: { CelebrityFaces: [{ Name: 'Ada Lovelace', MatchConfidence: 97, Face: { BoundingBox: BOX } }] },
      detectCustomLabels: { CustomLabels: [{ Name: 'logo', Confidence: 80, Geometry: { BoundingBox: BOX } }, { Name: 'logo', Confidence: 90, Geometry: { BoundingBox: BOX } }, { Name: 'whole', Confidence: 60 }] },
      detectProtectiveEquipment: { Persons: [{ BoundingBox: BOX, Confidence: 99, BodyParts: [{ Name: 'HEAD', EquipmentDetections: [{ Type: 'HEAD_COVER' }] }] }] },
    },
  });
  const read = groups.map(({ id, findings }) => [id, ...findings.map(({ name, confidence, instances, hue }) => [name, confidence, instances.length, hue])]);
  assert.deepEqual(read, [
    ['labels', ['Person', 99, 1, 0], ['Outdoors', 70, 0, null]],
    ['custom', ['logo', 90, 2, 1], ['whole', 60, 0, null]],
    ['faces', ['Face 1', 99.5, 1, 2]],
    ['celebrities', ['Ada Lovelace', 97, 1, 3]],
    ['text', ['KEEP LEFT', 98, 1, 4]],
    ['equipment', ['Person 1', 99, 1, 5]],
    ['moderation', ['Smoking', 91, 0, null]],
  ]);
  const factsOf = (/** @type {string} */ id) => groups.find((each) => each.id === id)?.findings[0]?.facts.map(({ name, values }) => `${name} ${values.join(', ')}`);
  assert.deepEqual(factsOf('faces'), ['Estimated age 20 to 30', 'Gender Female', 'Expression happy 97%', 'Attributes smile']);
  assert.deepEqual(factsOf('equipment'), ['Wears head cover']);
  assert.deepEqual(factsOf('moderation'), ['Category Drugs & Tobacco']);
});

test('a face says how sure its attributes are', () => {
  const face = { Confidence: 99, Gender: { Value: 'Male', Confidence: 98.4 }, Emotions: [{ Type: 'CALM', Confidence: 71.6 }], Smile: { Value: false, Confidence: 95 }, EyesOpen: { Value: true, Confidence: 93 }, MouthOpen: { Value: true } };
  const [faces] = groupsOf({ schemaVersion: 1, imageId: 'i', status: 'succeeded', rekognition: { detectFaces: { FaceDetails: [face] } } });
  assert.deepEqual(faces?.findings[0]?.facts, [
    { name: 'Gender', values: ['Male 98%'] },
    { name: 'Expression', values: ['calm 71%'] },
    { name: 'Attributes', values: ['eyes open 93%', 'mouth open'] },
  ]);
});

test('slanted text keeps its outline, and moderation labels come with a warning', () => {
  const Polygon = [{ X: 0.1, Y: 0.2 }, { X: 0.4, Y: 0.3 }, { X: 0.38, Y: 0.6 }, { X: 0.1, Y: 0.5 }];
  const groups = groupsOf({
    schemaVersion: 1,
    imageId: 'i',
    status: 'succeeded',
    rekognition: {
      detectText: { TextDetections: [{ DetectedText: 'EXIT', Type: 'LINE', Confidence: 98, Geometry: { BoundingBox: BOX, Polygon } }] },
      detectModerationLabels: { ModerationLabels: [{ Name: 'Smoking', Confidence: 91 }] },
    },
  });
  assert.equal(groups[0]?.findings[0]?.instances[0]?.outline?.length, 4);
  assert.deepEqual(groups.map(({ warning }) => warning !== undefined), [false, true]);
});

test('instances keep their colours', () => {
  const Instances = [{ BoundingBox: BOX, Confidence: 98, DominantColors: [{ HexCode: '#2f4f4f', CSSColor: 'darkslategray', PixelPercent: 42.5 }] }, { BoundingBox: BOX, Confidence: 70 }];
  const [labels] = groupsOf({ schemaVersion: 1, imageId: 'i', status: 'succeeded', rekognition: { detectLabels: { Labels: [{ Name: 'Person', Confidence: 99, Instances }] } } });
  assert.deepEqual(
    labels?.findings[0]?.instances.map(({ confidence, colours }) => [confidence, colours]),
    [
      [98, [{ hex: '#2F4F4F', name: 'darkslategray', percent: 42.5 }]],
      [70, []],
    ],
  );
});

test('a document without Rekognition responses has no groups', () => {
  assert.deepEqual(groupsOf({ schemaVersion: 1, imageId: 'i', status: 'failed' }), []);
});
