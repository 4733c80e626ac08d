// @ts-check
/** Who is signed in, in the masthead of every page. Pages without `auth` in their config.json show nothing of it. */

import { Auth } from './auth.js';
import { h } from './dom.js';
import { icon } from './icons.js';

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
  place.hidden = false;
  if (auth.signedIn) {
    place.replaceChildren(
      ...(auth.who ? [h('span', { class: 'account-name', title: auth.who }, icon('person'), h('span', {}, auth.who))] : []),
      h('button', { type: 'button', class: 'button small', onclick: () => auth.signOut(location.href) }, 'Sign out'),
    );
  } else {
    place.replaceChildren(h('button', { type: 'button', class: 'button small', onclick: signIn }, icon('person'), 'Sign in'));
  }
  return { auth, signIn };
}
