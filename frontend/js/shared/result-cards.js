// @ts-check
/** The cards below a picture's findings: colours, quality and the result document. */

import { colourRegions } from './colours.js';
import { h } from './dom.js';
import { documentCard } from './document-card.js';
import { qualityTable } from './quality.js';
import { coloursOf, qualityOf } from './result.js';

/**
 * @param {import('./document-card.js').DocumentLinks} links
 * @param {(text: string) => void} announce
 * @returns {HTMLElement[]}
 */
export function resultCards(links, announce) {
  const colours = coloursOf(links.document);
  const quality = qualityOf(links.document);
  return [
    ...(colours.length > 0 ? [h('section', { class: 'card' }, h('h3', {}, 'Dominant colours'), colourRegions(colours))] : []),
    ...(quality.length > 0 ? [h('section', { class: 'card' }, h('h3', {}, 'Image quality'), qualityTable(quality))] : []),
    documentCard(links, announce),
  ];
}
