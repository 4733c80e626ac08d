// @ts-check

/**
 * A source key as part of a URL: escaped, except for its slashes.
 * @param {string} key
 */
export function keyPath(key) {
  return key.split('/').map(encodeURIComponent).join('/');
}
