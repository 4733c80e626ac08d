// @ts-check
/** Saves data to disk under a given name. */

import { h } from './dom.js';
import { DownloadError } from './errors.js';

/** The browser reads a `blob:` address only after the click was handled. */
const REVOKE_AFTER_MS = 10_000;

/**
 * @param {Blob} blob
 * @param {string} name
 */
export function saveBlob(blob, name) {
  const url = URL.createObjectURL(blob);
  h('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), REVOKE_AFTER_MS);
}

/**
 * Saves a file of another origin. A plain link cannot name such a file.
 * @param {string} url
 * @param {string} name
 * @returns {Promise<boolean>} false when the browser does not let the page read the file, which then opens in a new tab
 * @throws {DownloadError} when a new tab would show nothing either
 */
export async function saveUrl(url, name) {
  const response = await tryFetch(url);
  if (!response) {
    h('a', { href: url, target: '_blank', rel: 'noopener noreferrer' }).click();
    return false;
  }
  if (!response.ok) throw new DownloadError('rejected', { status: response.status });
  try {
    saveBlob(await response.blob(), name);
  } catch (cause) {
    throw new DownloadError('interrupted', { cause });
  }
  return true;
}

/**
 * @param {string} url
 * @returns {Promise<Response | null>} null when the browser lets the page read no response; it does not say why
 */
async function tryFetch(url) {
  try {
    // Not from the cache: an <img> fetched the entry there without CORS, so the page may not read it.
    return await fetch(url, { credentials: 'omit', cache: 'no-store' });
  } catch (cause) {
    if (!navigator.onLine) throw new DownloadError('offline', { cause });
    return null;
  }
}
