// @ts-check
/** The result document: its keys, its JSON, and buttons to copy, download and open it. */

import { copyText } from './clipboard.js';
import { h } from './dom.js';
import { saveBlob } from './download.js';
import { icon } from './icons.js';
import { jsonTree } from './json-view.js';

/** How long a button says that it copied. */
const COPIED_MS = 2000;

/**
 * @typedef {object} DocumentLinks
 * @property {import('./api-types.js').ResultDocument} document
 * @property {string} filename of the picture
 * @property {string} key of the picture
 * @property {string} resultKey
 * @property {string} url where a new tab can read the document
 */

/**
 * @param {DocumentLinks} links
 * @param {(text: string) => void} announce
 */
export function documentCard({ document, filename, key, resultKey, url }, announce) {
  const text = `${JSON.stringify(document, null, 2)}\n`;
  const copyLabel = h('span', {}, 'Copy');
  const copy = h(
    'button',
    {
      type: 'button',
      class: 'button small',
      'aria-label': 'Copy JSON',
      onclick: async () => {
        const copied = await copyText(text);
        copyLabel.textContent = copied ? 'Copied' : 'Copy failed';
        announce(copied ? 'JSON copied.' : 'Copy failed: the browser blocked the clipboard.');
        setTimeout(() => (copyLabel.textContent = 'Copy'), COPIED_MS);
      },
    },
    icon('copy'),
    copyLabel,
  );
  const download = h(
    'button',
    { type: 'button', class: 'button small', 'aria-label': 'Download JSON', onclick: () => saveBlob(new Blob([text], { type: 'application/json' }), `${filename}.json`) },
    icon('download'),
    'Download',
  );
  const open = h('a', { class: 'button small', href: url, target: '_blank', rel: 'noopener', 'aria-label': 'Open JSON in a new tab' }, icon('open'), 'Open');

  const tree = h('div', { class: 'json-box', tabindex: 0, role: 'region', 'aria-label': 'Raw JSON' });
  const details = h('details', { class: 'raw' }, h('summary', {}, icon('chevron'), 'Raw JSON'), tree);
  details.addEventListener('toggle', () => {
    if (details.open && tree.childElementCount === 0) tree.append(jsonTree(document));
  });

  return h(
    'section',
    { class: 'card document', 'aria-labelledby': 'document-title' },
    h('div', { class: 'card-head' }, h('h3', { id: 'document-title' }, 'Result document'), h('div', { class: 'actions' }, copy, download, open)),
    h(
      'dl',
      { class: 'keys' },
      h('dt', {}, 'Picture'),
      h('dd', {}, h('code', {}, key)),
      h('dt', {}, 'Result'),
      h('dd', {}, h('code', {}, resultKey)),
    ),
    details,
  );
}
