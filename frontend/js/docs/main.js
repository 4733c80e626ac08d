// @ts-check
/** The page that shows the API's OpenAPI document. */

import { byId } from '../shared/dom.js';
import { loadConfig } from '../shared/config.js';
import { correct } from './corrections.js';

/** The library of `js/vendor/`, a classic script that runs before this module. */
const { SwaggerUIBundle } = /** @type {{ SwaggerUIBundle: (options: object) => void }} */ (/** @type {unknown} */ (globalThis));

// The library goes by a class of the root element.
const dark = matchMedia('(prefers-color-scheme: dark)');
const follow = () => document.documentElement.classList.toggle('dark-mode', dark.matches);
dark.addEventListener('change', follow);
follow();

try {
  const { api } = await loadConfig('config.json', location.origin);
  correct(byId('reference', HTMLElement));
  SwaggerUIBundle({
    url: `${api}/openapi.json`,
    dom_id: '#reference',
    deepLinking: true,
    docExpansion: 'list',
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    // Its colours have too little contrast.
    syntaxHighlight: false,
    // By default it sends the document to a service that checks it.
    validatorUrl: null,
  });
} catch (error) {
  const notice = document.createElement('p');
  notice.className = 'notice';
  notice.textContent = error instanceof Error ? error.message : 'The document could not be shown. Reload the page.';
  byId('notices', HTMLElement).append(notice);
}
