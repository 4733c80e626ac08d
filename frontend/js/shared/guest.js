// @ts-check
/**
 * A guest: a visitor who is not signed in and acts under an identity of a Cognito identity pool. The identity is in
 * `localStorage`, since it is the only way to the guest's pictures. Its temporary credentials sign each request with
 * Signature Version 4.
 *
 * The request goes to the page's own origin, but the signature names the API's host: CloudFront replaces the header `Host`.
 * Only headers that CloudFront passes on unchanged are signed: `x-amz-date` and `x-amz-security-token`.
 *
 * Sources: Amazon Cognito Identity API Reference, GetId and GetCredentialsForIdentity; AWS IAM User Guide, "Create a signed
 * AWS API request".
 */

import { ApiError } from './errors.js';
import { isObject } from './http-client.js';
import { JsonStorage } from './storage.js';

/** The library is only loaded for guests. Its address is not a literal, because it has no types. */
const SIGNER = new URL('../vendor/aws4fetch.js', import.meta.url).href;

/** Credentials are renewed this long before they expire. */
const MARGIN_MS = 5 * 60_000;
/** Credentials that are younger were not rejected for their age. */
const FRESH_MS = 60_000;
/** A difference of the clocks that does not matter. AWS accepts signatures that are up to 5 minutes old or early. */
const CLOCK_TOLERANCE_MS = 60_000;
/** How long a signature can be used; less than the 5 minutes that AWS allows. */
const SIGNATURE_MS = 4 * 60_000;
const TIMEOUT_MS = 20_000;

/** What a signature adds to a request. */
const SIGNED_HEADERS = ['authorization', 'x-amz-date', 'x-amz-security-token'];

/** The identity pool does not know the identity, or does not accept its form. */
const UNKNOWN_IDENTITY = ['ResourceNotFoundException', 'ValidationException', 'InvalidParameterException'];

/**
 * @typedef {object} Credentials
 * @property {string} identityId
 * @property {string} accessKeyId
 * @property {string} secretAccessKey
 * @property {string} sessionToken
 * @property {number} until when they expire, milliseconds since the epoch by the service's clock
 * @property {number} receivedAt by the browser's clock
 *
 * @typedef {object} Signer `AwsV4Signer` of aws4fetch
 * @property {() => Promise<{headers: Headers}>} sign
 *
 * @typedef {object} Browser the browser's interfaces that guests use
 * @property {() => Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>} local keeps the identity; may throw
 * @property {() => Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>} session keeps the credentials; may throw
 * @property {typeof fetch} fetch
 * @property {() => number} now
 * @property {(name: string, job: () => Promise<string>) => Promise<string>} lock runs one job of all tabs at a time
 *
 * @typedef {import('./http-client.js').Reply} Reply
 */

/** A `Caller` of `http-client.js`. */
export class Guest {
  /** Called when the identity pool no longer knows the identity, so that this browser got a new one. */
  onReplaced = () => {};
  /** Called when the browser does not store the identity. */
  onUnsaved = () => {};

  #settings;
  #fetch;
  #now;
  #lock;
  #local;
  #session;
  #name;
  /** How much the service's clock is ahead of the browser's. */
  #aheadMs = 0;
  /** @type {Promise<Credentials> | null} */
  #renewal = null;
  /** @type {Map<string, ArrayBuffer>} signing keys */
  #keys = new Map();
  /** @type {Map<string, {signed: RequestInit, at: number}>} by method and address */
  #prepared = new Map();

  /**
   * @param {import('./config.js').GuestSettings} settings
   * @param {Partial<Browser>} [browser] for tests
   */
  constructor(settings, browser = {}) {
    this.#settings = settings;
    this.#fetch = browser.fetch ?? fetch.bind(globalThis);
    this.#now = browser.now ?? Date.now;
    this.#lock = browser.lock ?? ((name, job) => navigator.locks?.request(name, job) ?? job());
    this.#local = new JsonStorage(browser.local ?? (() => localStorage));
    this.#session = new JsonStorage(browser.session ?? (() => sessionStorage));
    this.#name = `sightline.guest.${settings.identityPoolId}`;
    const { aheadMs } = this.#session.read(`${this.#name}.clock`);
    if (typeof aheadMs === 'number') this.#aheadMs = aheadMs;
  }

  /** This browser's identity; null if it has none yet. */
  get identityId() {
    const { identityId } = this.#local.read(this.#name);
    // The form is that of the API reference.
    return typeof identityId === 'string' && identityId.length <= 55 && /^[\w-]+:[0-9a-f-]+$/i.test(identityId) ? identityId : null;
  }

