// @ts-check
/** The result document as it is: the raw JSON, its address, and ways to take it along. */

import { copyText } from './clipboard.js';
import { h } from './dom.js';
import { save } from './download.js';
import { icon } from './icons.js';
import { jsonTree } from './json-view.js';

/**
 * @param {object} what
 * @param {import('./api-types.js').ResultDocument} what.document
 * @param {string} what.filename the picture's
 * @param {string} what.key
 * @param {string} what.resultKey
 * @param {string} what.address where a new tab can read the document
 * @param {(text: string) => void} announce
 */
export function documentSection({ document, filename, key, resultKey, address }, announce) {
  const text = `${JSON.stringify(document, null, 2)}\n`;
  const copyLabel = h('span', {}, 'Copy');
  const copy = h(
    'button',
    {
      type: 'button',
      class: 'button small',
      'aria-label': 'Copy the JSON',
      onclick: async () => {
        const copied = await copyText(text);
        copyLabel.textContent = copied ? 'Copied' : 'Not copied';
        announce(copied ? 'JSON copied.' : 'The browser did not allow copying.');
        setTimeout(() => (copyLabel.textContent = 'Copy'), 2000);
      },
    },
    icon('copy'),
    copyLabel,
  );
  const download = h(
    'button',
    { type: 'button', class: 'button small', 'aria-label': 'Download the JSON', onclick: () => save(new Blob([text], { type: 'application/json' }), `${filename}.json`) },
    icon('download'),
    'Download',
  );
  const open = h(
    'a',
    { class: 'button small', href: address, target: '_blank', rel: 'noopener', 'aria-label': 'Open the document in a new tab' },
    icon('open'),
    'Open',
  );

  const tree = h('div', { class: 'json-box', tabindex: 0, role: 'region', 'aria-label': 'Raw JSON' });
  const details = h('details', { class: 'raw' }, h('summary', {}, icon('chevron'), 'Raw JSON'), tree);
  details.addEventListener('toggle', () => {
    if (details.open && tree.childElementCount === 0) tree.append(jsonTree(document));
  });

  return h(
    'section',
    { class: 'card document', 'aria-labelledby': 'document-title' },
    h('div', { class: 'card-head' }, h('h3', { id: 'document-title' }, 'Document'), h('div', { class: 'actions' }, copy, download, open)),
    h(
      'dl',
      { class: 'keys' },
      h('dt', {}, 'Picture'),
      h('dd', {}, h('code', {}, key)),
      h('dt', {}, 'Document'),
      h('dd', {}, h('code', {}, resultKey)),
    ),
    details,
  );
}
