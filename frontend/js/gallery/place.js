// @ts-check
/** Where the person was in the list, kept while the tab is open: the list is there again when they come back from another page. */

import { JsonStorage } from '../shared/storage.js';
import { queryText } from './url-state.js';

const NAME = 'sightline.place';
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
  if (first) storage.write(NAME, { query: placeQuery(state), key: first.row.key, index: first.index, top: first.top });
  else storage.remove(NAME);
}

/**
 * @param {import('./url-state.js').State} state
 * @returns {Place | null} null when the person was at the beginning of this list, or elsewhere
 */
export function keptPlace(state) {
  const { query, key, index, top } = storage.read(NAME);
  if (query !== placeQuery(state) || typeof key !== 'string' || typeof index !== 'number' || typeof top !== 'number') return null;
  return { query, key, index, top };
}

/** @param {import('./url-state.js').State} state */
function placeQuery(state) {
  return `${queryText(state)} ${state.minConfidence}`;
}
