// @ts-check
/** Starts the upload page: creates its parts and connects them. */

import { showAccount } from '../shared/account.js';
import { Announcer } from '../shared/announcer.js';
import { createApi } from '../shared/api.js';
import { loadConfig } from '../shared/config.js';
import { byId } from '../shared/dom.js';
import { saveBlob } from '../shared/download.js';
import { FileStore } from '../shared/file-store.js';
import { bytes, count } from '../shared/format.js';
import { keyPath } from '../shared/keys.js';
import { Limiter } from '../shared/limiter.js';
import { Notices } from '../shared/notices.js';
import { UploadList } from '../shared/upload-list.js';
import { waitForResult } from '../shared/wait-for-result.js';
import { AnalysesChoice } from './analyses.js';
import { toJpeg } from './convert.js';
import { listenForFiles, showChoosers } from './file-intake.js';
import { ACCEPT, TYPE_LABELS, checkFile, sha256Hex, skippedNotice } from './files.js';
import { ListHeader } from './list-header.js';
import { putFile } from './put-file.js';
import { showSamples } from './samples.js';
import { archiveOf } from './save-all.js';
import { Session, waitingForFiles } from './session.js';
import { shownFile } from './shown-file.js';
import { StoredPictures } from './stored-pictures.js';
import { TaskList } from './task-list.js';
import { announcement } from './task-messages.js';
import { TaskView } from './task-view.js';
import { Task } from './task.js';
import { Tasks } from './tasks.js';

/** More uploads at once would not be faster, and addresses could expire before they are used. */
const MAX_UPLOADS = 4;
const MAX_POLLS = 4;
/** The page shows changes this often at most. */
const UPDATE_MS = 50;
/** While something runs, the time left and the pauses are counted down. */
const TICK_MS = 1000;

const main = byId('main', HTMLElement);
const workspace = byId('workspace', HTMLElement);
const chooseButton = byId('choose', HTMLButtonElement);
const folderButton = byId('choose-folder', HTMLButtonElement);
const cameraButton = byId('take-photo', HTMLButtonElement);
const fileInput = byId('files', HTMLInputElement);
const overlay = byId('drop-overlay', HTMLElement);
const choosers = [
  { button: chooseButton, input: fileInput },
  { button: folderButton, input: byId('folder', HTMLInputElement) },
  { button: cameraButton, input: byId('camera', HTMLInputElement) },
];

const tasks = new Tasks();
/** @type {Set<Task>} changed since the last update of the page */
const changed = new Set();
/** Whether the API asks who sends a request. */
let hasCaller = false;
/** Whether the API lists pictures. */
let hasGallery = false;
/** @type {StoredPictures | null} null before the page has started */
let stored = null;
/** @type {Session | null} null before the page has started */
let session = null;
/** The archive that is being made. @type {AbortController | null} */
let saving = null;
/** @type {ReturnType<typeof setInterval> | undefined} */
let ticker;

const notices = new Notices(byId('notices', HTMLElement), () => chooseButton.focus());
const notify = (/** @type {string} */ title, /** @type {string} */ text) => notices.add(title, text);
const on = {
  select: (/** @type {Task} */ task) => choose(task),
  cancel: (/** @type {Task} */ task) => task.cancel(),
  retry: (/** @type {Task} */ task) => void task.start(),
  remove: (/** @type {Task} */ task) => remove([task]),
};
const list = new TaskList({ ...on, thumbnailUrl: async (task) => (await stored?.details(task))?.thumbnail?.url ?? null });
const header = new ListHeader(tasks, { clear: () => remove(tasks.inactive), saveAll: () => void saveAll(), focusLost: () => list.focus() });
const announcer = new Announcer(byId('live', HTMLElement), () => header.summary);
const view = new TaskView({
  ...on,
  announce: (text) => announcer.say(text),
  notify,
  // A new tab cannot prove who asks. Then the link is the result's presigned address, which is not kept over a reload.
  documentUrl: ({ ticket }) => (hasCaller ? ticket?.resultUrl : ticket?.statusUrl) ?? null,
  galleryUrl: ({ ticket }) => (hasGallery && ticket ? new URL(`../../gallery.html#${keyPath(ticket.key)}`, import.meta.url).href : null),
  details: async (task) => (await stored?.details(task)) ?? null,
  pictureOf,
  step: (by) => {
    const task = tasks.neighbour(by);
    if (task) choose(task);
  },
});

