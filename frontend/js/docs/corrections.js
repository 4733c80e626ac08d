// @ts-check
/**
 * Corrects what Swagger UI writes, where its options and our styles cannot: names of fields for screen readers, links within
 * buttons, parts that scroll but cannot be reached with the keyboard. Its elements come and go as operations are opened.
 */

/** @type {[selector: string, correct: (element: HTMLElement) => void][]} */
const CORRECTIONS = [
  // The page has a heading of the first level.
  ['h1.title', (title) => title.setAttribute('aria-level', '2')],
  [
    '.information-container:not([role])',
    (about) => {
      about.setAttribute('role', 'region');
      about.setAttribute('aria-label', 'About the API');
    },
  ],
  // A link within the button that opens an operation. The button does the same.
  ['.opblock-summary-control a[href]', (link) => link.removeAttribute('href')],
  ['select:not([aria-label])', (select) => select.setAttribute('aria-label', nameOf(select))],
  ['input:not([aria-label], [type="hidden"])', (input) => input.setAttribute('aria-label', nameOf(input))],
  ['textarea:not([aria-label])', (area) => area.setAttribute('aria-label', nameOf(area))],
  [
    'pre.microlight:not([tabindex])',
    (code) => {
      code.tabIndex = 0;
      code.setAttribute('role', 'group');
      code.setAttribute('aria-label', 'Example');
    },
  ],
];

/** @param {HTMLElement} root the library renders into it */
export function correct(root) {
  const run = () => {
    for (const [selector, correction] of CORRECTIONS) {
      for (const element of root.querySelectorAll(selector)) if (element instanceof HTMLElement) correction(element);
    }
  };
  // Corrections change attributes, which are not observed, so they cause no further ones.
  new MutationObserver(run).observe(root, { childList: true, subtree: true });
  run();
}

/** @param {HTMLElement} field */
function nameOf(field) {
  const parameter = field.closest('tr')?.dataset.paramName;
  if (parameter) return parameter;
  if (field.closest('.examples-select')) return 'Example';
  return field.closest('.responses-wrapper, .response') ? 'Media type' : 'Body';
}
