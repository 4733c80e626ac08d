// @ts-check
/**
 * Where the person was in the list, kept while the tab is open: the list is there again when they come back from another page or
 * search.
 */

import { JsonStorage } from '../shared/storage.js';
import { queryText } from './url-state.js';

const NAME = 'sightline.places';
/** Places of older searches are forgotten. */
const MAX_PLACES = 20;
const storage = new JsonStorage(() => sessionStorage);

/**
 * @typedef {object} Place
 * @property {string} query
 * @property {string} key of the first picture on the screen
 * @property {number} index of it
 * @property {number} top its distance from the screen's top edge, in pixels
 */

/**
 * @param {import('./url-state.js').State} state
 * @param {{row: {key: string}, index: number, top: number} | null} first null at the beginning of the list
 */
export function keepPlace(state, first) {
  const query = placeQuery(state);
  const others = readPlaces().filter((place) => place.query !== query);
  const places = first ? [{ query, key: first.row.key, index: first.index, top: first.top }, ...others].slice(0, MAX_PLACES) : others;
  if (places.length > 0) storage.write(NAME, { places });
  else storage.remove(NAME);
}

/**
 * @param {import('./url-state.js').State} state
 * @returns {Place | null} null when the person was at the beginning of this list, or never there
 */
export function keptPlace(state) {
  const query = placeQuery(state);
  return readPlaces().find((place) => place.query === query) ?? null;
}

/** @returns {Place[]} */
function readPlaces() {
  const { places } = storage.read(NAME);
  return (Array.isArray(places) ? places : []).filter(
    (place) => typeof place?.query === 'string' && typeof place.key === 'string' && Number.isInteger(place.index) && typeof place.top === 'number',
  );
}

/** @param {import('./url-state.js').State} state */
function placeQuery(state) {
  return `${queryText(state)} ${state.minConfidence}`;
}
