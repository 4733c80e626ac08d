// @ts-check
/** Buttons as both pages use them. */

import { h } from './dom.js';
import { icon } from './icons.js';

/** @typedef {import('./icons.js').IconName} IconName */

/**
 * @param {string} label
 * @param {() => void} onclick
 * @param {{icon?: IconName, small?: boolean}} [options]
 */
export function button(label, onclick, { icon: name, small = false } = {}) {
  return h('button', { type: 'button', class: small ? 'button small' : 'button', onclick }, name && icon(name), label);
}

/**
 * A square button with an icon. Its label is read aloud and shown as a tooltip.
 * @param {IconName} name
 * @param {string} label
 * @param {() => void} onclick
 */
export function iconButton(name, label, onclick) {
  return h('button', { type: 'button', class: 'icon-button', 'aria-label': label, title: label, onclick }, icon(name));
}
