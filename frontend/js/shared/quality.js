// @ts-check
/** Brightness, sharpness and contrast of the picture, its foreground and its background. */

import { QUALITIES } from './result.js';
import { h } from './dom.js';

/** @param {readonly import('./result.js').QualityView[]} regions */
export function qualityTable(regions) {
  return h(
    'table',
    { class: 'quality' },
    h('thead', {}, h('tr', {}, h('td', {}), regions.map(({ region }) => h('th', { scope: 'col' }, region)))),
    h(
      'tbody',
      {},
      QUALITIES.map((name, index) =>
        h('tr', {}, h('th', { scope: 'row' }, name), regions.map(({ figures }) => h('td', {}, gauge(figures[index] ?? null)))),
      ),
    ),
  );
}

/** @param {number | null} figure 0..100 */
function gauge(figure) {
  if (figure === null) return h('span', { class: 'gauge-none' }, '–', h('span', { class: 'visually-hidden' }, ' not measured'));
  const fill = h('span', { class: 'bar-fill' });
  fill.style.inlineSize = `${Math.min(100, Math.max(0, figure))}%`;
  return h('span', { class: 'gauge' }, h('span', {}, figure.toFixed(0)), h('span', { class: 'bar', 'aria-hidden': 'true' }, fill));
}
