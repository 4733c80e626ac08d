// @ts-check
/**
 * Keys and queries as parts of a URL. Only RFC 3986's unreserved characters stay as they are: a signature (SigV4) is made of
 * the address, and this form has only one reading.
 */

/** @param {string} text */
function escape(text) {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/**
 * A source key, escaped except for its slashes.
 * @param {string} key
 */
export function keyPath(key) {
  return key.split('/').map(escape).join('/');
}

/**
 * @param {readonly (readonly [string, string])[]} parameters
 */
export function queryString(parameters) {
  return parameters.map((pair) => pair.map(escape).join('=')).join('&');
}
