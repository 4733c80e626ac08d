// @ts-check
/** Starts the gallery: creates its parts and connects them. */

import { showAccount } from '../shared/account.js';
import { Announcer } from '../shared/announcer.js';
import { createApi } from '../shared/api.js';
import { loadConfig } from '../shared/config.js';
import { byId } from '../shared/dom.js';
import { count } from '../shared/format.js';
import { Notices } from '../shared/notices.js';
import { DeletionController } from './deletion-controller.js';
import { createImagesApi } from './images-api.js';
import { ListView } from './list-view.js';
import { Navigation } from './navigation.js';
import { readOriginal } from './exports.js';
import { listenForShortcuts, rejectDrops } from './page-events.js';
import { SelectionBar } from './selection-bar.js';
import { Selection } from './selection.js';
import { Toolbar } from './toolbar.js';
import { Updates } from './updates.js';
import { EVERYTHING, isFiltered, sameQuery } from './url-state.js';
import { ViewerController } from './viewer-controller.js';

const main = byId('main', HTMLElement);
const tally = byId('tally', HTMLElement);
const noticeRegion = byId('notices', HTMLElement);
const notices = new Notices(noticeRegion, () => (noticeRegion.closest('dialog') ?? main).focus({ preventScroll: true }));
const announcer = new Announcer(byId('live', HTMLElement), () => tally.textContent ?? '');
const notify = (/** @type {string} */ title, /** @type {string} */ text) => notices.add(title, text);
const announce = (/** @type {string} */ text) => announcer.say(text);

try {
  await start(await loadConfig(new URL('../../config.json', import.meta.url), location.origin));
} catch (error) {
  notify('The page could not start.', error instanceof Error ? error.message : String(error));
}

