// @ts-check
/** Saving things to disk under a name. */

import { h } from './dom.js';

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
 */
export async function saveFrom(url, name) {
  try {
    // Not from the cache: what an <img> left there came without leave for the page to read it.
    const response = await fetch(url, { credentials: 'omit', cache: 'no-store' });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    save(await response.blob(), name);
    return true;
  } catch {
    h('a', { href: url, target: '_blank', rel: 'noopener noreferrer' }).click();
    return false;
  }
}
