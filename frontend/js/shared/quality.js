// @ts-check
/** Brightness, sharpness and contrast of the picture, its foreground and its background. */

import { h } from './dom.js';
import { QUALITIES } from './result.js';

/** @param {readonly import('./result.js').QualityResult[]} regions */
export function qualityTable(regions) {
  return h(
    'table',
    { class: 'quality' },
    h('thead', {}, h('tr', {}, h('td', {}), regions.map(({ region }) => h('th', { scope: 'col' }, region)))),
    h(
      'tbody',
      {},
      QUALITIES.map((name, index) =>
        h('tr', {}, h('th', { scope: 'row' }, name), regions.map(({ values }) => h('td', {}, gauge(values[index] ?? null)))),
      ),
    ),
  );
}

/** @param {number | null} value 0..100 */
function gauge(value) {
  if (value === null) return h('span', { class: 'gauge-none' }, '–', h('span', { class: 'visually-hidden' }, ' not measured'));
  const fill = h('span', { class: 'bar-fill' });
  fill.style.inlineSize = `${Math.min(100, Math.max(0, value))}%`;
  return h('span', { class: 'gauge' }, h('span', {}, value.toFixed(0)), h('span', { class: 'bar', 'aria-hidden': 'true' }, fill));
}
