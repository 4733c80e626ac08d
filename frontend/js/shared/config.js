// @ts-check
/** The page's configuration: the file `config.json` beside it, which the deployment writes. */

/**
 * @typedef {object} Config
 * @property {string} api the API's address without a trailing slash
 * @property {number | null} maxUploadBytes null: the page applies no limit
 * @property {string[] | null} analyses the analyses to request; null: the API's default
 * @property {string[]} offers the analyses that a person may choose from; without them, there is no choice
 * @property {boolean} gallery whether the API lists pictures, so that the gallery works
 * @property {AuthSettings | null} auth null: no sign-in
 * @property {GuestSettings | null} guests null: no guests
 * @property {boolean} events whether the API announces results, `GET /events`
 *
 * @typedef {object} AuthSettings a Cognito user pool's managed login
 * @property {string} domain its address without a trailing slash
 * @property {string} clientId
 * @property {string | null} redirectUri the page to return to after sign-in; null: the page where it began
 * @property {string[]} scopes
 *
 * @typedef {object} GuestSettings a Cognito identity pool for visitors who are not signed in
 * @property {string} identityPoolId
 * @property {string} region of the API
 * @property {string} apiHost the host name that the API sees, with a port if it has one; the page's own unless config.json names another
 * @property {string} identityEndpoint the identity pool's address without a trailing slash
 */

/**
 * @param {string | URL} url
 * @param {string} origin the page's own, used when the file names no API
 * @param {typeof fetch} [send]
 * @returns {Promise<Config>}
 * @throws {Error} when the file exists but cannot be used; the message is shown to the person
 */
export async function loadConfig(url, origin, send = fetch) {
  /** @type {Response} */
  let response;
  try {
    response = await send(url, { cache: 'no-cache' });
  } catch {
    throw new Error('config.json could not be loaded. Check the connection, then reload the page.');
  }
  if (response.status === 404) return readConfig({}, origin);
  if (!response.ok) throw new Error(`config.json could not be loaded (HTTP ${response.status}). Reload the page.`);
  let value;
  try {
    value = await response.json();
  } catch {
    throw new Error('config.json is not valid JSON. It must look like {"api": "https://…"}.');
  }
  return readConfig(value, origin);
}

/**
 * @param {unknown} value the content of `config.json`
 * @param {string} origin
 * @returns {Config}
 */
export function readConfig(value, origin) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error('config.json must be an object such as {"api": "https://…"}.');
  }
  const { api = '', maxUploadBytes = null, analyses = null, offers = [], gallery = true, auth = null, guests = null, events = false } = /** @type {Record<string, unknown>} */ (value);
  if (typeof api !== 'string') throw new Error('“api” in config.json must be an address such as "https://…".');
  if (maxUploadBytes !== null && !(typeof maxUploadBytes === 'number' && maxUploadBytes > 0)) {
    throw new Error('“maxUploadBytes” in config.json must be a number of bytes above 0.');
  }
  if (analyses !== null && !isNames(analyses)) throw new Error('“analyses” in config.json must be a list of names such as ["labels"].');
  if (!isNames(offers)) throw new Error('“offers” in config.json must be a list of names such as ["labels", "faces"].');
  if (typeof gallery !== 'boolean') throw new Error('“gallery” in config.json must be true or false.');
  if (typeof events !== 'boolean') throw new Error('“events” in config.json must be true or false.');
  return {
    api: address('api', api.trim(), origin),
    maxUploadBytes,
    analyses,
    offers,
    gallery,
    auth: auth === null ? null : readAuth(auth, origin),
    guests: guests === null ? null : readGuests(guests, origin),
    events,
  };
}

/**
 * @param {unknown} value
 * @returns {value is string[]}
 */
function isNames(value) {
  return Array.isArray(value) && value.every((name) => typeof name === 'string');
}

/**
 * @param {unknown} value
 * @param {string} origin
 * @returns {AuthSettings}
 */
function readAuth(value, origin) {
  const shape = '{"domain": "https://….amazoncognito.com", "clientId": "…"}';
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`“auth” in config.json must be an object such as ${shape}.`);
  const { domain, clientId, redirectUri = null, scopes = 'openid email' } = /** @type {Record<string, unknown>} */ (value);
  if (typeof domain !== 'string' || domain.trim() === '') throw new Error(`“auth.domain” in config.json must be the address of the sign-in page, as in ${shape}.`);
  if (typeof clientId !== 'string' || clientId === '') throw new Error(`“auth.clientId” in config.json must be the app client’s ID, as in ${shape}.`);
  if (redirectUri !== null && typeof redirectUri !== 'string') throw new Error('“auth.redirectUri” in config.json must be the address of a page.');
  const names = typeof scopes === 'string' ? scopes.split(/[\s,]+/).filter(Boolean) : scopes;
  if (!Array.isArray(names) || names.length === 0 || !names.every((name) => typeof name === 'string')) {
    throw new Error('“auth.scopes” in config.json must be a list of scopes such as ["openid", "email"].');
  }
  return {
    domain: address('auth.domain', /^[a-z]+:/i.test(domain.trim()) ? domain.trim() : `https://${domain.trim()}`, origin),
    clientId,
    redirectUri: redirectUri === null ? null : redirectAddress(redirectUri, origin),
    scopes: names,
  };
}

/**
 * @param {unknown} value
 * @param {string} origin
 * @returns {GuestSettings}
 */
function readGuests(value, origin) {
  const shape = '{"identityPoolId": "eu-west-1:…", "region": "eu-west-1", "apiHost": "….amazonaws.com", "identityEndpoint": "https://…"}';
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`“guests” in config.json must be an object such as ${shape}.`);
  const { identityPoolId, region, apiHost, identityEndpoint } = /** @type {Record<string, unknown>} */ (value);
  const text = (/** @type {string} */ member, /** @type {unknown} */ given) => {
    if (typeof given !== 'string' || given.trim() === '') throw new Error(`“guests.${member}” in config.json is missing. It must look like ${shape}.`);
    return given.trim();
  };
  // `sightline local` serves pages and API at one address, which may have several names.
  const host = apiHost === undefined ? new URL(origin).host : text('apiHost', apiHost);
  if (!/^[\w.-]+(:\d+)?$|^\[[0-9a-f:.]+\](:\d+)?$/i.test(host)) throw new Error(`“guests.apiHost” in config.json must be a host name without https://, not ${host}`);
  return {
    identityPoolId: text('identityPoolId', identityPoolId),
    region: text('region', region),
    apiHost: host,
    identityEndpoint: address('guests.identityEndpoint', text('identityEndpoint', identityEndpoint), origin),
  };
}

/**
 * Cognito compares the address with the registered ones character by character, so it is not normalised.
 * @param {string} text
 * @param {string} origin
 */
function redirectAddress(text, origin) {
  let url;
  try {
    url = new URL(text, origin);
  } catch {
    throw new Error(`“auth.redirectUri” in config.json is not an address: ${text}`);
  }
  if (url.origin !== origin) throw new Error(`“auth.redirectUri” in config.json must be a page on ${origin}.`);
  return /^[a-z]+:/i.test(text) ? text : url.href;
}

/**
 * @param {string} member
 * @param {string} text
 * @param {string} origin
 */
function address(member, text, origin) {
  let url;
  try {
    url = new URL(text === '' ? '/' : text, origin);
  } catch {
    throw new Error(`“${member}” in config.json is not an address: ${text}`);
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new Error(`“${member}” in config.json must begin with https:// or http://, not ${url.protocol}`);
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}
