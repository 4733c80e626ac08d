// @ts-check
/**
 * Reads a result document into what the page shows. Every member may be missing: documents outlive the
 * page that reads them.
 */

import { clampBox } from './boxes.js';

/** How many colours there are for boxes; see `--box-0` and on in the styles. */
export const BOX_HUES = 8;

/**
 * @typedef {object} Colour
 * @property {string} hex `#RRGGBB`
 * @property {string} name CSS colour name, or the hex code again
 * @property {number} percent of the region's pixels
 *
 * @typedef {object} Place one place where a label was found
 * @property {import('./boxes.js').Box} box
 * @property {number} confidence
 * @property {Colour[]} colours
 *
 * @typedef {object} LabelView
 * @property {string} name
 * @property {number} confidence
 * @property {string[]} parents
 * @property {string[]} aliases
 * @property {string[]} categories
 * @property {Place[]} places
 * @property {number | null} hue 0..BOX_HUES-1 where it has places
 *
 * @typedef {object} QualityView a figure is null where it was not measured
 * @property {string} region
 * @property {(number | null)[]} figures in the order of QUALITIES
 */

/** @type {readonly ['Brightness', 'Sharpness', 'Contrast']} */
export const QUALITIES = ['Brightness', 'Sharpness', 'Contrast'];

/**
 * The labels in Rekognition's order, most confident first.
 * @param {import('./api-types.js').ResultDocument} document
 * @returns {LabelView[]}
 */
export function labelsOf(document) {
  let hues = 0;
  return (document.rekognition?.detectLabels?.Labels ?? []).map((label) => {
    const places = (label.Instances ?? []).flatMap((instance) => {
      const box = clampBox(instance.BoundingBox);
      return box ? [{ box, confidence: instance.Confidence ?? 0, colours: colours(instance.DominantColors) }] : [];
    });
    return {
      name: label.Name ?? '',
      confidence: label.Confidence ?? 0,
      parents: names(label.Parents),
      aliases: names(label.Aliases),
      categories: names(label.Categories),
      places,
      hue: places.length > 0 ? hues++ % BOX_HUES : null,
    };
  });
}

/**
 * @param {import('./api-types.js').ResultDocument} document
 * @returns {{region: string, colours: Colour[]}[]} only regions that have colours
 */
export function coloursOf(document) {
  return regions(document)
    .map(({ region, of }) => ({ region, colours: colours(of?.DominantColors) }))
    .filter((each) => each.colours.length > 0);
}

/**
 * @param {import('./api-types.js').ResultDocument} document
 * @returns {QualityView[]} only regions that have a figure
 */
export function qualityOf(document) {
  return regions(document)
    .map(({ region, of }) => ({ region, figures: QUALITIES.map((name) => of?.Quality?.[name] ?? null) }))
    .filter(({ figures }) => figures.some((figure) => figure !== null));
}

/**
 * The upright picture's width by its height, where the document knows it.
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
