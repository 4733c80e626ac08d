// @ts-check
/** Puts the gallery together. */

import { account } from '../shared/account.js';
import { Announcer } from '../shared/announcer.js';
import { createApi } from '../shared/api.js';
import { loadConfig } from '../shared/config.js';
import { byId, h } from '../shared/dom.js';
import { ApiError } from '../shared/errors.js';
import { brief, count, list, percent } from '../shared/format.js';
import { hasFiles } from '../upload/file-intake.js';
import { Notices } from '../shared/notices.js';
import { Limiter } from '../shared/limiter.js';
import { explainError, inOne } from '../shared/messages.js';
import { Deletions } from './deletions.js';
import { Grid } from './grid.js';
import { createImages } from './images-api.js';
import { Listing } from './listing.js';
import { Search } from './search-field.js';
import { describe, emptyState, endState, faultState } from './list-messages.js';
import { nameOf, readState, sameQuery, writeState } from './url-state.js';
import { UndoNotice } from './undo-notice.js';
import { Viewer } from './viewer.js';

/** @typedef {import('../shared/api-types.js').ImageRow} ImageRow */

/** How far below the screen the end of the list may lie when the next page is asked for. */
const AHEAD = '1400px';
/** Labels that are offered as buttons. */
const OFFERED = 12;
/** The address is rewritten so long after the slider came to rest; browsers refuse to do it for every step. */
const SETTLE_MS = 250;

const main = byId('main', HTMLElement);
const tools = byId('tools', HTMLElement);
const least = byId('least', HTMLInputElement);
const leastOut = byId('least-value', HTMLOutputElement);
const status = byId('status', HTMLSelectElement);
const offers = byId('offers', HTMLElement);
const tally = byId('tally', HTMLElement);
const place = byId('state', HTMLElement);
const dock = byId('dock', HTMLElement);
const sentinel = byId('sentinel', HTMLElement);

const noticesPlace = byId('notices', HTMLElement);
const notices = new Notices(noticesPlace, () => (noticesPlace.closest('dialog') ?? main).focus({ preventScroll: true }));
const announcer = new Announcer(byId('live', HTMLElement), () => tally.textContent ?? '');
let state = readState(location);

try {
  await start(await loadConfig(new URL('../../config.json', import.meta.url), location.origin));
} catch (error) {
  notices.add('The page is not set up.', error instanceof Error ? error.message : String(error));
}

