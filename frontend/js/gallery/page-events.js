// @ts-check
/** Keys and drops that concern the whole page. */

import { carriesFiles } from '../shared/drag.js';

/**
 * @param {object} on
 * @param {() => boolean} on.undo returns false if there is nothing to undo
 * @param {() => boolean} on.search returns false if the search field cannot be used now
 */
export function listenForShortcuts(on) {
  addEventListener('keydown', (event) => {
    if (event.target instanceof HTMLInputElement && event.target.type === 'text') return;
    const isUndo = (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === 'z';
    const handled = isUndo ? on.undo() : event.key === '/' && on.search();
    if (handled) event.preventDefault();
  });
}

/**
 * Without this, the browser would replace the page with a dropped file.
 * @param {() => void} onDrop
 */
export function rejectDrops(onDrop) {
  addEventListener('dragover', (event) => carriesFiles(event) && event.preventDefault());
  addEventListener('drop', (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    onDrop();
  });
}
