// @ts-check
/**
 * Sign-in with a Cognito user pool's managed login: authorization code with PKCE (RFC 7636, method S256), for a
 * public client without a secret. The tokens live as long as the tab, in `sessionStorage`.
 *
 * Endpoints and parameters: Amazon Cognito Developer Guide, "User pool endpoints and managed login reference".
 */

/** A token is renewed this long before it expires, so that it is still valid when it arrives. */
const MARGIN_MS = 60_000;

/**
 * @typedef {object} Tokens
 * @property {string} access
 * @property {string} id
 * @property {string} refresh
 * @property {number} until when `access` expires, milliseconds since the epoch
 *
 * @typedef {{state: string, verifier: string, redirectUri: string, returnTo: string}} Pending
 *
 * @typedef {object} Browser the browser's interfaces that sign-in uses
 * @property {Storage} storage
 * @property {(url: string) => void} goTo
 * @property {typeof fetch} fetch
 * @property {() => number} now
 */

/** Sign-in failed. The message is shown to the person. */
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
  #prefix;
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
      goTo: browser.goTo ?? ((/** @type {string} */ url) => location.assign(url)),
      fetch: browser.fetch ?? fetch.bind(globalThis),
      now: browser.now ?? Date.now,
    };
    this.#prefix = `sightline.${settings.clientId}`;
  }

  get signedIn() {
    return this.#tokens() !== null;
  }

  /** The name in the identity token. It is unverified: show it, but do not rely on it. */
  get userName() {
    const claims = claimsOf(this.#tokens()?.id ?? '');
    const name = claims.email ?? claims.name ?? claims['cognito:username'];
    return typeof name === 'string' ? name : '';
  }

  /**
   * Who is signed in: the `sub` of the tokens, which never changes. It is unverified.
   * @returns {string | null} null when nobody is signed in, or when the tokens do not say who
   */
  get subject() {
    const tokens = this.#tokens();
    const { sub } = { ...claimsOf(tokens?.access ?? ''), ...claimsOf(tokens?.id ?? '') };
    return typeof sub === 'string' && sub !== '' ? sub : null;
  }

  /** @returns {string | null} the current token, even if it has expired */
  currentToken() {
    return this.#tokens()?.access ?? null;
  }

  /** When the current token expires, in milliseconds since the epoch. */
  get expiresAt() {
    return this.#tokens()?.until ?? 0;
  }

  /**
   * @param {number} [minValidityMs] a token that expires sooner is renewed; the new one may still be valid for less time
   * @returns {Promise<string | null>} a valid access token; null when nobody is signed in
   */
  async token(minValidityMs = MARGIN_MS) {
    const tokens = this.#tokens();
    if (!tokens) return null;
    const needed = tokens.refresh ? minValidityMs : MARGIN_MS;
    if (this.#browser.now() < tokens.until - needed) return tokens.access;
    // Several requests may need a new token at once, and a refresh token may work only once.
    this.#renewal ??= this.#renew(tokens).finally(() => (this.#renewal = null));
    return this.#renewal;
  }

  /**
   * Goes to the sign-in page.
   * @param {string} page the current page's address
   */
  async signIn(page) {
    const { clientId, domain, scopes } = this.#settings;
    if (!globalThis.crypto?.subtle) throw new AuthError('Sign-in needs HTTPS. Open this page at its https:// address.');
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
    this.#browser.goTo(`${domain}/oauth2/authorize?${query}`);
  }

  /**
   * Completes a sign-in if the sign-in page sent the person back to this address.
   * @param {string} page the current page's address
   * @returns {Promise<string | null>} the address that the person came from; null when no sign-in is under way
   * @throws {AuthError} when the sign-in failed
   */
  async finish(page) {
    const parameters = new URL(page).searchParams;
    const [code, error, state] = ['code', 'error', 'state'].map((name) => parameters.get(name));
    if (!state || (!code && !error)) return null;
    /** @type {Pending | null} */
    const pending = this.#read('pending');
    this.#browser.storage.removeItem(`${this.#prefix}.pending`);
    if (!pending || pending.state !== state) throw new AuthError('This sign-in did not start in this tab, or it was already used. Sign in again.');
    if (!code) throw new AuthError(`Sign-in failed (${parameters.get('error_description') ?? error}). Sign in again.`);
    const body = await this.#requestTokens({ grant_type: 'authorization_code', code, redirect_uri: pending.redirectUri, code_verifier: pending.verifier });
    if (!body) throw new AuthError('Sign-in failed: the code expired or was already used. Sign in again.');
    this.#save(body, '');
    return new URL(pending.returnTo).origin === new URL(page).origin ? pending.returnTo : withoutQuery(page);
  }

  /**
   * Deletes the tokens and goes to the page that ends the session.
   * @param {string} page the current page's address
   */
  signOut(page) {
    this.#deleteTokens();
    const { clientId, domain, redirectUri } = this.#settings;
    const query = new URLSearchParams({ client_id: clientId, logout_uri: redirectUri ?? withoutQuery(page) });
    this.#browser.goTo(`${domain}/logout?${query}`);
  }

  /**
   * @param {Tokens} tokens
   * @returns {Promise<string | null>}
   */
  async #renew({ refresh }) {
    const body = refresh ? await this.#requestTokens({ grant_type: 'refresh_token', refresh_token: refresh }) : null;
    if (!body) {
      this.#deleteTokens();
      return null;
    }
    this.#save(body, refresh);
    return this.currentToken();
  }

  /**
   * @param {Record<string, string>} form
   * @returns {Promise<Record<string, unknown> | null>} null when the service rejected the request
   * @throws {AuthError} when the service does not respond
   */
  async #requestTokens(form) {
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
      throw new AuthError(`The sign-in service at ${domain} did not respond correctly. Check the connection, then reload the page.`);
    }
  }

  /**
   * @param {Record<string, unknown>} body
   * @param {string} refresh kept if the response has no new one
   */
  #save(body, refresh) {
    const { access_token: access, id_token: id = '', refresh_token: next = refresh, expires_in: seconds = 3600 } = body;
    this.#write('tokens', { access, id, refresh: next, until: this.#browser.now() + Number(seconds) * 1000 });
  }

  #deleteTokens() {
    for (const part of ['tokens', 'pending']) this.#browser.storage.removeItem(`${this.#prefix}.${part}`);
  }

  /** @returns {Tokens | null} */
  #tokens() {
    return this.#read('tokens');
  }

  /** @param {string} part */
  #read(part) {
    try {
      return JSON.parse(this.#browser.storage.getItem(`${this.#prefix}.${part}`) ?? 'null');
    } catch {
      return null;
    }
  }

  /**
   * @param {string} part
   * @param {unknown} value
   */
  #write(part, value) {
    this.#browser.storage.setItem(`${this.#prefix}.${part}`, JSON.stringify(value));
  }
}

/**
 * The code challenge of a code verifier (RFC 7636, section 4.2, S256).
 * @param {string} verifier
 */
export async function challengeOf(verifier) {
  return base64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))));
}

/** 256 random bits as 43 URL-safe characters, for a code verifier or a state. */
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
 * The claims of a JSON Web Token. The signature is not verified.
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
