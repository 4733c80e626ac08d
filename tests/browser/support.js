// @ts-check
/** What the Chromium tests share: the browser, a page that is watched, and ways to hand it pictures. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

/** @typedef {import('playwright-core').Page} Page */

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** How long an answer may take before a test counts as failed. */
export const PATIENCE = 60_000;

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
 * Keeps what the page shows.
 * @param {Page} page
 * @param {string} name
 */
export async function keep(page, name) {
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
 * Opens a page and watches it. `close` fails when the page logged an error, threw, asked for something that
 * is not there, or asked anyone but the service.
 * @param {import('playwright-core').Browser} browser
 * @param {import('playwright-core').BrowserContextOptions} [options]
 * @param {object} [expect]
 * @param {RegExp} [expect.log] errors in the console that belong to the test
 * @param {RegExp} [expect.missing] addresses that need not be there
 * @param {string} [expect.path] the page, the upload page if not given
 * @param {string} [expect.ready] a selector of what is there once the page can be used
 * @param {(page: Page) => Promise<unknown>} [expect.before] what is prepared before it is opened
 */
export async function open(browser, options = DESKTOP, { log, missing, path = '/', ready = '#choose:enabled', before } = {}) {
  const context = await browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'], ...options });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  /** @type {string[]} */
  const faults = [];
  /** @type {Set<string>} */
  const origins = new Set();
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()) && !log?.test(message.text())) faults.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => faults.push(`thrown: ${error.stack ?? error.message}`));
  page.on('request', (request) => {
    if (/^https?:/.test(request.url())) origins.add(new URL(request.url()).origin);
  });
  page.on('response', (response) => {
    if (response.status() === 404 && !missing?.test(response.url())) faults.push(`404: ${response.url()}`);
  });

  // Someone must listen before a file dialog opens, or the browser opens it for good.
  page.on('filechooser', () => {});

  await before?.(page);
  const response = await page.goto(`${API}${path}`);
  await page.locator(ready).first().waitFor();
  // The policy names who the page may talk to; the browser holds the page to it.
  const policy = (await response?.headerValue('content-security-policy')) ?? '';
  const allowed = [API, ...(/connect-src ([^;]*)/.exec(policy)?.[1] ?? '').split(' ')].filter((source) => source.startsWith('http'));

  return {
    page,
    policy,
    async close() {
      await context.close();
      assert.deepEqual(faults, []);
      assert.deepEqual([...origins].filter((origin) => !allowed.includes(origin)), [], 'requests to others');
    },
  };
}

/**
 * Chooses files in the dialog that the page's button opens.
 * @param {Page} page
 * @param {Parameters<import('playwright-core').FileChooser['setFiles']>[0]} files
 * @param {() => Promise<void>} [press] how the button is pressed
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
  await page.locator('#veil').waitFor({ state: 'visible' });
  await page.dispatchEvent('body', 'drop', { dataTransfer: transfer });
  await page.locator('#veil').waitFor({ state: 'hidden' });
}

/**
 * Puts a PNG on the clipboard and pastes it with the keyboard.
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
export const row = (page, name) => page.locator('#shots > li', { has: page.getByTitle(name, { exact: true }) });

/**
 * Waits until a picture has come to an end and shows it.
 * @param {Page} page
 * @param {string} name
 * @param {'done' | 'failed' | 'cancelled'} [state]
 */
export async function show(page, name, state = 'done') {
  await row(page, name).and(page.locator(`[data-state="${state}"]`)).waitFor();
  await page.getByTitle(name, { exact: true }).click();
  await page.getByRole('heading', { name, exact: true }).waitFor();
}

/**
 * The boxes of the shown picture's label, as they lie on the screen, in ratios of the picture.
 * @param {Page} page
 * @param {string} label
 */
export const boxesOf = (page, label) => boxesLitBy(page, page.getByRole('checkbox', { name: new RegExp(`^${label} `) }));

/**
 * The boxes that light up under a finding.
 * @param {Page} page
 * @param {import('playwright-core').Locator} finding
 */
export async function boxesLitBy(page, finding) {
  await finding.hover();
  const boxes = await page.evaluate(() => {
    const frame = document.querySelector('.picture-image')?.getBoundingClientRect();
    if (!frame) return [];
    return [...document.querySelectorAll('.box.on')].map((box) => {
      // The shape's own box: without its stroke, with the picture's scale.
      const { left, top, width, height } = box.getBoundingClientRect();
      return { left: (left - frame.left) / frame.width, top: (top - frame.top) / frame.height, width: width / frame.width, height: height / frame.height };
    });
  });
  await page.mouse.move(0, 0);
  return boxes;
}

/**
 * Answers of all operations as Rekognition documents them; see `tests/clients/rekognition_answers.py`.
 * @returns {Required<import('../../frontend/js/shared/api-types.js').RekognitionAnswers>}
 */
export function documentedAnswers() {
  const file = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), 'answers-'));
  try {
    execFileSync(file('../.venv/bin/python'), [file('../clients/rekognition_answers.py'), 'write', folder]);
    const answers = Object.entries(JSON.parse(readFileSync(join(folder, 'documented.json'), 'utf8')));
    return /** @type {any} */ (Object.fromEntries(answers.map(([operation, answer]) => [operation.charAt(0).toLowerCase() + operation.slice(1), answer])));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @typedef {{left: number, top: number, width: number, height: number}} Box */

/**
 * How much of `a` lies on `b`, 0..1.
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
 * The document of the shown picture, asked from the API itself.
 * @param {Page} page
 * @returns {Promise<import('../../frontend/js/shared/api-types.js').ResultDocument>}
 */
export async function documentOf(page) {
  const address = await page.getByRole('link', { name: /Open the document/ }).getAttribute('href');
  const response = await fetch(address ?? '');
  assert.equal(response.status, 200);
  return /** @type {any} */ (await response.json());
}

/**
 * axe-core's findings that stand in someone's way.
 * @param {Page} page
 */
export async function barriers(page) {
  await page.evaluate(AXE);
  // Colours on their way to other ones have a contrast of their own.
  await page.evaluate(() => Promise.allSettled(document.getAnimations().flatMap((each) => (each instanceof CSSTransition ? each.finished : []))));
  const findings = await page.evaluate(() => /** @type {any} */ (window).axe.run());
  return findings.violations
    .filter((/** @type {any} */ { impact }) => impact === 'serious' || impact === 'critical')
    .map((/** @type {any} */ { id, nodes }) => `${id}: ${nodes.map((/** @type {any} */ node) => node.html).join(' ')}`);
}

/**
 * How far the page is wider than its window, in CSS pixels.
 * @param {Page} page
 */
export const sideways = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
