// @ts-check
/** Everything that Rekognition found in a picture, in groups. Both pages show them. */

import { clampBox, outlineOf } from './boxes.js';
import { confidenceText } from './format.js';
import { BOX_HUES, labelsOf } from './result.js';

/**
 * @typedef {object} Finding
 * @property {string} name
 * @property {number | null} confidence percent; null when the result has none
 * @property {{name: string, values: string[]}[]} facts
 * @property {import('./result.js').Instance[]} instances
 * @property {number | null} hue null without instances
 *
 * @typedef {object} Group
 * @property {string} id
 * @property {string} title
 * @property {Finding[]} findings
 * @property {string} [warning] what to know before looking at the picture
 */

/**
 * @param {import('./api-types.js').ResultDocument} document
 * @returns {Group[]} only groups with findings
 */
export function groupsOf(document) {
  const responses = document.rekognition ?? {};
  const labels = labelsOf(document).map(({ name, confidence, parents, categories, aliases, instances, hue }) => ({
    name,
    confidence,
    facts: facts({ 'A kind of': parents, Category: categories, 'Also called': aliases }),
    instances,
    hue,
  }));
  let hues = labels.filter(({ hue }) => hue !== null).length;
  const nextHue = () => hues++ % BOX_HUES;
  // Faces, lines of text and people share one colour per group.
  const groupHue = (/** @type {readonly unknown[]} */ all) => {
    const hue = all.length > 0 ? nextHue() : 0;
    return () => hue;
  };

  const custom = mergeByName(responses.detectCustomLabels?.CustomLabels ?? []).map((finding) => withHue(finding, nextHue));

  const faceDetails = responses.detectFaces?.FaceDetails ?? [];
  const faceHue = groupHue(faceDetails);
  const faces = faceDetails.map((face, index) => withHue(faceFinding(face, index), faceHue));

  const celebrities = (responses.recognizeCelebrities?.CelebrityFaces ?? []).map(({ Name = '', MatchConfidence, Face }) =>
    withHue(finding(Name, MatchConfidence, Face?.BoundingBox), nextHue),
  );

  const lines = (responses.detectText?.TextDetections ?? []).filter(({ Type }) => Type === 'LINE');
  const textHue = groupHue(lines);
  const text = lines.map(({ DetectedText = '', Confidence, Geometry }) => withHue(finding(DetectedText, Confidence, Geometry?.BoundingBox, Geometry?.Polygon), textHue));

  const persons = responses.detectProtectiveEquipment?.Persons ?? [];
  const personHue = groupHue(persons);
  const equipment = persons.map((person, index) => withHue(equipmentFinding(person, index), personHue));

  const moderation = (responses.detectModerationLabels?.ModerationLabels ?? []).map(({ Name = '', ParentName = '', Confidence }) => ({
    ...finding(Name, Confidence),
    facts: facts({ Category: ParentName ? [ParentName] : [] }),
  }));

  return [
    { id: 'labels', title: 'Labels', findings: labels },
    { id: 'custom', title: 'Custom labels', findings: custom },
    { id: 'faces', title: 'Faces', findings: faces },
    { id: 'celebrities', title: 'Celebrities', findings: celebrities },
    { id: 'text', title: 'Text', findings: text },
    { id: 'equipment', title: 'Protective equipment', findings: equipment },
    { id: 'moderation', title: 'Moderation', findings: moderation, warning: 'This picture may show content that not everyone should see.' },
  ].filter(({ findings }) => findings.length > 0);
}

/**
 * @param {string} name
 * @param {number | undefined} confidence
 * @param {import('./api-types.js').BoundingBox} [boundingBox]
 * @param {import('./api-types.js').Geometry['Polygon']} [polygon]
 * @returns {Finding}
 */
function finding(name, confidence, boundingBox, polygon) {
  const box = clampBox(boundingBox);
  const outline = outlineOf(polygon);
  return { name, confidence: confidence ?? null, facts: [], instances: box ? [{ box, ...(outline && { outline }), confidence: confidence ?? 0, colours: [] }] : [], hue: null };
}

/**
 * @param {Finding} finding
 * @param {() => number} hue called only if the finding has boxes
 * @returns {Finding}
 */
function withHue(finding, hue) {
  return finding.instances.length > 0 ? { ...finding, hue: hue() } : finding;
}

/**
 * Custom labels with the same name become one finding with several instances.
 * @param {readonly import('./api-types.js').CustomLabel[]} labels
 */
function mergeByName(labels) {
  /** @type {Map<string, Finding>} */
  const byName = new Map();
  for (const { Name = '', Confidence, Geometry } of labels) {
    const next = finding(Name, Confidence, Geometry?.BoundingBox);
    const known = byName.get(Name);
    if (!known) byName.set(Name, next);
    else {
      known.instances.push(...next.instances);
      known.confidence = Math.max(known.confidence ?? 0, next.confidence ?? 0);
    }
  }
  return [...byName.values()];
}

/** The attributes of a face that are listed where they are true. */
const ATTRIBUTES = /** @type {const} */ ({ Smile: 'smile', EyesOpen: 'eyes open', MouthOpen: 'mouth open', Eyeglasses: 'eyeglasses', Sunglasses: 'sunglasses', Beard: 'beard', Mustache: 'mustache' });

/**
 * @param {import('./api-types.js').FaceDetail} face
 * @param {number} index
 */
function faceFinding(face, index) {
  const { AgeRange, Gender, Emotions = [] } = face;
  const [strongest] = [...Emotions].sort((a, b) => (b.Confidence ?? 0) - (a.Confidence ?? 0));
  const attributes = Object.entries(ATTRIBUTES).flatMap(([name, text]) => {
    const { Value, Confidence } = face[/** @type {keyof typeof ATTRIBUTES} */ (name)] ?? {};
    return Value === true ? [withPercent(text, Confidence)] : [];
  });
  return {
    ...finding(`Face ${index + 1}`, face.Confidence, face.BoundingBox),
    facts: facts({
      'Estimated age': AgeRange?.Low !== undefined && AgeRange.High !== undefined ? [`${AgeRange.Low} to ${AgeRange.High}`] : [],
      Gender: Gender?.Value ? [withPercent(Gender.Value, Gender.Confidence)] : [],
      Expression: strongest?.Type ? [withPercent(strongest.Type.toLowerCase(), strongest.Confidence)] : [],
      Attributes: attributes,
    }),
  };
}

/**
 * @param {string} text
 * @param {number | undefined} confidence
 */
function withPercent(text, confidence) {
  return confidence === undefined ? text : `${text} ${confidenceText(confidence)}`;
}

/**
 * @param {import('./api-types.js').EquippedPerson} person
 * @param {number} index
 */
function equipmentFinding({ BoundingBox, Confidence, BodyParts = [] }, index) {
  const worn = BodyParts.flatMap(({ EquipmentDetections = [] }) => EquipmentDetections.flatMap(({ Type }) => (Type ? [Type.toLowerCase().replaceAll('_', ' ')] : [])));
  return { ...finding(`Person ${index + 1}`, Confidence, BoundingBox), facts: facts({ Wears: worn.length > 0 ? worn : ['no protective equipment'] }) };
}

/** @param {Record<string, string[]>} byName */
function facts(byName) {
  return Object.entries(byName).flatMap(([name, values]) => (values.length > 0 ? [{ name, values }] : []));
}
