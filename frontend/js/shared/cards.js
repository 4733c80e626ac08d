// @ts-check
/** Cards with a message, for the column beside a picture. */

import { h } from './dom.js';
import { icon } from './icons.js';

/**
 * @param {string} title
 * @param {...import('./dom.js').Child} children
 */
export function infoCard(title, ...children) {
  return h('section', { class: 'card info' }, h('h3', {}, title), children);
}

/**
 * @param {{title: string, warning?: boolean, alert?: boolean}} options `warning`: something is missing, but not all;
 *   `alert`: screen readers interrupt to read it
 * @param {...import('./dom.js').Child} children
 */
export function problemCard({ title, warning = false, alert = false }, ...children) {
  return h('section', { class: warning ? 'card problem warning' : 'card problem', role: alert ? 'alert' : null }, h('h3', {}, icon('alert'), title), children);
}
