// @ts-check
/**
 * Sign-in with a Cognito user pool's managed login: authorization code with PKCE (RFC 7636, method S256), for a
 * public client without a secret. The tokens live as long as the tab, in `sessionStorage`.
 *
 * Endpoints and parameters: Amazon Cognito Developer Guide, "User pool endpoints and managed login reference".
 */

/** A token is renewed so long before it runs out, so that it is still valid when it arrives. */
const MARGIN_MS = 60_000;

/**
 * @typedef {object} Saved
 * @property {string} access
 * @property {string} id
 * @property {string} refresh
 * @property {number} until milliseconds since the epoch
 *
 * @typedef {{state: string, verifier: string, redirectUri: string, returnTo: string}} Pending
 *
 * @typedef {object} Browser what is used of the browser
 * @property {Storage} storage
 * @property {(address: string) => void} go
 * @property {typeof fetch} fetch
 * @property {() => number} now
 */

/** The sign-in did not come to its end; the message is a sentence for a person. */
export class AuthError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = 'AuthError';
  }
}

export class Auth {
  #settings;
  #browser;
  #name;
  /** @type {Promise<string | null> | null} */
  #renewal = null;

  /**
   * @param {import('./config.js').AuthSettings} settings
   * @param {Partial<Browser>} [browser] for tests
   */
  constructor(settings, browser = {}) {
    this.#settings = settings;
    this.#browser = {
      storage: browser.storage ?? sessionStorage,
      go: browser.go ?? ((/** @type {string} */ address) => location.assign(address)),
      fetch: browser.fetch ?? fetch.bind(globalThis),
      now: browser.now ?? Date.now,
    };
    this.#name = `sightline.${settings.clientId}`;
  }

  get signedIn() {
    return this.#saved() !== null;
  }

  /** Who is signed in, as the identity token names them. It is shown and never relied on. */
  get who() {
    const claims = claimsOf(this.#saved()?.id ?? '');
    const name = claims.email ?? claims.name ?? claims['cognito:username'];
    return typeof name === 'string' ? name : '';
  }

  /** @returns {string | null} the token at hand, even one that has run out */
  tokenNow() {
    return this.#saved()?.access ?? null;
  }

  /** Until when the token at hand is valid, in milliseconds since the epoch. */
  get until() {
    return this.#saved()?.until ?? 0;
  }

  /**
   * @param {number} [least] how long it is still to be valid, in milliseconds; one that can only be renewed for less is given too
   * @returns {Promise<string | null>} a valid access token; null when nobody is signed in
   */
  async token(least = MARGIN_MS) {
    const saved = this.#saved();
    if (!saved) return null;
    const needed = saved.refresh ? least : MARGIN_MS;
    if (this.#browser.now() < saved.until - needed) return saved.access;
    // Several requests find the token old at once; a refresh token may be good for one use only.
    this.#renewal ??= this.#renew(saved).finally(() => (this.#renewal = null));
    return this.#renewal;
  }

  /**
   * Leaves for the sign-in page.
   * @param {string} page the address of the page that is left
   */
  async signIn(page) {
    const { clientId, domain, scopes } = this.#settings;
    if (!globalThis.crypto?.subtle) throw new AuthError('Signing in needs a page that came over HTTPS. Open this page by its https:// address.');
    const verifier = randomText();
    const state = randomText();
    const redirectUri = this.#settings.redirectUri ?? withoutQuery(page);
    this.#write('pending', { state, verifier, redirectUri, returnTo: page });
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: clientId,
      redirect_uri: redirectUri,
      scope: scopes.join(' '),
      state,
      code_challenge_method: 'S256',
      code_challenge: await challengeOf(verifier),
    });
    this.#browser.go(`${domain}/oauth2/authorize?${query}`);
  }

  /**
   * Takes what the sign-in page sent back with the address, if it did.
   * @param {string} page the address that was opened
   * @returns {Promise<string | null>} where the person was when they left; null when this is no way back
   * @throws {AuthError} when it is one and nobody is signed in by it
   */
  async finish(page) {
    const answer = new URL(page).searchParams;
    const [code, error, state] = ['code', 'error', 'state'].map((name) => answer.get(name));
    if (!state || (!code && !error)) return null;
    /** @type {Pending | null} */
    const pending = this.#read('pending');
    this.#browser.storage.removeItem(`${this.#name}.pending`);
    if (!pending || pending.state !== state) throw new AuthError('This sign-in was not begun in this tab, or was used already. Sign in again.');
    if (!code) throw new AuthError(`The sign-in ended without success (${answer.get('error_description') ?? error}). Sign in again.`);
    const body = await this.#ask({ grant_type: 'authorization_code', code, redirect_uri: pending.redirectUri, code_verifier: pending.verifier });
    if (!body) throw new AuthError('The sign-in was not accepted: its code is used or too old. Sign in again.');
    this.#save(body, '');
    return new URL(pending.returnTo).origin === new URL(page).origin ? pending.returnTo : withoutQuery(page);
  }

  /**
   * Forgets the tokens and leaves for the page that ends the session.
   * @param {string} page the address of the page that is left
   */
  signOut(page) {
    this.#forget();
    const { clientId, domain, redirectUri } = this.#settings;
    const query = new URLSearchParams({ client_id: clientId, logout_uri: redirectUri ?? withoutQuery(page) });
    this.#browser.go(`${domain}/logout?${query}`);
  }

  /**
   * @param {Saved} saved
   * @returns {Promise<string | null>}
   */
  async #renew({ refresh }) {
    const body = refresh ? await this.#ask({ grant_type: 'refresh_token', refresh_token: refresh }) : null;
    if (!body) {
      this.#forget();
      return null;
    }
    this.#save(body, refresh);
    return this.tokenNow();
  }

  /**
   * @param {Record<string, string>} form
   * @returns {Promise<Record<string, unknown> | null>} null when it was refused
   * @throws {AuthError} when nothing answers
   */
  async #ask(form) {
    const { domain, clientId } = this.#settings;
    let response;
    try {
      response = await this.#browser.fetch(`${domain}/oauth2/token`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ ...form, client_id: clientId }).toString(),
        credentials: 'omit',
      });
      if (response.status >= 500) throw new Error(`HTTP ${response.status}`);
      const body = await response.json();
      return response.ok && typeof body?.access_token === 'string' ? body : null;
    } catch {
      throw new AuthError(`The sign-in service at ${domain} did not answer as it should. Check the connection, then reload the page.`);
    }
  }

  /**
   * @param {Record<string, unknown>} body
   * @param {string} refresh kept where the answer brings no new one
   */
  #save(body, refresh) {
    const { access_token: access, id_token: id = '', refresh_token: next = refresh, expires_in: seconds = 3600 } = body;
    this.#write('tokens', { access, id, refresh: next, until: this.#browser.now() + Number(seconds) * 1000 });
  }

  #forget() {
    for (const part of ['tokens', 'pending']) this.#browser.storage.removeItem(`${this.#name}.${part}`);
  }

  /** @returns {Saved | null} */
  #saved() {
    return this.#read('tokens');
  }

  /** @param {string} part */
  #read(part) {
    try {
      return JSON.parse(this.#browser.storage.getItem(`${this.#name}.${part}`) ?? 'null');
    } catch {
      return null;
    }
  }

  /**
   * @param {string} part
   * @param {unknown} value
   */
  #write(part, value) {
    this.#browser.storage.setItem(`${this.#name}.${part}`, JSON.stringify(value));
  }
}

/**
 * The code challenge of a code verifier (RFC 7636, section 4.2, S256).
 * @param {string} verifier
 */
export async function challengeOf(verifier) {
  return base64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))));
}

/** 256 random bits as 43 letters that need no escaping: a code verifier, or a state. */
export function randomText() {
  return base64Url(crypto.getRandomValues(new Uint8Array(32)));
}

/**
 * @param {Uint8Array} bytes
 */
export function base64Url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}

/**
 * The claims of a JSON Web Token, unchecked.
 * @param {string} token
 * @returns {Record<string, unknown>}
 */
function claimsOf(token) {
  try {
    const part = token.split('.')[1] ?? '';
    const bytes = Uint8Array.from(atob(part.replace(/-/g, '+').replace(/_/g, '/')), (char) => char.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes));
    return typeof claims === 'object' && claims !== null ? claims : {};
  } catch {
    return {};
  }
}

/** @param {string} page */
function withoutQuery(page) {
  const { origin, pathname } = new URL(page);
  return `${origin}${pathname}`;
}
