// @ts-check
/** The page's configuration: `config.json` beside it, written by whoever deploys the page. */

/**
 * @typedef {object} Config
 * @property {string} api the API's address without a slash at the end
 * @property {number | null} maxUploadBytes null where the page does not know a limit
 * @property {string[] | null} analyses what to ask for; null leaves it to the API
 */

/**
 * @param {string | URL} url
 * @param {string} origin the page's own, used where the file names no API
 * @param {typeof fetch} [send]
 * @returns {Promise<Config>}
 * @throws {Error} with a sentence for a person when the file is there and cannot be used
 */
export async function loadConfig(url, origin, send = fetch) {
  /** @type {Response} */
  let response;
  try {
    response = await send(url, { cache: 'no-cache' });
  } catch {
    throw new Error('The page could not load its config.json. Check the connection, then reload the page.');
  }
  if (response.status === 404) return readConfig({}, origin);
  if (!response.ok) throw new Error(`The page could not load its config.json (HTTP ${response.status}). Reload the page.`);
  let value;
  try {
    value = await response.json();
  } catch {
    throw new Error('The page’s config.json is not JSON. It takes {"api": "https://…"}.');
  }
  return readConfig(value, origin);
}

/**
 * @param {unknown} value what stands in `config.json`
 * @param {string} origin
 * @returns {Config}
 */
export function readConfig(value, origin) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error('The page’s config.json must be an object such as {"api": "https://…"}.');
  }
  const { api = '', maxUploadBytes = null, analyses = null } = /** @type {Record<string, unknown>} */ (value);
  if (typeof api !== 'string') throw new Error('“api” in the page’s config.json must be an address such as "https://…".');
  if (maxUploadBytes !== null && !(typeof maxUploadBytes === 'number' && maxUploadBytes > 0)) {
    throw new Error('“maxUploadBytes” in the page’s config.json must be a number of bytes above 0.');
  }
  if (analyses !== null && !(Array.isArray(analyses) && analyses.every((name) => typeof name === 'string'))) {
    throw new Error('“analyses” in the page’s config.json must be a list of names such as ["labels"].');
  }
  return { api: apiAddress(api.trim(), origin), maxUploadBytes, analyses };
}

/**
 * @param {string} api
 * @param {string} origin
 */
function apiAddress(api, origin) {
  let url;
  try {
    url = new URL(api === '' ? '/' : api, origin);
  } catch {
    throw new Error(`“api” in the page’s config.json is not an address: ${api}`);
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new Error(`“api” in the page’s config.json must begin with https:// or http://, not ${url.protocol}`);
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}
