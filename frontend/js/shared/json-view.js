// @ts-check
/** JSON as a collapsible tree. A branch is built when it is first opened, so large documents stay cheap. */

import { h } from './dom.js';
import { count } from './format.js';

/** Branches above this depth start open. */
const OPEN_DEPTH = 2;

/**
 * @param {unknown} value
 * @returns {HTMLElement}
 */
export function jsonTree(value) {
  return h('div', { class: 'json', role: 'group', 'aria-label': 'JSON document' }, node(value, null, 0, true));
}

/**
 * @param {unknown} value
 * @param {string | null} key
 * @param {number} depth
 * @param {boolean} last
 * @returns {HTMLElement}
 */
function node(value, key, depth, last) {
  const name = key === null ? [] : [h('span', { class: 'json-key' }, JSON.stringify(key)), ': '];
  const comma = last ? '' : ',';
  if (typeof value !== 'object' || value === null) {
    return h('div', { class: 'json-line' }, name, h('span', { class: `json-${value === null ? 'null' : typeof value}` }, JSON.stringify(value)), comma);
  }
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  const entries = Object.entries(value);
  if (entries.length === 0) return h('div', { class: 'json-line' }, name, `${open}${close}`, comma);

  const collapsed = h('span', { class: 'json-collapsed' }, ` ${count(entries.length, Array.isArray(value) ? 'item' : 'member')} `, `${close}${comma}`);
  const children = h('div', { class: 'json-children' });
  const branch = h('details', { class: 'json-branch' }, h('summary', {}, name, open, collapsed), children, h('div', { class: 'json-line' }, close, comma));
  let built = false;
  const build = () => {
    if (built) return;
    built = true;
    children.append(...entries.map(([each, inner], index) => node(inner, Array.isArray(value) ? null : each, depth + 1, index === entries.length - 1)));
  };
  branch.addEventListener('toggle', () => branch.open && build());
  if (depth < OPEN_DEPTH) {
    build();
    branch.open = true;
  }
  return branch;
}
