// @ts-check
/** Shared by the Chromium tests: the browser, a monitored page, and ways to give it pictures. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

import { png } from './many.js';

/** @typedef {import('playwright-core').Page} Page */

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** A test fails if it waits for longer than this, in milliseconds. */
export const TIMEOUT_MS = 60_000;

/** @param {string} name */
function setting(name) {
  const value = process.env[name];
  if (!value) throw new Error(`Set ${name}: see tests/browser/README.md.`);
  return value;
}

/** The running service's address; the page is at `/`. */
export const API = setting('SIGHTLINE_API').replace(/\/+$/, '');

/**
 * The path of a test photograph.
 * @param {string} name
 */
export const picture = (name) => join(setting('SIGHTLINE_PICTURES'), name);

/**
 * Saves a screenshot.
 * @param {Page} page
 * @param {string} name
 */
export async function screenshot(page, name) {
  const folder = setting('ARTEFACTS');
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), animations: 'disabled' });
}

/** @param {import('playwright-core').LaunchOptions} [options] */
export function launch(options = {}) {
  return chromium.launch({
    ...options,
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
}

export const DESKTOP = { viewport: { width: 1360, height: 900 } };
export const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };

/**
 * @param {import('playwright-core').Browser} browser
 * @param {import('playwright-core').BrowserContextOptions} options
 */
async function newContext(browser, options) {
  const context = await browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'], ...options });
  context.setDefaultTimeout(TIMEOUT_MS);
  return context;
}

/** @type {WeakMap<import('playwright-core').Browser, Map<string, ReturnType<typeof newContext>>>} */
const contexts = new WeakMap();

/**
 * The context of all pages with these options.
 * @param {import('playwright-core').Browser} browser
 * @param {import('playwright-core').BrowserContextOptions} options
 */
function sharedContext(browser, options) {
  /** @type {Map<string, ReturnType<typeof newContext>>} */
  const known = contexts.get(browser) ?? new Map();
  contexts.set(browser, known);
  const name = JSON.stringify(options);
  const context = known.get(name) ?? newContext(browser, options);
  known.set(name, context);
  return context;
}

/**
 * Opens a page and monitors it. `close` fails if the page logged or threw an error, received a 404, or sent a request to
 * another origin than the service's.
 * @param {import('playwright-core').Browser} browser
 * @param {import('playwright-core').BrowserContextOptions} [options]
 * @param {object} [expect]
 * @param {RegExp} [expect.log] expected errors in the console
 * @param {RegExp} [expect.missing] addresses that may return 404
 * @param {string} [expect.path] the page; by default the upload page
 * @param {string} [expect.ready] the selector of an element that appears when the page is ready
 * @param {(page: Page) => Promise<unknown>} [expect.before] runs before the page is opened
 * @param {boolean} [expect.own] whether the page needs storage, a network and a clock of its own. Others share what the browser has loaded,
 *   which saves a second for each
 */
export async function open(browser, options = DESKTOP, { log, missing, path = '/', ready = '#choose:enabled', before, own = false } = {}) {
  const context = own ? await newContext(browser, options) : await sharedContext(browser, options);
  const page = await context.newPage();
  /** @type {string[]} */
  const errors = [];
  /** @type {Set<string>} */
  const origins = new Set();
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()) && !log?.test(message.text())) errors.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => errors.push(`thrown: ${error.stack ?? error.message}`));
  page.on('request', (request) => {
    if (/^https?:/.test(request.url())) origins.add(new URL(request.url()).origin);
  });
  page.on('response', (response) => {
    if (response.status() === 404 && !missing?.test(response.url())) errors.push(`404: ${response.url()}`);
  });

  // Without a listener, the browser would open a real file dialog.
  page.on('filechooser', () => {});

  await before?.(page);
  const response = await page.goto(`${API}${path}`);
  await page.locator(ready).first().waitFor();
  // The policy names the allowed origins, and the browser enforces it.
  const policy = (await response?.headerValue('content-security-policy')) ?? '';
  const allowed = [API, ...(/connect-src ([^;]*)/.exec(policy)?.[1] ?? '').split(' ')].filter((source) => source.startsWith('http'));

  return {
    page,
    policy,
    async close() {
      await (own ? context : page).close();
      assert.deepEqual(errors, []);
      assert.deepEqual([...origins].filter((origin) => !allowed.includes(origin)), [], 'requests to other origins');
    },
  };
}

/**
 * Chooses files in the dialog that the page's button opens.
 * @param {Page} page
 * @param {Parameters<import('playwright-core').FileChooser['setFiles']>[0]} files
 * @param {() => Promise<void>} [press] presses the button
 */
export async function choose(page, files, press = () => page.getByRole('button', { name: 'Choose pictures' }).click()) {
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), press()]);
  await chooser.setFiles(files);
}

/**
 * Drags a picture over the page and drops it.
 * @param {Page} page
 * @param {string} path
 * @param {string} type
 */
export async function drop(page, path, type) {
  const transfer = await page.evaluateHandle(
    ({ base64, name, type: mime }) => {
      const content = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
      const made = new DataTransfer();
      made.items.add(new File([content], name, { type: mime }));
      return made;
    },
    { base64: readFileSync(path, 'base64'), name: basename(path), type },
  );
  await page.dispatchEvent('body', 'dragenter', { dataTransfer: transfer });
  await page.locator('#drop-overlay').waitFor({ state: 'visible' });
  await page.dispatchEvent('body', 'drop', { dataTransfer: transfer });
  await page.locator('#drop-overlay').waitFor({ state: 'hidden' });
}