  /** Whether the person has said not to take the pictures along, and has uploaded none since. */
  get declined() {
    return this.#local.read(this.#name).declined === true;
  }

  decline() {
    const { identityId } = this;
    if (identityId) this.#local.write(this.#name, { identityId, declined: true });
  }

  /** There may be new pictures to take along. */
  reconsider() {
    const { identityId } = this;
    if (identityId && this.declined) this.#local.write(this.#name, { identityId });
  }

  /**
   * @param {string} url
   * @param {RequestInit} init a body must be a string
   * @returns {Promise<RequestInit>}
   */
  async sign(url, init) {
    const { accessKeyId, secretAccessKey, sessionToken } = await this.#credentials();
    if (init.method === 'POST') this.reconsider();
    const { AwsV4Signer } = /** @type {{AwsV4Signer: new (options: object) => Signer}} */ (await import(SIGNER));
    const { protocol, pathname, search } = new URL(url);
    const { apiHost, region } = this.#settings;
    const signer = new AwsV4Signer({
      method: init.method ?? 'GET',
      url: `${protocol}//${apiHost}${pathname}${search}`,
      body: init.body ?? '',
      accessKeyId,
      secretAccessKey,
      sessionToken,
      service: 'execute-api',
      region,
      datetime: new Date(this.#now() + this.#aheadMs).toISOString().replace(/[:-]|\.\d{3}/g, ''),
      cache: this.#keys,
    });
    const signed = (await signer.sign()).headers;
    const headers = new Headers(init.headers);
    for (const name of SIGNED_HEADERS) headers.set(name, signed.get(name) ?? '');
    return { ...init, headers };
  }

  /**
   * Signing takes time that a page has no more when it is left, so this needs `prepare`.
   * @param {string} url
   * @param {RequestInit} init
   */
  signNow(url, init) {
    return this.#prepared.get(requestName(url, init))?.signed ?? init;
  }

  /**
   * @param {string} url
   * @param {RequestInit} init
   */
  prepare(url, init) {
    const at = this.#now();
    for (const [name, each] of this.#prepared) if (Math.abs(at - each.at) > SIGNATURE_MS) this.#prepared.delete(name);
    this.sign(url, init).then(
      (signed) => this.#prepared.set(requestName(url, init), { signed, at }),
      // The request itself will report the error.
      () => {},
    );
  }

  /**
   * API Gateway rejects expired credentials and a wrong clock alike, with 403 and a body that may not say why. The API's own 403
   * has a code; only one is about the signature.
   * @param {Reply} reply
   * @param {RequestInit} sent
   */
  async recover({ response, body }, sent) {
    if (response.status !== 403 || (isObject(body) && typeof body.code === 'string' && body.code !== 'no-guest-identity')) return false;
    this.#setClock(response);
    // Another request may have corrected the clock already.
    if (Math.abs(signedAt(sent) - this.#now() - this.#aheadMs) > CLOCK_TOLERANCE_MS) return true;
    const credentials = this.#stored();
    if (!credentials) return true;
    // Another request has renewed them already.
    if (new Headers(sent.headers).get('x-amz-security-token') !== credentials.sessionToken) return true;
    if (this.#isFresh(credentials)) return false;
    this.#session.remove(this.#name);
    return true;
  }

  /** @returns {Promise<Credentials>} */
  async #credentials() {
    if (!globalThis.crypto?.subtle) throw new ApiError('rejected', { status: 403, problem: { code: 'no-guest-identity', detail: 'Guests need HTTPS. Open this page at its https:// address.' } });
    const stored = this.#stored();
    if (stored && (this.#isFresh(stored) || this.#now() + this.#aheadMs < stored.until - MARGIN_MS)) return stored;
    // Several requests may need credentials at once.
    this.#renewal ??= this.#renew().finally(() => (this.#renewal = null));
    return this.#renewal;
  }

  /** @param {Credentials} credentials */
  #isFresh({ receivedAt }) {
    return Math.abs(this.#now() - receivedAt) < FRESH_MS;
  }

  /** @returns {Credentials | null} those of the current identity */
  #stored() {
    const stored = this.#session.read(this.#name);
    const isComplete =
      ['accessKeyId', 'secretAccessKey', 'sessionToken'].every((name) => typeof stored[name] === 'string') &&
      ['until', 'receivedAt'].every((name) => typeof stored[name] === 'number');
    return isComplete && stored.identityId === this.identityId ? /** @type {Credentials} */ (/** @type {unknown} */ (stored)) : null;
  }

  async #renew() {
    const identityId = await this.#identity();
    try {
      return await this.#requestCredentials(identityId);
    } catch (error) {
      if (!(error instanceof ApiError) || !UNKNOWN_IDENTITY.includes(error.problem.code ?? '')) throw error;
    }
    const credentials = await this.#requestCredentials(await this.#identity(identityId));
    this.onReplaced();
    return credentials;
  }

  /**
   * This browser's identity, or a new one. Two tabs that are opened at once get the same.
   * @param {string} [unknown] an identity that the pool does not know; it is kept until there is another
   */
  async #identity(unknown) {
    const known = () => (this.identityId === unknown ? null : this.identityId);
    return (
      known() ??
      this.#lock(this.#name, async () => {
        const current = known();
        if (current) return current;
        const { IdentityId: identityId } = await this.#ask('GetId', { IdentityPoolId: this.#settings.identityPoolId });
        if (!this.#local.write(this.#name, { identityId })) this.onUnsaved();
        return this.identityId ?? this.#unreadable();
      })
    );
  }

  /** @param {string} identityId */
  async #requestCredentials(identityId) {
    const { Credentials: body } = await this.#ask('GetCredentialsForIdentity', { IdentityId: identityId });
    if (!isObject(body)) return this.#unreadable();
    const { AccessKeyId: accessKeyId, SecretKey: secretAccessKey, SessionToken: sessionToken, Expiration } = body;
    const credentials = { identityId, accessKeyId, secretAccessKey, sessionToken, until: Number(Expiration) * 1000, receivedAt: this.#now() };
    this.#keys.clear();
    this.#session.write(this.#name, credentials);
    return this.#stored() ?? this.#unreadable();
  }

  /**
   * @param {string} operation of Cognito's identity pools
   * @param {Record<string, string>} input
   * @returns {Promise<Record<string, unknown>>}
   * @throws {ApiError}
   */
  async #ask(operation, input) {
    const { identityEndpoint: url } = this.#settings;
    let response;
    let body;
    try {
      response = await this.#fetch(`${url}/`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `AWSCognitoIdentityService.${operation}` },
        body: JSON.stringify(input),
        credentials: 'omit',
        cache: 'no-store',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      body = await response.json().catch(() => null);
    } catch (cause) {
      throw new ApiError('unreachable', { url, cause });
    }
    this.#setClock(response);
    if (response.ok) return isObject(body) ? body : this.#unreadable();
    // The name may have a namespace before it, and an address after it.
    const code = /([A-Za-z]+)(?::.*)?$/.exec(isObject(body) && typeof body.__type === 'string' ? body.__type : '')?.[1] ?? '';
    const status = code === 'TooManyRequestsException' ? 429 : response.status >= 500 ? response.status : 400;
    const detail = status === 429 ? '' : `The identity service gave this browser no guest access (${code || `HTTP ${status}`}). Try again later, or ask the operator.`;
    throw new ApiError('rejected', { url, status, problem: { code, detail } });
  }

  /**
   * Takes the time from a response. The identity service may not let the page read its `Date`; the page's own origin does.
   * @param {Response} response
   */
  #setClock(response) {
    const date = Date.parse(response.headers.get('date') ?? '');
    const aheadMs = date - this.#now();
    if (Number.isNaN(date) || Math.abs(aheadMs - this.#aheadMs) < CLOCK_TOLERANCE_MS) return;
    this.#aheadMs = aheadMs;
    this.#session.write(`${this.#name}.clock`, { aheadMs });
  }

  /** @returns {never} */
  #unreadable() {
    throw new ApiError('unreadable', { url: this.#settings.identityEndpoint });
  }
}

/**
 * @param {string} url
 * @param {RequestInit} init
 */
function requestName(url, { method = 'GET' }) {
  return `${method} ${url}`;
}

/**
 * When a request was signed, by the clock as it was then, in milliseconds since the epoch.
 * @param {RequestInit} sent
 */
function signedAt({ headers }) {
  const date = new Headers(headers).get('x-amz-date') ?? '';
  return Date.parse(date.replace(/^(\d{4})(\d\d)(\d\dT\d\d)(\d\d)(\d\dZ)$/, '$1-$2-$3:$4:$5'));
}
