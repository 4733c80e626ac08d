// @ts-check
/** Who is signed in, in the masthead of every page. Pages without `auth` in their config.json show nothing of it. */

import { Auth } from './auth.js';
import { copyText } from './clipboard.js';
import { h } from './dom.js';
import { clock } from './format.js';
import { icon } from './icons.js';

/** How long a token that is copied is still to be valid: it is no use when it runs out while it is pasted. */
const COPIED_MS = 30 * 60_000;
/** How long it is said that it was copied. */
const SAID_MS = 10_000;

/**
 * @param {import('./config.js').AuthSettings | null} settings
 * @param {HTMLElement} place
 * @param {(title: string, text: string) => void} tell
 * @returns {Promise<{auth: Auth | null, signIn: () => void}>} once a sign-in under way has come to its end
 */
export async function account(settings, place, tell) {
  if (!settings) return { auth: null, signIn: () => {} };
  const auth = new Auth(settings);
  const fault = (/** @type {unknown} */ error) => tell('You are not signed in.', error instanceof Error ? error.message : String(error));
  const signIn = () => void auth.signIn(location.href).catch(fault);
  try {
    const returnTo = await auth.finish(location.href);
    if (returnTo) {
      // The code in the address is used up; nobody should come upon it again.
      history.replaceState(null, '', location.pathname);
      if (new URL(returnTo).pathname === location.pathname) history.replaceState(null, '', returnTo);
      else location.replace(returnTo);
    }
  } catch (error) {
    history.replaceState(null, '', location.pathname);
    fault(error);
  }
  const show = () => place.replaceChildren(...(auth.signedIn ? signedIn() : [h('button', { type: 'button', class: 'button small', onclick: signIn }, icon('person'), 'Sign in')]));
  const signedIn = () => [
    auth.who && h('span', { class: 'account-name', title: auth.who }, icon('person'), h('span', {}, auth.who)),
    ...tokenButton(auth, fault, () => {
      show();
      tell('You are not signed in.', 'Sign in again, then copy the access token.');
    }),
    h('button', { type: 'button', class: 'button small', onclick: () => auth.signOut(location.href) }, 'Sign out'),
  ];
  show();
  place.hidden = false;
  return { auth, signIn };
}

/**
 * For who calls the API without these pages, as the command line does.
 * @param {Auth} auth
 * @param {(error: unknown) => void} fault
 * @param {() => void} gone the sign-in came to its end meanwhile
 */
function tokenButton(auth, fault, gone) {
  const said = h('span', { class: 'account-said', role: 'status' });
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const say = (/** @type {string} */ text) => {
    clearTimeout(timer);
    said.textContent = text;
    timer = setTimeout(() => (said.textContent = ''), SAID_MS);
  };
  const copy = async () => {
    const token = await auth.token(COPIED_MS);
    if (!token) return gone();
    say((await copyText(token)) ? `Copied; valid until ${clock(auth.until)}` : 'The browser did not allow copying. Press once more.');
  };
  const name = 'Copy access token';
  const button = h('button', { type: 'button', class: 'button small', 'aria-label': name, title: name, onclick: () => void copy().catch(fault) }, icon('copy'), h('span', { class: 'account-verb' }, name));
  return [button, said];
}
