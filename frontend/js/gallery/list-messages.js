// @ts-check
/** What the gallery says of itself: how much is shown, why nothing is, and what to do about it. */

import { h } from '../shared/dom.js';
import { ApiError } from '../shared/errors.js';
import { count, percent } from '../shared/format.js';
import { icon } from '../shared/icons.js';
import { explainError, sentence } from '../shared/messages.js';

/**
 * @typedef {import('./listing.js').Listing} Listing
 * @typedef {import('./url-state.js').State} State
 */

const STATUS_WORDS = { '': '', succeeded: 'analysed', partial: 'partly analysed', failed: 'that could not be analysed' };

/**
 * One line above the pictures.
 * @param {Pick<Listing, 'rows' | 'shown' | 'state'>} listing
 * @param {State} wanted
 */
export function describe({ rows, shown, state: phase }, wanted) {
  if (rows.length === 0) return phase === 'loading' ? 'Loading …' : '';
  const more = phase !== 'complete';
  const what = `${count(shown.length, 'picture')}${sought(wanted)}`;
  if (shown.length === rows.length) return more ? `${what} so far` : what;
  return `${what}, of ${rows.length} ${more ? 'read so far' : 'in all'}`;
}

/** @param {State} wanted */
function sought({ label, category, status, least }) {
  const parts = [];
  if (status) parts.push(STATUS_WORDS[status]);
  if (label) parts.push(`with “${label}”`);
  if (category) parts.push(`in “${category}”`);
  if (least > 0) parts.push(`from ${percent(least)}`);
  return parts.map((part) => ` ${part}`).join('');
}

/**
 * The listing is complete and shows nothing.
 * @param {Pick<Listing, 'rows'>} listing
 * @param {State} wanted
 * @param {{clear: () => void, any: () => void}} on
 */
export function emptyState({ rows }, wanted, on) {
  if (rows.length > 0 && wanted.least > 0) {
    return panel('search', 'None is that certain', `Pictures were found, but none from ${percent(wanted.least)} on.`, button('Show any confidence', on.any));
  }
  if (wanted.label || wanted.category || wanted.status) {
    return panel('search', 'Nothing found', `There is no picture${sought({ ...wanted, least: 0 })}. Search for something else, or look at all pictures.`, button('Show all pictures', on.clear));
  }
  return panel('picture', 'No pictures yet', 'Upload some, and a moment later they can be searched here.', link());
}

/**
 * The end of what is shown, when there is something to say or to do.
 * @param {Pick<Listing, 'rows' | 'shown' | 'state' | 'barren'>} listing
 * @param {State} wanted
 * @param {() => void} goOn
 */
export function endState({ rows, shown, state, barren }, wanted, goOn) {
  if (state === 'loading') return h('p', { class: 'more quiet' }, h('progress', { 'aria-label': 'Loading pictures' }));
  if (state === 'more' && barren) {
    const none = shown.length === 0 ? 'None' : 'No more';
    return panel('search', `${none} among the newest ${rows.length}`, `No further picture reached ${percent(wanted.least)}. There are older ones.`, button('Search on', goOn));
  }
  return null;
}

/**
 * @param {unknown} error
 * @param {{again: () => void, signIn: (() => void) | null}} on
 */
export function faultState(error, on) {
  if (error instanceof ApiError && error.kind === 'refused') {
    const detail = sentence(error.problem.detail ?? '');
    switch (error.status) {
      case 401:
        return panel('person', 'Sign in to see your pictures', on.signIn ? 'Only you see what you upload.' : detail || 'The service asks who you are, but this page is not set up for signing in: see “auth” in config.json.', on.signIn && button('Sign in', on.signIn));
      case 403:
        return panel('alert', 'Pictures are not listed here', detail || 'This service shows a picture only to those who know its address. Open one by its address, or upload one.', link());
      case 501:
        return panel('alert', 'This service keeps no index', detail || 'Set INDEX_TABLE for the upload API and the processor, then pictures can be searched here.', link());
    }
  }
  const { title, text } = explainError(error);
  return panel('alert', title, text, button('Try again', on.again));
}

/**
 * @param {import('../shared/icons.js').IconName} name
 * @param {string} title
 * @param {string} text
 * @param {HTMLElement | null} act
 */
function panel(name, title, text, act) {
  return h('section', { class: 'void' }, icon(name), h('h2', {}, title), h('p', {}, text), act);
}

/**
 * @param {string} says
 * @param {() => void} act
 */
function button(says, act) {
  return h('button', { type: 'button', class: 'button', onclick: act }, says);
}

function link() {
  return h('a', { class: 'button', href: 'upload.html' }, 'Upload pictures');
}
