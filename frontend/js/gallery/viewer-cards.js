// @ts-check
/** What the viewer says about a picture whose results it cannot show. */

import { button } from '../shared/buttons.js';
import { infoCard, problemCard } from '../shared/cards.js';
import { h } from '../shared/dom.js';
import { errorMessage } from '../shared/error-messages.js';
import { statusOf } from '../shared/errors.js';

export function loadingCard() {
  return h('section', { class: 'card info' }, h('p', {}, 'Loading results …'));
}

export function analysingCard() {
  return infoCard(
    'Analysis in progress',
    h('p', {}, 'The picture is stored and is being analysed. The results appear here as soon as they are ready. If the service is busy, it tries again by itself, at the latest after 5 minutes.'),
    h('progress', { 'aria-label': 'Waiting for the analysis' }),
  );
}

/**
 * @param {unknown} error
 * @param {object} on
 * @param {() => void} on.retry
 * @param {(() => void) | null} on.signIn
 */
export function errorCard(error, { retry, signIn }) {
  const { title, text } = pictureErrorMessage(error);
  const status = statusOf(error);
  // A repeated request would be rejected again.
  const canRetry = ![401, 403, 404].includes(status);
  return problemCard(
    { title, alert: true },
    h('p', {}, text),
    status === 401 && signIn && h('p', {}, button('Sign in', signIn, { icon: 'person' })),
    canRetry && h('p', {}, button('Try again', retry, { icon: 'retry' })),
  );
}

/** @param {unknown} error */
export function pictureErrorMessage(error) {
  return statusOf(error) === 404
    ? { title: 'Picture not found', text: 'It was deleted, or the address is incomplete. Close this view to see the other pictures.' }
    : errorMessage(error);
}
