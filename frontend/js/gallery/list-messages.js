// @ts-check
/** What the gallery says about its list: how many pictures it shows, why there are none, and what to do. */

import { button } from '../shared/buttons.js';
import { h } from '../shared/dom.js';
import { errorMessage } from '../shared/error-messages.js';
import { ApiError } from '../shared/errors.js';
import { confidenceText, count, sentence } from '../shared/format.js';
import { icon } from '../shared/icons.js';
import { dayTitle } from './days.js';
import { mainTerm, termsClause } from './terms.js';
import { filtersFaces, isFiltered } from './url-state.js';

/**
 * @typedef {import('./listing.js').Listing} Listing
 * @typedef {import('./url-state.js').State} State
 */

const STATUS_CLAUSES = { '': '', succeeded: ' that were fully analysed', partial: ' that were partially analysed', failed: ' that could not be analysed' };

/**
 * How many pictures a search has: all pictures, or those of a label or category.
 * @param {import('./url-state.js').Query} query
 * @param {import('../shared/api-types.js').Counts} counts
 * @returns {number | null} null for other searches, or when it is unknown
 */
export function totalOf(query, { labels, categories, images }) {
  if (!isFiltered(query)) return images ?? null;
  const [term, ...others] = query.terms;
  const main = mainTerm(query.terms);
  if (!term || term !== main || others.length > 0 || isFiltered({ ...query, terms: [] })) return null;
  const named = (term.kind === 'label' ? labels : categories).find(({ name }) => name.toLowerCase() === term.value.toLowerCase());
  return named?.images ?? null;
}

/**
 * The line above the pictures, such as `12 of 300 pictures with “Dog”, at least 80% confidence`.
 * @param {Pick<Listing, 'rows' | 'shown' | 'state'>} listing
 * @param {State} filter
 * @param {number | null} [total] how many pictures the search has, if that is known
 */
export function tallyText({ rows, shown, state }, filter, total = null) {
  if (rows.length === 0) return state === 'loading' ? 'Loading …' : '';
  const isPartial = state !== 'complete';
  // The number of all pictures may be older than the list.
  const known = isPartial && total !== null && total > rows.length ? total : null;
  const loaded = count(known ?? rows.length, 'picture');
  const pictures = known !== null || shown.length === rows.length ? loaded : `${shown.length} of ${loaded}`;
  const soFar = known !== null ? `, ${shown.length === rows.length ? rows.length : `${shown.length} of ${rows.length}`} loaded` : isPartial ? ' loaded so far' : '';
  const confidence = filter.minConfidence > 0 ? `, at least ${confidenceText(filter.minConfidence)} confidence` : '';
  return `${pictures}${queryClause(filter)}${soFar}${confidence}`;
}

/**
 * Where the next pictures will be: the loading bar, or why there are none.
 * @param {Listing} listing
 * @param {State} filter
 * @param {object} on
 * @param {() => void} on.showAll
 * @param {() => void} on.removeFilter
 * @param {() => void} on.resume
 * @param {() => void} on.retry
 * @param {(() => void) | null} on.signIn
 * @returns {HTMLElement | null}
 */
export function listMessage(listing, filter, on) {
  const { rows, shown, state } = listing;
  if (state === 'failed') return failureMessage(listing.error, on);
  if (state === 'loading') return h('p', { class: 'loading-more' }, h('progress', { 'aria-label': 'Loading pictures' }));
  if (state === 'complete') return shown.length === 0 ? emptyMessage(rows.length, filter, on) : null;
  return listing.paused ? pausedMessage(listing, filter, on.resume) : null;
}

/**
 * @param {number} loaded
 * @param {State} filter
 * @param {{showAll: () => void, removeFilter: () => void}} on
 */
function emptyMessage(loaded, filter, on) {
  if (loaded > 0 && filter.minConfidence > 0) {
    return message('search', 'No results at this confidence', `No picture has at least ${confidenceText(filter.minConfidence)} confidence.`, button('Show any confidence', on.removeFilter));
  }
  if (isFiltered(filter)) {
    return message('search', 'No results', `There are no pictures${queryClause(filter)}. Try another search, or show all pictures.`, button('Show all pictures', on.showAll));
  }
  return message('picture', 'No pictures yet', 'Upload some pictures to search them here.', uploadLink());
}

/**
 * @param {Pick<Listing, 'rows' | 'shown'>} listing
 * @param {State} filter
 * @param {() => void} resume
 */
function pausedMessage({ rows, shown }, filter, resume) {
  const title = `${shown.length === 0 ? 'No results' : 'No more results'} in the newest ${rows.length} pictures`;
  return message('search', title, `None of the last pictures has at least ${confidenceText(filter.minConfidence)} confidence. Older pictures are not loaded yet.`, button('Search older pictures', resume));
}

/**
 * @param {unknown} error
 * @param {{retry: () => void, signIn: (() => void) | null}} on
 */
function failureMessage(error, on) {
  if (error instanceof ApiError && error.kind === 'rejected') {
    const detail = sentence(error.problem.detail ?? '');
    switch (error.status) {
      case 401:
        return message(
          'person',
          'Sign in to see your pictures',
          on.signIn ? 'You see only the pictures that you uploaded.' : detail || 'The service requires sign-in, but this page has none. Set “auth” in config.json.',
          on.signIn && button('Sign in', on.signIn),
        );
      case 403:
        // API Gateway and the check of the site's address give no such answer about lists.
        if (detail === '' || error.problem.code === 'not-through-site' || error.problem.code === 'no-guest-identity') break;
        return message('alert', 'This service does not list pictures', detail, uploadLink());
      case 501:
        return message('alert', 'Search is not available', detail || 'This service has no index. Set INDEX_TABLE for the upload API and the processor.', uploadLink());
    }
  }
  const { title, text } = errorMessage(error);
  return message('alert', title, text, button('Try again', on.retry));
}

/** @param {import('./url-state.js').Query} query */
function queryClause(query) {
  return `${termsClause(query.terms)}${facesClause(query)}${datesClause(query)}${STATUS_CLAUSES[query.status]}`;
}

/** @param {import('./url-state.js').Query} query */
function datesClause({ from, to, sort }) {
  const verb = sort === 'taken' ? 'taken' : 'uploaded';
  if (from && from === to) return ` ${verb} on ${dayTitle(from)}`;
  return [from || to ? ` ${verb}` : '', from && ` from ${dayTitle(from)}`, to && ` to ${dayTitle(to)}`].join('');
}

/**
 * The filter by faces, such as ` with faces (at least 2, Happy, 20 to 40 years)`.
 * @param {import('./url-state.js').Query} query
 */
function facesClause(query) {
  if (!filtersFaces(query)) return '';
  const { minFaces, emotion, ageFrom, ageTo } = query;
  const ages = ageFrom === null ? (ageTo === null ? '' : `up to ${ageTo} years`) : ageTo === null ? `from ${ageFrom} years` : `${ageFrom} to ${ageTo} years`;
  const details = [minFaces > 1 ? `at least ${minFaces}` : '', emotion, ages].filter((detail) => detail !== '');
  return details.length > 0 ? ` with faces (${details.join(', ')})` : ' with faces';
}

/**
 * @param {import('../shared/icons.js').IconName} name
 * @param {string} title
 * @param {string} text
 * @param {HTMLElement | null} action
 */
function message(name, title, text, action) {
  return h('section', { class: 'list-message' }, icon(name), h('h2', {}, title), h('p', {}, text), action);
}

function uploadLink() {
  return h('a', { class: 'button', href: 'upload.html' }, 'Upload pictures');
}