try {
  await start(await loadConfig(new URL('../../config.json', import.meta.url), location.origin));
} catch (error) {
  notify('The page could not start.', error instanceof Error ? error.message : String(error));
}

/** @param {import('../shared/config.js').Config} config */
async function start(config) {
  const { maxUploadBytes, analyses, offers, gallery } = config;
  const { api: base, caller, signIn, locked, identity, takeAlong } = await showAccount(config, byId('account', HTMLElement), notify);
  hasCaller = caller !== null;
  hasGallery = gallery;
  byId('pages', HTMLElement).hidden = !gallery;
  describeTypes(maxUploadBytes);
  if (locked && signIn) {
    requireSignIn(signIn);
    return;
  }
  const api = createApi(base, { caller });
  stored = new StoredPictures(api);
  /** @type {import('./task.js').Services} */
  const services = {
    api,
    uploads: new Limiter(MAX_UPLOADS),
    polls: new Limiter(MAX_POLLS),
    put: putFile,
    waitForResult,
    digest: sha256Hex,
    toJpeg,
    online: () => navigator.onLine,
  };
  const choice = new AnalysesChoice(offers, analyses);
  byId('analyses', HTMLElement).replaceChildren(choice.view() ?? '');
  session = new Session(tasks, new UploadList(identity), new FileStore());
  await bringBack(session, services);
  const takeAll = (/** @type {File[]} */ files) => take(files, maxUploadBytes, services, choice.value);
  listenForFiles({ choosers, overlay }, takeAll, notify);
  showChoosers(folderButton, cameraButton);
  showSamples(byId('samples', HTMLElement), takeAll, notify);
  chooseButton.disabled = false;
  addEventListener('online', () => tasks.all.forEach((task) => task.wake()));
  addEventListener('beforeunload', (event) => {
    if (tasks.unsaved) event.preventDefault();
  });
  void takeAlong?.offer();
}

/** @param {number | null} maxUploadBytes */
function describeTypes(maxUploadBytes) {
  fileInput.accept = ACCEPT;
  if (/Mac|iPad|iPhone/.test(navigator.platform)) byId('paste-key', HTMLElement).textContent = '⌘';
  byId('types', HTMLElement).textContent = `${TYPE_LABELS.join(', ')}${maxUploadBytes === null ? '' : `, up to ${bytes(maxUploadBytes)} each`}`;
}

/**
 * Files that are chosen now would be lost on the way to the sign-in page and back.
 * @param {() => void} signIn
 */
function requireSignIn(signIn) {
  chooseButton.textContent = 'Sign in to upload';
  chooseButton.addEventListener('click', signIn);
  chooseButton.disabled = false;
  const refuse = () => notify('You are not signed in.', 'Sign in, then choose the pictures again.');
  listenForFiles({ choosers: [], overlay }, refuse, refuse);
}

/**
 * Lists the pictures of this tab again after a reload, and continues their uploads.
 * @param {Session} from
 * @param {import('./task.js').Services} services
 */
async function bringBack(from, services) {
  const restored = await from.restore(services);
  if (restored.tasks.length === 0) return;
  show(restored.tasks);
  select(restored.selected);
  const started = restored.tasks.filter(({ active }) => active);
  announcer.say(`${count(restored.tasks.length, 'picture')} of this tab ${restored.tasks.length === 1 ? 'is' : 'are'} listed again.`);
  void Promise.all(started.map((task) => task.start())).then(() => {
    const missing = waitingForFiles(started).length;
    if (missing > 0) notify(`${count(missing, 'file')} ${missing === 1 ? 'was' : 'were'} not sent before the page was reloaded.`, 'Choose the same files again, and their uploads continue.');
  });
}

/**
 * @param {File[]} files
 * @param {number | null} maxUploadBytes
 * @param {import('./task.js').Services} services
 * @param {string[] | null} analyses to request; null: the API's default
 */