/** @param {import('../shared/config.js').Config} config */
async function start(config) {
  const { api: url, caller, signIn, takeAlong } = await showAccount(config, byId('account', HTMLElement), notify);
  const images = createImagesApi(url, { caller });
  const api = createApi(url, { caller });

  const navigation = new Navigation({ change: show, confidenceSettled: () => viewer.isOpen || announce(list.tally) });
  const readDocument = async (/** @type {string} */ key, /** @type {AbortSignal} */ signal) => {
    const result = await api.readResult(images.documentUrl(key), signal);
    if (result.ready) toolbar.learnDocument(result.document);
    return result;
  };
  const toolbar = new Toolbar(() => images.counts(new AbortController().signal), {
    search: (query) => navigation.search(query),
    minConfidence: (value) => navigation.setMinConfidence(value),
    counts: (counts) => (list.counts = counts),
  });
  const selection = new Selection(() => {
    list.showSelection();
    selectionBar.show();
  });
  const list = new ListView(images, selection, navigation.state, {
    open: (row) => navigation.open(row.key),
    remove: (row) => deletion.remove(selection.size > 0 ? selection.rows : [row]),
    coveredHeight: () => toolbar.bottom,
    document: readDocument,
    change: () => {
      toolbar.learn(list.listing.rows);
      viewer.updatePosition();
    },
    search: (terms) => navigation.search({ terms }),
    announce,
    showAll: () => navigation.search(EVERYTHING),
    removeFilter: () => navigation.setMinConfidence(0),
    retry: () => toolbar.retryCounts(),
    signIn,
  });
  const viewer = new ViewerController(
    list.listing,
    { details: images.details, document: readDocument, signIn },
    {
      move: (row) => navigation.replace(row.key),
      close: () => navigation.close(),
      remove: (row) => deletion.remove([row]),
      minConfidence: (value) => navigation.setMinConfidence(value),
      closed: (key) => list.focus(key),
      announce,
      notify,
    },
  );
  const deletion = new DeletionController(byId('toasts', HTMLElement), list.listing, images, {
    beforeRemove: (row) => viewer.leave(row),
    deleted: () => void toolbar.loadCounts(),
    restored: (key) => viewer.isOpen || list.focus(key),
    focusLost: () => (viewer.isOpen ? viewer.focus() : list.focus()),
    announce,
    notify,
  });
  const selectionBar = new SelectionBar(
    selection,
    { original: async ({ key }, signal) => readOriginal((await images.details(key, signal)).imageUrl, signal), document: readDocument },
    { selectAll: () => void list.selectAll(), remove: (rows) => deletion.remove(rows), focusLost: () => list.focus(), announce, notify },
  );

  listenForShortcuts({
    undo: () => {
      if (!deletion.canUndo) return false;
      deletion.undo();
      return true;
    },
    search: () => {
      if (viewer.isOpen) return false;
      toolbar.focusSearch();
      return true;
    },
    end: () => {
      if (viewer.isOpen || list.listing.state === 'complete') return false;
      void list.goToEnd();
      return true;
    },
    escape: () => {
      if (viewer.isOpen || !(list.isEnding || selection.isActive)) return false;
      if (list.isEnding) list.stopEnding();
      else selection.clear();
      return true;
    },
  });
  rejectDrops(() => notify('Pictures cannot be uploaded here.', 'Drop them on the Upload page.'));
  addEventListener('pageshow', (event) => {
    // The browser kept the page while another one was open. Meanwhile there may be new pictures.
    if (!event.persisted) return;
    if (list.listing.state === 'failed') void load();
    else void update();
    void toolbar.loadCounts();
  });

  toolbar.show(navigation.state);
  viewer.minConfidence = navigation.state.minConfidence;
  void toolbar.loadCounts();
  const loaded = load();
  if (navigation.state.key) viewer.show(navigation.state.key);
  // The browser cannot know where the pictures will be.
  history.scrollRestoration = 'manual';
  await loaded;
  await list.restorePlace();

  // A stream of events cannot prove who asks.
  const connect = config.events && !caller ? () => new EventSource(`${url}/events`) : null;
  new Updates({ check: update, deleted }, connect).start();
  if (takeAlong) {
    takeAlong.onTaken = () => void load();
    void takeAlong.offer();
  }

  /** Shows what has changed since the list was loaded. */
  async function update() {
    const result = await list.listing.update(leave);
    // In a search, a picture may also have changed so that it is not found any more.
    if (result) changed(result.added, result.removed, isFiltered(navigation.state) ? 'removed from the results' : 'deleted');
    return result && result.added + result.removed > 0;
  }

  /** @param {string} key of a picture that somebody deleted */
  function deleted(key) {
    changed(0, list.listing.remove(key, leave) ? 1 : 0);
  }

  /** @param {import('../shared/api-types.js').ImageRow} row a picture that does not exist any more */
  function leave(row) {
    if (viewer.key === row.key) viewer.leave(row);
  }

  /**
   * @param {number} added
   * @param {number} removed
   * @param {string} [how] they went
   */
  function changed(added, removed, how = 'deleted') {
    if (added > 0) announce(`${count(added, 'new picture')}.`);
    if (removed > 0) announce(`${count(removed, 'picture')} ${how}.`);
    if (added + removed > 0) void toolbar.loadCounts();
  }

  /**
   * Shows another state.
   * @param {import('./url-state.js').State} state
   * @param {import('./url-state.js').State} previous
   * @param {boolean} isBack
   */
  function show(state, previous, isBack) {
    toolbar.show(state, isBack && !sameQuery(state, previous));
    viewer.minConfidence = state.minConfidence;
    if (sameQuery(state, previous)) list.filter(state);
    else {
      selection.clear();
      list.keepPlace();
      scrollTo(0, 0);
      void load().then(() => {
        if (isBack && sameQuery(state, navigation.state)) void list.restorePlace();
      });
    }
    if (state.key === previous.key) return;
    if (state.key) viewer.show(state.key);
    else viewer.close();
  }

  /** Loads the pictures of the current search. */
  async function load() {
    toolbar.retryCounts();
    const isCurrent = await list.load(navigation.state);
    if (!isCurrent) return;
    deletion.allowed = !list.listing.forbidden;
    viewer.deletable = deletion.allowed;
    selectionBar.deletable = deletion.allowed;
    announce(list.tally);
  }
}
