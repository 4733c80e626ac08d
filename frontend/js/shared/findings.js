// @ts-check
/** Everything a result document found in a picture, in groups that both pages list and draw alike. */

import { BOX_HUES, labelsOf } from './result.js';
import { clampBox } from './boxes.js';

/**
 * @typedef {object} Finding
 * @property {string} name
 * @property {number | null} confidence percent; null where the answer gives none
 * @property {{name: string, values: string[]}[]} facts
 * @property {import('./result.js').Place[]} places
 * @property {number | null} hue where it has places
 *
 * @typedef {object} Group
 * @property {string} id
 * @property {string} title
 * @property {Finding[]} items
 */

/**
 * @param {import('./api-types.js').ResultDocument} document
 * @returns {Group[]} only groups that have something
 */
export function groupsOf(document) {
  const answers = document.rekognition ?? {};
  const labels = labelsOf(document).map(({ name, confidence, parents, categories, aliases, places, hue }) => ({
    name,
    confidence,
    facts: facts({ 'Part of': parents, Category: categories, 'Also called': aliases }),
    places,
    hue,
  }));
  let hues = labels.filter(({ hue }) => hue !== null).length;
  const nextHue = () => hues++ % BOX_HUES;

  /** @type {Group[]} */
  const groups = [group('labels', 'Labels', labels)];
  groups.push(group('custom', 'Custom labels', merged(answers.detectCustomLabels?.CustomLabels ?? []).map((item) => hued(item, nextHue))));

  const faces = answers.detectFaces?.FaceDetails ?? [];
  const faceHue = faces.length > 0 ? nextHue() : 0;
  groups.push(group('faces', 'Faces', faces.map((face, index) => hued(faceOf(face, index), () => faceHue))));

  const celebrities = answers.recognizeCelebrities?.CelebrityFaces ?? [];
  groups.push(
    group(
      'celebrities',
      'Celebrities',
      celebrities.map(({ Name = '', MatchConfidence, Face }) => hued(plain(Name, MatchConfidence, Face?.BoundingBox), nextHue)),
    ),
  );

  const lines = (answers.detectText?.TextDetections ?? []).filter(({ Type }) => Type === 'LINE');
  const textHue = lines.length > 0 ? nextHue() : 0;
  groups.push(
    group('text', 'Text', lines.map(({ DetectedText = '', Confidence, Geometry }) => hued(plain(DetectedText, Confidence, Geometry?.BoundingBox), () => textHue))),
  );

  const people = answers.detectProtectiveEquipment?.Persons ?? [];
  const peopleHue = people.length > 0 ? nextHue() : 0;
  groups.push(group('equipment', 'Protective equipment', people.map((person, index) => hued(equippedOf(person, index), () => peopleHue))));

  const unsafe = answers.detectModerationLabels?.ModerationLabels ?? [];
  groups.push(
    group(
      'moderation',
      'Moderation',
      unsafe.map(({ Name = '', ParentName = '', Confidence }) => ({ ...plain(Name, Confidence), facts: facts({ 'Part of': ParentName ? [ParentName] : [] }) })),
    ),
  );
  return groups.filter(({ items }) => items.length > 0);
}

/**
 * @param {string} id
 * @param {string} title
 * @param {Finding[]} items
 * @returns {Group}
 */
function group(id, title, items) {
  return { id, title, items };
}

/**
 * @param {string} name
 * @param {number | undefined} confidence
 * @param {import('./api-types.js').BoundingBox} [box]
 * @returns {Finding}
 */
function plain(name, confidence, box) {
  const clamped = clampBox(box);
  return { name, confidence: confidence ?? null, facts: [], places: clamped ? [{ box: clamped, confidence: confidence ?? 0, colours: [] }] : [], hue: null };
}

/**
 * @param {Finding} item
 * @param {() => number} hue
 * @returns {Finding}
 */
function hued(item, hue) {
  return item.places.length > 0 ? { ...item, hue: hue() } : item;
}

/**
 * Custom labels of one name are one finding with several places.
 * @param {readonly import('./api-types.js').CustomLabel[]} labels
 */
function merged(labels) {
  /** @type {Map<string, Finding>} */
  const byName = new Map();
  for (const { Name = '', Confidence, Geometry } of labels) {
    const item = plain(Name, Confidence, Geometry?.BoundingBox);
    const known = byName.get(Name);
    if (!known) byName.set(Name, item);
    else {
      known.places.push(...item.places);
      known.confidence = Math.max(known.confidence ?? 0, item.confidence ?? 0);
    }
  }
  return [...byName.values()];
}

/**
 * @param {import('./api-types.js').FaceDetail} face
 * @param {number} index
 */
function faceOf(face, index) {
  const { AgeRange, Gender, Emotions = [] } = face;
  const [strongest] = [...Emotions].sort((a, b) => (b.Confidence ?? 0) - (a.Confidence ?? 0));
  const traits = /** @type {const} */ (['Smile', 'Eyeglasses', 'Sunglasses', 'Beard', 'Mustache']).filter((name) => face[name]?.Value === true);
  return {
    ...plain(`Face ${index + 1}`, face.Confidence, face.BoundingBox),
    facts: facts({
      'Looks like age': AgeRange?.Low !== undefined && AgeRange.High !== undefined ? [`${AgeRange.Low} to ${AgeRange.High}`] : [],
      Gender: Gender?.Value ? [Gender.Value] : [],
      Expression: strongest?.Type ? [strongest.Type.toLowerCase()] : [],
      With: traits.map((name) => name.toLowerCase()),
    }),
  };
}

/**
 * @param {import('./api-types.js').EquippedPerson} person
 * @param {number} index
 */
function equippedOf({ BoundingBox, Confidence, BodyParts = [] }, index) {
  const worn = BodyParts.flatMap(({ EquipmentDetections = [] }) => EquipmentDetections.flatMap(({ Type }) => (Type ? [Type.toLowerCase().replaceAll('_', ' ')] : [])));
  return { ...plain(`Person ${index + 1}`, Confidence, BoundingBox), facts: facts({ Wears: worn.length > 0 ? worn : ['no equipment found'] }) };
}

/** @param {Record<string, string[]>} named */
function facts(named) {
  return Object.entries(named).flatMap(([name, values]) => (values.length > 0 ? [{ name, values }] : []));
}