function take(files, maxUploadBytes, services, analyses) {
  notices.clear();
  /** @type {Task[]} */
  const added = [];
  /** @type {Task[]} tasks that waited for their file */
  const resumed = [];
  /** @type {import('./files.js').SkippedFile[]} */
  const skipped = [];
  for (const file of files) {
    const checked = checkFile(file, maxUploadBytes);
    const waiting = tasks.all.find((task) => task.needsFile && !resumed.includes(task) && task.file.name === file.name && task.file.size === file.size);
    if ('reason' in checked) skipped.push({ name: file.name, reason: checked.reason });
    else if (waiting) resumed.push(waiting.provide(file));
    else added.push(new Task(file, checked.type, services, { analyses }));
  }
  if (skipped.length > 0) {
    const { title, text } = skippedNotice(skipped);
    notify(title, text);
  }
  const started = [...resumed, ...added];
  const [first] = started;
  if (!first) return;
  show(added);
  choose(first);
  for (const task of started) void task.start();
  void session?.keep(started);
}

/**
 * Adds pictures to the page.
 * @param {readonly Task[]} added
 */
function show(added) {
  tasks.add(added);
  list.add(added);
  update();
  for (const task of added) task.addEventListener('change', () => scheduleUpdate(task));
}

/** @param {Task | null} task */
function select(task) {
  tasks.selected = task;
  list.select(task);
  view.show(task, tasks.position);
  session?.changed();
}

/**
 * Selects a picture and brings it into view.
 * @param {Task} task
 */
function choose(task) {
  select(task);
  view.reveal();
}

/**
 * The picture itself: the page's file, or else the one that the service has stored.
 * @param {Task} task
 */
async function pictureOf(task) {
  return shownFile(task) ?? (await stored?.picture(task)) ?? null;
}

/** Saves all results as an archive. Pressed again, it stops. */
async function saveAll() {
  if (saving) return saving.abort();
  const control = new AbortController();
  saving = control;
  try {
    const archive = await archiveOf(tasks.all, {
      pictureOf,
      progress: (done, of) => (header.saving = `Stop saving (${done} of ${of})`),
      signal: control.signal,
    });
    saveBlob(archive, 'sightline.zip');
    announcer.say('All results are saved.');
  } catch (error) {
    if (!control.signal.aborted) notify('The results could not be saved.', error instanceof Error ? error.message : String(error));
  } finally {
    saving = null;
    header.saving = 'Save all';
  }
}

/** @param {readonly Task[]} removed */
function remove(removed) {
  const hadFocus = workspace.contains(document.activeElement);
  tasks.remove(removed);
  for (const task of removed) {
    task.cancel();
    list.remove(task);
  }
  select(tasks.selected);
  update();
  // The button that was pressed is gone, or it does something else now.
  if (hadFocus) tasks.selected ? list.focus() : chooseButton.focus();
}

/**
 * A timer, not an animation frame, so that the page also updates in a background tab.
 * @param {Task} task
 */
function scheduleUpdate(task) {
  const isNews = (!task.known && (task.state === 'done' || task.state === 'failed')) || (task.state === 'retrying' && task.attempts === 1);
  if (isNews) announcer.say(announcement(task));
  changed.add(task);
  if (changed.size > 1) return;
  setTimeout(() => {
    for (const each of changed) {
      list.update(each);
      view.update(each);
    }
    changed.clear();
    update();
    session?.changed();
  }, UPDATE_MS);
}

/** Counts the pauses and the time left down, as long as something runs. */
function tick() {
  if (tasks.active.length === 0) {
    clearInterval(ticker);
    ticker = undefined;
    return;
  }
  for (const task of tasks.active) {
    if (task.state !== 'retrying') continue;
    list.update(task);
    view.update(task);
  }
  header.update();
}

/** Updates what depends on all pictures together. */
function update() {
  const empty = tasks.all.length === 0;
  main.classList.toggle('empty', empty);
  workspace.hidden = empty;
  if (tasks.selected) view.position = tasks.position;
  header.update();
  list.fit();
  if (tasks.active.length > 0) ticker ??= setInterval(tick, TICK_MS);
}
