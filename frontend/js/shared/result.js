// @ts-check
/**
 * Reads labels, colours and quality from a result document. Any member may be missing: the document may be older or
 * newer than the page.
 */

import { clampBox } from './boxes.js';

/** How many colours the boxes have; see `--box-0` and the following in the styles. */
export const BOX_HUES = 8;

/**
 * @typedef {object} Colour
 * @property {string} hex `#RRGGBB`
 * @property {string} name a CSS colour name; the hex code when it has none
 * @property {number} percent of the region's pixels
 *
 * @typedef {object} Instance one object in the picture
 * @property {import('./boxes.js').Box} box
 * @property {import('./boxes.js').Point[] | null} [outline] of slanted text
 * @property {number} confidence
 * @property {Colour[]} colours
 *
 * @typedef {object} LabelResult
 * @property {string} name
 * @property {number} confidence
 * @property {string[]} parents
 * @property {string[]} aliases
 * @property {string[]} categories
 * @property {Instance[]} instances
 * @property {number | null} hue 0..BOX_HUES-1; null without instances
 *
 * @typedef {object} QualityResult
 * @property {string} region
 * @property {(number | null)[]} values in the order of QUALITIES; null when not measured
 */

/** @type {readonly ['Brightness', 'Sharpness', 'Contrast']} */
export const QUALITIES = ['Brightness', 'Sharpness', 'Contrast'];

/**
 * The labels that say the most first: those that are no ancestor of another label, then the ancestors. Both most confident
 * first.
 * @param {import('./api-types.js').ResultDocument} document
 * @returns {LabelResult[]}
 */
export function labelsOf(document) {
  let hues = 0;
  const labels = document.rekognition?.detectLabels?.Labels ?? [];
  const ancestors = ancestorsIn(labels);
  const isAncestor = (/** @type {import('./api-types.js').Label} */ { Name = '' }) => Number(ancestors.has(Name));
  const ordered = [...labels].sort((a, b) => isAncestor(a) - isAncestor(b) || (b.Confidence ?? 0) - (a.Confidence ?? 0));
  return ordered.map((label) => {
    const instances = (label.Instances ?? []).flatMap((instance) => {
      const box = clampBox(instance.BoundingBox);
      return box ? [{ box, confidence: instance.Confidence ?? 0, colours: colours(instance.DominantColors) }] : [];
    });
    return {
      name: label.Name ?? '',
      confidence: label.Confidence ?? 0,
      parents: names(label.Parents),
      aliases: names(label.Aliases),
      categories: names(label.Categories),
      instances,
      hue: instances.length > 0 ? hues++ % BOX_HUES : null,
    };
  });
}

/**
 * The names that are ancestors of a label, such as Animal where there is a Dog.
 * @param {readonly import('./api-types.js').Label[]} labels
 */
export function ancestorsIn(labels) {
  return new Set(labels.flatMap(({ Name, Parents }) => names(Parents).filter((parent) => parent !== Name)));
}

/**
 * The names of the labels without the ancestors of others.
 * @param {import('./api-types.js').ResultDocument} document
 */
export function tellingLabels(document) {
  const ancestors = ancestorsIn(document.rekognition?.detectLabels?.Labels ?? []);
  return labelsOf(document).flatMap(({ name }) => (ancestors.has(name) ? [] : [name]));
}

/**
 * @param {import('./api-types.js').ResultDocument} document
 * @returns {{region: string, colours: Colour[]}[]} only regions with colours
 */
export function coloursOf(document) {
  return regions(document)
    .map(({ region, of }) => ({ region, colours: colours(of?.DominantColors) }))
    .filter((each) => each.colours.length > 0);
}

/**
 * @param {import('./api-types.js').ResultDocument} document
 * @returns {QualityResult[]} only regions with a value
 */
export function qualityOf(document) {
  return regions(document)
    .map(({ region, of }) => ({ region, values: QUALITIES.map((name) => of?.Quality?.[name] ?? null) }))
    .filter(({ values }) => values.some((value) => value !== null));
}

/**
 * The upright picture's width divided by its height; null when the document does not say.
 * @param {import('./api-types.js').ResultDocument | null} document
 */
export function aspectOf(document) {
  const { width = 0, height = 0 } = document?.image ?? {};
  return width > 0 && height > 0 ? width / height : null;
}

/** @param {import('./api-types.js').ResultDocument} document */
function regions(document) {
  const properties = document.rekognition?.detectLabels?.ImageProperties;
  return [
    { region: 'Picture', of: properties },
    { region: 'Foreground', of: properties?.Foreground },
    { region: 'Background', of: properties?.Background },
  ];
}

/** @param {import('./api-types.js').DominantColor[] | undefined} list */
function colours(list) {
  return (list ?? []).flatMap(({ HexCode = '', CSSColor, PixelPercent = 0 }) =>
    /^#[0-9a-f]{6}$/i.test(HexCode) ? [{ hex: HexCode.toUpperCase(), name: CSSColor || HexCode, percent: PixelPercent }] : [],
  );
}

/** @param {{Name?: string}[] | undefined} list */
function names(list) {
  return (list ?? []).flatMap(({ Name }) => (Name ? [Name] : []));
}
