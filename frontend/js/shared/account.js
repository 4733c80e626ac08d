// @ts-check
/**
 * The account area in every page's header: who uses the page, and how to sign in or out. Pages whose config.json has neither
 * `auth` nor `guests` do not show it.
 */

import { Auth } from './auth.js';
import { button } from './buttons.js';
import { copyText } from './clipboard.js';
import { h } from './dom.js';
import { forgetFiles } from './file-store.js';
import { timeOfDay } from './format.js';
import { Guest } from './guest.js';
import { bearer } from './http-client.js';
import { icon } from './icons.js';
import { TakeAlong } from './take-along.js';
import { forgetUploads } from './upload-list.js';

/** A copied token is renewed first if it is valid for less than this. */
const MIN_VALIDITY_MS = 30 * 60_000;
/** How long the page says that the token was copied. */
const COPIED_MS = 10_000;

const NOT_SIGNED_IN = 'You are not signed in.';

/**
 * @typedef {object} Session how the page's requests reach the API
 * @property {string} api the address for all requests, without a trailing slash
 * @property {import('./http-client.js').Caller | null} caller null when the API does not ask who sends a request
 * @property {(() => void) | null} signIn null when the page has no sign-in
 * @property {boolean} locked whether nothing works before sign-in
 * @property {() => string | null} identity tells one person's or guest's data in this browser from another's; null for a guest
 *   who has none yet, and after sign-out
 * @property {TakeAlong | null} takeAlong to be started when the page is ready; null when no guest used this browser
 *
 * @typedef {(title: string, text: string) => void} Notify
 */

/**
 * Completes a sign-in that is under way, then shows who uses the page.
 * @param {import('./config.js').Config} config
 * @param {HTMLElement} region
 * @param {Notify} notify
 * @returns {Promise<Session>}
 */
export async function showAccount({ api, auth: settings, guests }, region, notify) {
  const guest = guests && new Guest(guests);
  if (!settings) return guest ? showGuest(api, guest, null, region, notify) : { api, caller: null, signIn: null, locked: false, identity: () => '', takeAlong: null };
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
  if (guest && !auth.signedIn) return showGuest(api, guest, signIn, region, notify);

  const caller = bearer(auth);
  const takeAlong = guest?.identityId && auth.signedIn ? new TakeAlong(api, guest, caller, () => showAgain()) : null;
  const showAgain = () => {
    const focused = region.contains(document.activeElement);
    show();
    if (focused) region.querySelector('button')?.focus();
  };
  const show = () => region.replaceChildren(...(auth.signedIn ? signedIn() : [button('Sign in', signIn, { icon: 'person', small: true })]));
  const signedIn = () => [
    auth.userName && h('span', { class: 'account-name', title: auth.userName }, icon('person'), h('span', {}, auth.userName)),
    takeAlong?.declined ? button('Guest pictures', () => void takeAlong.ask(), { small: true }) : '',
    ...copyTokenButton(auth, onError, () => {
      show();
      notify(NOT_SIGNED_IN, 'Sign in again, then copy the access token.');
    }),
    button('Sign out', () => {
      forgetUploads();
      forgetFiles();
      auth.signOut(location.href);
    }, { small: true }),
  ];
  show();
  region.hidden = false;
  return { api, caller, signIn, locked: !auth.signedIn, identity: () => auth.subject && `person.${auth.subject}`, takeAlong };
}

/**
 * @param {string} api
 * @param {Guest} guest
 * @param {(() => void) | null} signIn
 * @param {HTMLElement} region
 * @param {Notify} notify
 * @returns {Session}
 */
function showGuest(api, guest, signIn, region, notify) {
  guest.onReplaced = () => notify('Your earlier pictures are out of reach.', 'The service no longer knows this browser’s guest identity, so you have a new, empty gallery.');
  guest.onUnsaved = () => notify('This browser does not store your guest identity.', 'Your pictures are lost when you leave this page. Allow this site to store data, then reload the page.');
  region.replaceChildren(
    h('span', { class: 'account-name guest' }, icon('person'), 'Guest'),
    ...(signIn ? [button('Sign in to keep your pictures', signIn, { small: true })] : []),
  );
  region.hidden = false;
  region.after(h('p', { class: 'guest-note' }, 'Only this browser can open your pictures. If you clear its data, you lose them.'));
  return { api: `${api}/guest`, caller: guest, signIn, locked: false, identity: () => guest.identityId && `guest.${guest.identityId}`, takeAlong: null };
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