/**
 * Copies a PNG to the clipboard and pastes it with the keyboard.
 * @param {Page} page
 * @param {string} path
 */
export async function paste(page, path) {
  await page.evaluate(async (base64) => {
    const content = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    await navigator.clipboard.write([new ClipboardItem({ 'image/png': new Blob([content], { type: 'image/png' }) })]);
  }, readFileSync(path, 'base64'));
  await page.keyboard.press('Control+V');
}

/**
 * A picture's row in the list.
 * @param {Page} page
 * @param {string} name
 */
export const row = (page, name) => page.locator('#tasks > li', { has: page.getByTitle(name, { exact: true }) });

/**
 * Waits until a picture is finished, and selects it.
 * @param {Page} page
 * @param {string} name
 * @param {'done' | 'failed' | 'cancelled' | 'retrying'} [state]
 */
export async function select(page, name, state = 'done') {
  await row(page, name).and(page.locator(`[data-state="${state}"]`)).waitFor();
  await page.getByTitle(name, { exact: true }).click();
  await page.getByRole('heading', { name, exact: true }).waitFor();
}

/**
 * The selected picture's boxes for a label, as they are on the screen, in ratios of the picture.
 * @param {Page} page
 * @param {string} label
 */
export const boxesOf = (page, label) => boxesHighlightedBy(page, page.getByRole('checkbox', { name: new RegExp(`^${label} `) }));

/**
 * The boxes that are highlighted while the pointer is over a finding.
 * @param {Page} page
 * @param {import('playwright-core').Locator} finding
 */
export async function boxesHighlightedBy(page, finding) {
  await finding.hover();
  const boxes = await page.evaluate(() => {
    const frame = document.querySelector('.picture-image')?.getBoundingClientRect();
    if (!frame) return [];
    return [...document.querySelectorAll('.box.highlighted')].map((box) => {
      // The bounding box has no stroke and includes the picture's scale.
      const { left, top, width, height } = box.getBoundingClientRect();
      return { left: (left - frame.left) / frame.width, top: (top - frame.top) / frame.height, width: width / frame.width, height: height / frame.height };
    });
  });
  await page.mouse.move(0, 0);
  return boxes;
}

/**
 * Responses of all operations as Rekognition documents them; see `tests/clients/rekognition_answers.py`.
 * @returns {Required<import('../../frontend/js/shared/api-types.js').RekognitionResponses>}
 */
export function documentedResponses() {
  const file = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), 'answers-'));
  try {
    execFileSync(file('../.venv/bin/python'), [file('../clients/rekognition_answers.py'), 'write', folder]);
    const responses = Object.entries(JSON.parse(readFileSync(join(folder, 'documented.json'), 'utf8')));
    return /** @type {any} */ (Object.fromEntries(responses.map(([operation, response]) => [operation.charAt(0).toLowerCase() + operation.slice(1), response])));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @typedef {{left: number, top: number, width: number, height: number}} Box */

/**
 * The part of `a` that `b` covers, 0..1.
 * @param {Box} a
 * @param {Box} b
 */
export function share(a, b) {
  const width = Math.min(a.left + a.width, b.left + b.width) - Math.max(a.left, b.left);
  const height = Math.min(a.top + a.height, b.top + b.height) - Math.max(a.top, b.top);
  return (Math.max(0, width) * Math.max(0, height)) / (a.width * a.height);
}

/** @param {readonly Box[]} boxes */
export const largest = (boxes) => [...boxes].sort((a, b) => b.width * b.height - a.width * a.height)[0];

/**
 * The selected picture's result document, read from the API.
 * @param {Page} page
 * @returns {Promise<import('../../frontend/js/shared/api-types.js').ResultDocument>}
 */
export async function documentOf(page) {
  const address = await page.getByRole('link', { name: /Open JSON/ }).getAttribute('href');
  const response = await fetch(address ?? '');
  assert.equal(response.status, 200);
  return /** @type {any} */ (await response.json());
}

/**
 * A small picture for tests in which it does not matter what pictures show. Each is different.
 * @param {number} n
 * @param {string} [name]
 */
export const smallPicture = (n, name = `small-${n}.png`) => ({ name, mimeType: 'image/png', buffer: png({ width: 128, height: 96 }, n / 24) });

/**
 * axe-core's serious and critical findings.
 * @param {Page} page
 * @param {object} [options]
 * @param {string} [options.only] a single rule, such as `color-contrast` after the colours alone have changed
 */
export async function accessibilityIssues(page, { only } = {}) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(AXE);
  // The contrast of colours is only final after their transition.
  await page.evaluate(() => Promise.allSettled(document.getAnimations().flatMap((each) => (each instanceof CSSTransition ? each.finished : []))));
  // axe-core leaves out the sizes of targets (WCAG 2.2, 2.5.8) unless it is asked for them.
  const options = { resultTypes: ['violations'], preload: false, ...(only ? { runOnly: { type: 'rule', values: [only] } } : { rules: { 'target-size': { enabled: true } } }) };
  const findings = await page.evaluate((chosen) => /** @type {any} */ (window).axe.run(chosen), options);
  return findings.violations
    .filter((/** @type {any} */ { impact }) => impact === 'serious' || impact === 'critical')
    .map((/** @type {any} */ { id, nodes }) => `${id}: ${nodes.map((/** @type {any} */ node) => node.html).join(' ')}`);
}

/**
 * How much wider the page is than its window, in CSS pixels.
 * @param {Page} page
 */
export const overflow = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
