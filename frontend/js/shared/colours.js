// @ts-check
/** Dominant colours: a proportional bar, and a list with each colour's name and share. */

import { h } from './dom.js';
import { percent } from './format.js';

/**
 * A small square of a colour.
 * @param {import('./result.js').Colour} colour
 */
export function colourSwatch(colour) {
  const square = h('span', { class: 'swatch', title: `${colour.name}, ${percent(colour.percent, 1)}` });
  square.style.backgroundColor = colour.hex;
  return square;
}

/**
 * @param {readonly {region: string, colours: import('./result.js').Colour[]}[]} regions
 */
export function colourRegions(regions) {
  return h(
    'div',
    { class: 'colour-regions' },
    regions.map(({ region, colours }) =>
      h(
        'section',
        { class: 'colour-region' },
        h('h4', {}, region),
        h('div', { class: 'colour-bar', 'aria-hidden': 'true' }, colours.map(share)),
        h(
          'ul',
          { class: 'colour-list' },
          colours.map((colour) =>
            h(
              'li',
              {},
              colourSwatch(colour),
              h('span', { class: 'colour-name' }, splitColourName(colour.name)),
              h('code', {}, colour.hex),
              h('span', { class: 'colour-percent' }, percent(colour.percent, 1)),
            ),
          ),
        ),
      ),
    ),
  );
}

/** @param {import('./result.js').Colour} colour */
function share(colour) {
  const part = h('span', {});
  part.style.backgroundColor = colour.hex;
  part.style.flexGrow = String(Math.max(colour.percent, 0.5));
  return part;
}

/** The words within CSS colour names, which are written without spaces. */
const WORDS = /(dark|light|medium|pale|deep|dim|hot|slate|sea|sky|steel|rosy|sandy|saddle|forest|spring|lawn|olive|yellow|green|blue|violet|orange|gray|grey|red|brown|pink|purple|cyan|turquoise|salmon|goldenrod|orchid|khaki|magenta|white|smoke|drab)/g;

/**
 * `darkslategray` as `dark slate grey`.
 * @param {string} name
 */
export function splitColourName(name) {
  if (!/^[a-z]+$/.test(name)) return name;
  // CSS allows both spellings, gray and grey.
  return name.replace(WORDS, ' $1 ').replace(/\bgray\b/g, 'grey').replace(/\s+/g, ' ').trim();
}
