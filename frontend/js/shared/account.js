// @ts-check
/** The account area in every page's header. Pages without `auth` in their config.json do not show it. */

import { Auth } from './auth.js';
import { button } from './buttons.js';
import { copyText } from './clipboard.js';
import { h } from './dom.js';
import { timeOfDay } from './format.js';
import { icon } from './icons.js';

/** A copied token is renewed first if it is valid for less than this. */
const MIN_VALIDITY_MS = 30 * 60_000;
/** How long the page says that the token was copied. */
const COPIED_MS = 10_000;

const NOT_SIGNED_IN = 'You are not signed in.';

/**
 * Completes a sign-in that is under way, then shows who is signed in.
 * @param {import('./config.js').AuthSettings | null} settings
 * @param {HTMLElement} region
 * @param {(title: string, text: string) => void} notify
 * @returns {Promise<{auth: Auth | null, signIn: () => void}>}
 */
export async function showAccount(settings, region, notify) {
  if (!settings) return { auth: null, signIn: () => {} };
  const auth = new Auth(settings);
  const onError = (/** @type {unknown} */ error) => notify(NOT_SIGNED_IN, error instanceof Error ? error.message : String(error));
  const signIn = () => void auth.signIn(location.href).catch(onError);
  try {
    const returnTo = await auth.finish(location.href);
    if (returnTo) {
      // The code in the address works only once, so it must not stay in the history.
      history.replaceState(null, '', location.pathname);
      if (new URL(returnTo).pathname === location.pathname) history.replaceState(null, '', returnTo);
      else location.replace(returnTo);
    }
  } catch (error) {
    history.replaceState(null, '', location.pathname);
    onError(error);
  }
  const show = () => region.replaceChildren(...(auth.signedIn ? signedIn() : [button('Sign in', signIn, { icon: 'person', small: true })]));
  const signedIn = () => [
    auth.userName && h('span', { class: 'account-name', title: auth.userName }, icon('person'), h('span', {}, auth.userName)),
    ...copyTokenButton(auth, onError, () => {
      show();
      notify(NOT_SIGNED_IN, 'Sign in again, then copy the access token.');
    }),
    button('Sign out', () => auth.signOut(location.href), { small: true }),
  ];
  show();
  region.hidden = false;
  return { auth, signIn };
}

/**
 * Copies the access token for programs that call the API, such as the command line.
 * @param {Auth} auth
 * @param {(error: unknown) => void} onError
 * @param {() => void} onExpired the sign-in has expired
 */
function copyTokenButton(auth, onError, onExpired) {
  const message = h('span', { class: 'account-message', role: 'status' });
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const say = (/** @type {string} */ text) => {
    clearTimeout(timer);
    message.textContent = text;
    timer = setTimeout(() => (message.textContent = ''), COPIED_MS);
  };
  const copy = async () => {
    const token = await auth.token(MIN_VALIDITY_MS);
    if (!token) return onExpired();
    say((await copyText(token)) ? `Copied; valid until ${timeOfDay(auth.expiresAt)}` : 'Copy failed. Try again.');
  };
  const label = 'Copy access token';
  return [
    h('button', { type: 'button', class: 'button small', 'aria-label': label, title: label, onclick: () => void copy().catch(onError) }, icon('copy'), h('span', { class: 'account-label' }, label)),
    message,
  ];
}