/** @param {import('../shared/config.js').Config} config */
async function start({ api: address, auth: settings }) {
  const { auth, signIn } = await account(settings, byId('account', HTMLElement), (title, text) => notices.add(title, text));
  state = readState(location);
  const images = createImages(address, { tokens: auth });
  const api = createApi(address, { tokens: auth });
  const renewals = new Limiter(3);
  const forGood = new AbortController().signal;
  const howToSignIn = () => (auth ? signIn : null);

  /** @type {import('../shared/api-types.js').Counts} */
  let counts = { labels: [], categories: [] };
  /** Whether the counts could not be read the last time. */
  let uncounted = false;
  /** How many pictures the grid showed before the last change. */
  let tiles = 0;
  /** Whether the viewer was closed and the address it was opened from is on its way. */
  let returning = false;
  /** Whether the API lets this person delete; told by its answer to the listing. */
  let deletable = true;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let settling;

  const listing = new Listing(images.page, refresh);
  const grid = new Grid(byId('tiles', HTMLElement), {
    open: (row) => open(row.key),
    remove,
    cover: () => Math.max(0, tools.getBoundingClientRect().bottom),
    stale: async (row) => {
      try {
        const details = await renewals.run(() => images.details(row.key, forGood));
        listing.refresh(details);
        return details.thumbnail?.url ?? null;
      } catch {
        return null;
      }
    },
  });
  const search = new Search(
    { input: byId('find', HTMLInputElement), list: byId('found', HTMLElement), clear: byId('find-clear', HTMLButtonElement) },
    { choose: (found) => go({ label: found?.kind === 'label' ? found.name : '', category: found?.kind === 'category' ? found.name : '' }) },
  );
  const viewer = new Viewer({
    details: images.details,
    document: (key, signal) => api.readResult(images.documentAddress(key), signal),
    step,
    close: closeViewer,
    remove,
    least: setLeast,
    fresh: (details) => {
      listing.refresh(details);
      document.title = titleOf(details);
    },
    signIn: howToSignIn,
    announce: (text) => announcer.say(text),
    complain: (title, text) => notices.add(title, text),
  });
  const deletions = new Deletions({
    remove: (key) => images.remove(key, forGood),
    removeOnLeaving: images.removeOnLeaving,
    change: (waiting) => undoNotice.show(waiting),
    end: (rows, error) => {
      if (!error) {
        void loadCounts();
        return;
      }
      listing.hide(rows.map(({ key }) => key), false);
      const names = rows.length > 3 ? count(rows.length, 'picture') : list(rows.map((row) => brief(nameOf(row))));
      notices.add(`${names} could not be deleted.`, inOne(explainError(error)));
    },
  });
  const undoNotice = new UndoNotice(dock, { undo, hold: (held) => deletions.hold(held), leftWithFocus: () => (viewer.isOpen ? viewer.dialog.focus() : focusOn()) });

  // Several looks may be reported together; the last one tells how it is now.
  const nearEnd = new IntersectionObserver((looks) => looks.at(-1)?.isIntersecting && goOn(), { rootMargin: AHEAD });
  least.addEventListener('input', () => setLeast(least.valueAsNumber));
  status.addEventListener('change', () => go({ status: /** @type {import('./url-state.js').Status} */ (status.value) }));
  addEventListener('popstate', () => void arrive());
  addEventListener('pagehide', () => deletions.leave());
  addEventListener('pageshow', (event) => {
    // Kept by the browser while another page was looked at: there may be new pictures.
    if (!event.persisted) return;
    void load();
    void loadCounts();
  });
  // A file that is dropped here would take the place of the page.
  addEventListener('dragover', (event) => hasFiles(event) && event.preventDefault());
  addEventListener('drop', (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    notices.add('Nothing was uploaded.', 'Drop pictures on the Upload page.');
  });
  addEventListener('keydown', (event) => {
    const undoes = (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === 'z';
    const typing = event.target instanceof HTMLInputElement && event.target.type === 'text';
    if (undoes && !typing && !undoNotice.element.hidden) {
      event.preventDefault();
      undo();
    } else if (event.key === '/' && !typing && !viewer.isOpen) {
      event.preventDefault();
      byId('find', HTMLInputElement).focus();
    }
  });

  setControls();
  void loadCounts();
  const listed = load();
  if (state.key) showInViewer();
  await listed;

  /** Starts the listing anew for what is looked for now. */
  async function load() {
    const asked = state;
    if (uncounted) void loadCounts();
    await listing.start(asked);
    if (!sameQuery(asked, state)) return;
    deletable = !(listing.error instanceof ApiError && [401, 403].includes(listing.error.status));
    viewer.deletable = deletable;
    announcer.say(tally.textContent ?? '');
  }

  async function loadCounts() {
    try {
      counts = await images.counts(forGood);
      uncounted = false;
    } catch {
      // The listing meets the same fault and tells of it. Counts that are a little old are better than none.
      uncounted = true;
      return;
    }
    search.counts = counts;
    offer();
  }

  /** Brings another page while the end of the list is near the screen. */
  function goOn() {
    if (listing.state !== 'more' || listing.barren) return;
    void listing.more();
  }

  /** What changed in the listing is brought to the page. */
  function refresh() {
    grid.show(listing.shown, state, listing.state === 'complete');
    tally.textContent = describe(listing, state);
    const focused = place.contains(document.activeElement);
    place.replaceChildren(
      ...[
        listing.state === 'failed'
          ? faultState(listing.error, { again, signIn: howToSignIn() })
          : listing.state === 'complete' && listing.shown.length === 0
            ? emptyState(listing, state, { clear: () => go({ label: '', category: '', status: '' }), any: () => setLeast(0) })
            : endState(listing, state, () => void listing.goOn()),
      ].filter((part) => part !== null),
    );
    place.classList.toggle('busy', listing.state === 'loading');
    // The button that was used is gone; it goes on with the first picture that is new.
    if (focused) focusOn(listing.shown[Math.min(tiles, listing.shown.length - 1)]?.key);
    tiles = listing.shown.length;
    placeInViewer();
    // An observer speaks of what moved past its line, and once when it begins: after a page it begins anew, so that an
    // end of the list that is still near, or near again, is not missed.
    if (listing.state === 'more') {
      nearEnd.unobserve(sentinel);
      nearEnd.observe(sentinel);
    }
  }

  function again() {
    void listing.more();
    if (uncounted) void loadCounts();
  }

  /**
   * Puts the focus on a picture, or on the part of the page where they will be.
   * @param {string} [key] the one that Tab leads to where none is given or it is not there
   */
  function focusOn(key) {
    if (listing.shown.length > 0) grid.focus(key);
    else main.focus({ preventScroll: true });
  }

  /**
   * Looks for something else.
   * @param {Partial<import('./url-state.js').Query>} change
   */
  function go(change) {
    const next = { ...state, ...change, key: '' };
    setControls(next);
    if (sameQuery(next, state)) return;
    state = next;
    history.pushState(null, '', addressOf(state));
    scrollTo(0, 0);
    offer();
    void load();
  }

  /** @param {number} value percent */
  function setLeast(value) {
    state = { ...state, least: value };
    setControls();
    listing.least = value;
    clearTimeout(settling);
    settling = setTimeout(() => {
      history.replaceState(history.state, '', addressOf(state));
      if (!viewer.isOpen) announcer.say(tally.textContent ?? '');
    }, SETTLE_MS);
  }

  function setControls({ label, category, status: wanted, least: value } = state) {
    search.show(label || category);
    status.value = wanted;
    least.value = String(value);
    least.setAttribute('aria-valuetext', value > 0 ? `${value} percent` : 'any');
    leastOut.textContent = value > 0 ? percent(value) : 'any';
    viewer.least = value;
  }

  /** The address changed: by the person's hand, or by going back and forth. */
  async function arrive() {
    const next = readState(location);
    const another = !sameQuery(next, state);
    // The slider may have been moved in the viewer, whose address is left now.
    const closed = (returning || viewer.isOpen) && !next.key;
    returning = false;
    if (closed && !another && next.least !== state.least) {
      next.least = state.least;
      history.replaceState(history.state, '', addressOf(next));
    }
    state = next;
    setControls();
    listing.least = next.least;
    if (another) {
      offer();
      void load();
    }
    if (next.key) showInViewer();
    else if (viewer.isOpen) leaveViewer();
  }

  /** @param {string} key */
  function open(key) {
    state = { ...state, key };
    // `opened` tells that going back closes the viewer.
    history.pushState({ opened: true }, '', addressOf(state));
    showInViewer();
  }

  function showInViewer() {
    // What lies outside of the viewer cannot be seen or used while it is open.
    if (!viewer.isOpen) {
      viewer.dialog.querySelector('.viewer-head')?.after(noticesPlace);
      viewer.dialog.append(dock);
    }
    const row = listing.get(state.key) ?? null;
    document.title = titleOf(row ?? state);
    void viewer.show(state.key, row);
    placeInViewer();
  }

  function placeInViewer() {
    if (!viewer.key) return;
    const all = listing.around(viewer.key);
    const at = all.findIndex(({ key }) => key === viewer.key);
    viewer.place({ at: at + 1, of: all.length, more: listing.state === 'more' || listing.state === 'loading' });
  }

  function closeViewer() {
    const opened = history.state?.opened === true;
    leaveViewer();
    clearTimeout(settling);
    state = { ...state, key: '' };
    returning = opened;
    if (opened) history.back();
    else history.replaceState(null, '', addressOf(state));
  }

  function leaveViewer() {
    const { key } = viewer;
    viewer.close();
    tally.before(noticesPlace);
    document.body.append(dock);
    document.title = 'Gallery – Sightline';
    // A picture that does not pass the filter has no tile: the next one takes the focus.
    const all = listing.around(key);
    const at = all.findIndex((row) => row.key === key);
    focusOn(all === listing.shown ? key : (all[at + 1] ?? all[at - 1])?.key);
  }

  /** @param {number} by */
  async function step(by) {
    const { key } = viewer;
    const at = listing.around(key).findIndex((row) => row.key === key);
    if (at < 0) return;
    const missing = () => by > 0 && at + by >= listing.around(key).length && listing.state === 'more';
    // Whoever asks for the next picture wants to go on.
    if (missing() && listing.barren) await listing.goOn();
    while (missing() && !listing.barren) await listing.more();
    const to = listing.around(key)[at + by];
    if (to && viewer.key === key) look(to);
  }

  /** @param {ImageRow} row */
  function look(row) {
    state = { ...state, key: row.key };
    history.replaceState(history.state, '', addressOf(state));
    showInViewer();
    announcer.say(nameOf(row));
  }

  /** @param {ImageRow} row */
  function remove(row) {
    if (!deletable) return;
    const all = listing.around(row.key);
    const at = all.findIndex(({ key }) => key === row.key);
    const next = all[at + 1] ?? all[at - 1];
    if (viewer.isOpen) {
      if (at >= 0 && next) look(next);
      else closeViewer();
    }
    listing.hide([row.key], true);
    deletions.add(row);
    announcer.say(`${nameOf(row)} is being deleted. Undo with Control Z.`);
  }

  function undo() {
    const back = deletions.undo();
    listing.hide(back.map(({ key }) => key), false);
    const [first] = back;
    if (!first) return;
    announcer.say(back.length === 1 ? `${nameOf(first)} is kept.` : `${count(back.length, 'picture')} are kept.`);
    if (!viewer.isOpen) grid.focus(first.key);
  }

  /** The most frequent labels as buttons. */
  function offer() {
    const focused = offers.contains(document.activeElement) ? document.activeElement?.textContent : null;
    const frequent = counts.labels.slice(0, OFFERED);
    offers.hidden = frequent.length === 0;
    offers.replaceChildren(
      ...frequent.map(({ name, images: n }) => {
        const on = name.toLowerCase() === state.label.toLowerCase();
        return h(
          'button',
          { type: 'button', class: 'chip', 'aria-pressed': String(on), onclick: () => go({ label: on ? '' : name, category: '' }) },
          name,
          ' ',
          h('span', { class: 'chip-count' }, n, h('span', { class: 'visually-hidden' }, n === 1 ? ' picture' : ' pictures')),
        );
      }),
    );
    if (focused) [...offers.children].find((chip) => chip.textContent === focused && chip instanceof HTMLElement && (chip.focus(), true));
  }
}

/** @param {Parameters<typeof nameOf>[0]} picture */
function titleOf(picture) {
  return `${nameOf(picture)} – Sightline`;
}

/** @param {import('./url-state.js').State} now */
function addressOf(now) {
  return `${location.pathname}${writeState(now)}`;
}
