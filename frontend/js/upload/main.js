// @ts-check
/** Starts the upload page: creates its parts and connects them. */

import { showAccount } from '../shared/account.js';
import { Announcer } from '../shared/announcer.js';
import { createApi } from '../shared/api.js';
import { loadConfig } from '../shared/config.js';
import { byId, h } from '../shared/dom.js';
import { bytes } from '../shared/format.js';
import { Limiter } from '../shared/limiter.js';
import { Notices } from '../shared/notices.js';
import { waitForResult } from '../shared/wait-for-result.js';
import { toJpeg } from './convert.js';
import { listenForFiles } from './file-intake.js';
import { ACCEPT, TYPE_LABELS, checkFile, sha256Hex, skippedNotice } from './files.js';
import { ListHeader } from './list-header.js';
import { putFile } from './put-file.js';
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

const main = byId('main', HTMLElement);
const workspace = byId('workspace', HTMLElement);
const chooseButton = byId('choose', HTMLButtonElement);
const fileElements = { button: chooseButton, input: byId('files', HTMLInputElement), overlay: byId('drop-overlay', HTMLElement) };

const tasks = new Tasks();
/** @type {Set<Task>} changed since the last update of the page */
const changed = new Set();
/** Whether the API asks who sends a request. */
let hasCaller = false;

const notices = new Notices(byId('notices', HTMLElement), () => chooseButton.focus());
const notify = (/** @type {string} */ title, /** @type {string} */ text) => notices.add(title, text);
const on = {
  select,
  cancel: (/** @type {Task} */ task) => task.cancel(),
  retry: (/** @type {Task} */ task) => void task.start(),
  remove: (/** @type {Task} */ task) => remove([task]),
};
const list = new TaskList(on);
const header = new ListHeader(tasks, { clear: () => remove(tasks.inactive), focusLost: () => list.focus() });
const announcer = new Announcer(byId('live', HTMLElement), () => header.summary);
const view = new TaskView({
  ...on,
  announce: (text) => announcer.say(text),
  // A new tab cannot prove who asks. Then the link is the result's presigned address.
  documentUrl: ({ ticket }) => (hasCaller ? ticket?.resultUrl : ticket?.statusUrl) ?? '',
  step: (by) => {
    const task = tasks.neighbour(by);
    if (task) select(task);
  },
});

try {
  await start(await loadConfig(new URL('../../config.json', import.meta.url), location.origin));
} catch (error) {
  notify('The page could not start.', error instanceof Error ? error.message : String(error));
}

/** @param {import('../shared/config.js').Config} config */
async function start(config) {
  const { maxUploadBytes, analyses } = config;
  const { api, caller, signIn, locked, takeAlong } = await showAccount(config, byId('account', HTMLElement), notify);
  hasCaller = caller !== null;
  describeTypes(maxUploadBytes);
  if (locked && signIn) {
    requireSignIn(signIn);
    return;
  }
  /** @type {import('./task.js').Services} */
  const services = {
    api: createApi(api, { caller }),
    analyses,
    uploads: new Limiter(MAX_UPLOADS),
    polls: new Limiter(MAX_POLLS),
    put: putFile,
    waitForResult,
    digest: sha256Hex,
    toJpeg,
  };
  listenForFiles(fileElements, (files) => take(files, maxUploadBytes, services), notify);
  chooseButton.disabled = false;
  addEventListener('beforeunload', (event) => {
    if (tasks.unsaved) event.preventDefault();
  });
  void takeAlong?.offer();
}

/** @param {number | null} maxUploadBytes */
function describeTypes(maxUploadBytes) {
  fileElements.input.accept = ACCEPT;
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
  listenForFiles({ ...fileElements, button: h('button') }, refuse, refuse);
}

/**
 * @param {File[]} files
 * @param {number | null} maxUploadBytes
 * @param {import('./task.js').Services} services
 */
function take(files, maxUploadBytes, services) {
  notices.clear();
  /** @type {Task[]} */
  const added = [];
  /** @type {import('./files.js').SkippedFile[]} */
  const skipped = [];
  for (const file of files) {
    const checked = checkFile(file, maxUploadBytes);
    if ('reason' in checked) skipped.push({ name: file.name, reason: checked.reason });
    else added.push(new Task(file, checked.type, services));
  }
  if (skipped.length > 0) {
    const { title, text } = skippedNotice(skipped);
    notify(title, text);
  }
  const [first] = added;
  if (!first) return;
  tasks.add(added);
  list.add(added);
  select(first);
  update();
  for (const task of added) {
    task.addEventListener('change', () => scheduleUpdate(task));
    void task.start();
  }
}

/** @param {Task | null} task */
function select(task) {
  tasks.selected = task;
  list.select(task);
  view.show(task, tasks.position);
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
  if (task.state === 'done' || task.state === 'failed') announcer.say(announcement(task));
  changed.add(task);
  if (changed.size > 1) return;
  setTimeout(() => {
    for (const each of changed) {
      list.update(each);
      view.update(each);
    }
    changed.clear();
    update();
  }, UPDATE_MS);
}

/** Updates what depends on all pictures together. */
function update() {
  const empty = tasks.all.length === 0;
  main.classList.toggle('empty', empty);
  workspace.hidden = empty;
  if (tasks.selected) view.position = tasks.position;
  header.update();
}
