// @ts-check
/** Sample pictures for a person who has none at hand. Their sources are on the page and in `frontend/README.md`. */

import { h } from '../shared/dom.js';

const SAMPLES = [
  { file: 'astronaut.jpg', name: 'An astronaut' },
  { file: 'cat.jpg', name: 'A cat' },
  { file: 'coffee.jpg', name: 'A cup of coffee' },
  { file: 'rocket.jpg', name: 'A rocket' },
];

/**
 * @param {HTMLElement} region
 * @param {(files: File[]) => void} take
 * @param {(title: string, text: string) => void} notify
 */
export function showSamples(region, take, notify) {
  const open = async (/** @type {string} */ file) => {
    try {
      const response = await fetch(address(file));
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      take([new File([await response.blob()], file, { type: 'image/jpeg' })]);
    } catch {
      notify('The sample picture could not be loaded.', 'Check the network, then try again.');
    }
  };
  const list = h(
    'ul',
    { class: 'samples-list' },
    SAMPLES.map(({ file, name }) =>
      h(
        'li',
        {},
        h(
          'button',
          { type: 'button', class: 'sample', title: name, onclick: () => void open(file) },
          h('img', { src: address(file), alt: name, width: 96, height: 72, loading: 'lazy', decoding: 'async' }),
        ),
      ),
    ),
  );
  region.querySelector('h3')?.after(list);
  region.hidden = false;
}

/** @param {string} file */
function address(file) {
  return new URL(`../../img/samples/${file}`, import.meta.url).href;
}
