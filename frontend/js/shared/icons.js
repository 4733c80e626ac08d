// @ts-check
/** Icons: strokes on a 24 by 24 grid in the colour of the surrounding text. */

import { svg } from './dom.js';

const PATHS = {
  add: 'M12 5v14M5 12h14',
  alert: 'M12 8v5M12 16.5v.01M10.3 4.2 2.9 17a2 2 0 0 0 1.7 3h14.8a2 2 0 0 0 1.7-3L13.7 4.2a2 2 0 0 0-3.4 0Z',
  bin: 'M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.5 11v5M13.5 11v5',
  check: 'm5 12.5 4.5 4.5L19 7.5',
  chevron: 'm9 6 6 6-6 6',
  close: 'M6 6l12 12M18 6 6 18',
  copy: 'M9 9h10v11H9zM15 9V5H5v11h4',
  day: 'M5 6h14v14H5zM5 10h14M9 3v4M15 3v4',
  download: 'M12 4v11m-5-4.5 5 5 5-5M5 20h14',
  file: 'M7 3h7l5 5v13H7zM14 3v5h5',
  filter: 'M4 6h16M7 12h10M10 18h4',
  fit: 'M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5',
  minus: 'M5 12h14',
  next: 'm9 6 6 6-6 6',
  open: 'M14 5h5v5M19 5l-8 8M17 14v5H5V7h5',
  picture: 'M4 5h16v14H4zM4 16l4.5-4.5 4 4 3-3L20 17M15.5 9v.01',
  previous: 'm15 6-6 6 6 6',
  person: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.5 20.5a7.5 7.5 0 0 1 15 0',
  retry: 'M19 12a7 7 0 1 1-2.1-5M19 4v4h-4',
  search: 'M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM15.5 15.5 20 20',
  palette: 'M12 4a8 8 0 1 0 0 16c1.6 0 2-1 1.6-2.2-.5-1.4.3-2.3 1.7-2.3H17a3 3 0 0 0 3-3c0-4.7-3.6-8.5-8-8.5ZM8 11v.01M11 8v.01M15 9v.01',
  tag: 'M4 4h7.5L20 12.5 12.5 20 4 11.5ZM8 8v.01',
  text: 'M5 7V5h14v2M12 5v14M9 19h6',
  undo: 'M8 5 4 9l4 4M4 9h10a5 5 0 0 1 0 10h-4',
};

/** @typedef {keyof typeof PATHS} IconName */

/** @param {IconName} name */
export function icon(name) {
  return svg(
    'svg',
    { class: `icon icon-${name}`, viewBox: '0 0 24 24', 'aria-hidden': 'true', focusable: 'false' },
    svg('path', { d: PATHS[name] }),
  );
}
