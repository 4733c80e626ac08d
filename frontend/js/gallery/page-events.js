// @ts-check
/** Keys and drops that concern the whole page. */

import { carriesFiles } from '../shared/drag.js';

/** These use the keys themselves. */
const CONTROLS = 'input:not([type="checkbox"]), select, textarea, summary, [tabindex="0"][role="region"]';

/**
 * @param {object} on each returns false if it does nothing now
 * @param {() => boolean} on.undo
 * @param {() => boolean} on.search
 * @param {() => boolean} on.end goes to the last picture
 * @param {() => boolean} on.escape
 */
export function listenForShortcuts(on) {
  addEventListener('keydown', (event) => {
    if (event.defaultPrevented || (event.target instanceof HTMLInputElement && event.target.type === 'text')) return;
    const modified = event.ctrlKey || event.metaKey || event.altKey || event.shiftKey;
    const isUndo = (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === 'z';
    const isControl = event.target instanceof Element && event.target.matches(CONTROLS);
    const handled = isUndo
      ? on.undo()
      : (event.key === '/' && on.search()) || (event.key === 'Escape' && !isControl && on.escape()) || (event.key === 'End' && !modified && !isControl && on.end());
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
