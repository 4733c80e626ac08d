// @ts-check
/** Saving things to disk under a name. */

import { h } from './dom.js';
import { DownloadError } from './errors.js';

/**
 * @param {Blob} blob
 * @param {string} name
 */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  h('a', { href: url, download: name }).click();
  // The browser reads the address after this turn.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/**
 * Saves what lies at an address of another origin, whose name a plain link could not choose.
 * @param {string} url
 * @param {string} name
 * @returns {Promise<boolean>} false when the page may not read it: then a new tab shows it
 * @throws {DownloadError} where a new tab would show no more
 */
export async function saveFrom(url, name) {
  const response = await ask(url);
  if (!response) {
    h('a', { href: url, target: '_blank', rel: 'noopener noreferrer' }).click();
    return false;
  }
  if (!response.ok) throw new DownloadError('refused', { status: response.status });
  try {
    save(await response.blob(), name);
  } catch (cause) {
    throw new DownloadError('broken', { cause });
  }
  return true;
}

/**
 * @param {string} url
 * @returns {Promise<Response | null>} null where the browser lets the page read no answer: it does not tell why
 */
async function ask(url) {
  try {
    // Not from the cache: what an <img> left there came without leave for the page to read it.
    return await fetch(url, { credentials: 'omit', cache: 'no-store' });
  } catch (cause) {
    if (!navigator.onLine) throw new DownloadError('offline', { cause });
    return null;
  }
}
