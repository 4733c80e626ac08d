// @ts-check
/** Puts the page together. */

import { account } from '../shared/account.js';
import { Announcer } from '../shared/announcer.js';
import { createApi } from '../shared/api.js';
import { loadConfig } from '../shared/config.js';
import { toJpeg } from './convert.js';
import { byId, h } from '../shared/dom.js';
import { ACCEPT, TYPE_LABELS, check, sha256Hex } from '../shared/files.js';
import { bytes } from '../shared/format.js';
import { intake } from './file-intake.js';
import { Notices, leftOut } from '../shared/notices.js';
import { Limiter } from '../shared/limiter.js';
import { waitForResult } from '../shared/wait-for-result.js';
import { Stage } from './task-view.js';
import { Strip } from './task-list.js';
import { Task, canRetry } from './task.js';
import { putFile } from './put-file.js';
import { spoken } from '../shared/messages.js';

/** Files on their way at once: enough to fill a line, few enough that each address is used while it is fresh. */
const UPLOADS_AT_ONCE = 4;
const QUESTIONS_AT_ONCE = 4;
const REFRESH_MS = 50;

const main = byId('main', HTMLElement);
const desk = byId('desk', HTMLElement);
const tally = byId('tally', HTMLElement);
const cancelAll = byId('cancel-all', HTMLButtonElement);
const retryAll = byId('retry-all', HTMLButtonElement);
const clear = byId('clear', HTMLButtonElement);
const input = byId('files', HTMLInputElement);
const button = byId('choose', HTMLButtonElement);

/** @type {Task[]} */
const tasks = [];
/** @type {Task | null} */
let chosen = null;
/** @type {Set<Task>} */
const changed = new Set();
let signsIn = false;

const notices = new Notices(byId('notices', HTMLElement), () => button.focus());
const announcer = new Announcer(byId('live', HTMLElement), summary);
const on = {
  choose,
  cancel: (/** @type {Task} */ task) => task.cancel(),
  retry: (/** @type {Task} */ task) => void task.start(),
  remove: (/** @type {Task} */ task) => remove([task]),
  announce: (/** @type {string} */ text) => announcer.say(text),
  // A new tab brings no token along, so where people sign in the document's presigned address is opened.
  documentAddress: (/** @type {Task} */ { ticket }) => (signsIn ? ticket?.resultUrl : ticket?.statusUrl) ?? '',
  step: (/** @type {number} */ by) => {
    const to = chosen && tasks[tasks.indexOf(chosen) + by];
    if (to) choose(to);
  },
};
const strip = new Strip(on);
const stage = new Stage(on);

try {
  await start(await loadConfig(new URL('../../config.json', import.meta.url), location.origin));
} catch (error) {
  notices.add('The page is not set up.', error instanceof Error ? error.message : String(error));
}

/** @param {import('../shared/config.js').Config} config */
async function start({ api: address, maxUploadBytes, analyses, auth: settings }) {
  const { auth, signIn } = await account(settings, byId('account', HTMLElement), (title, text) => notices.add(title, text));
  signsIn = auth !== null;
  /** @type {import('./task.js').Services} */
  const services = {
    api: createApi(address, { tokens: auth }),
    analyses,
    uploads: new Limiter(UPLOADS_AT_ONCE),
    questions: new Limiter(QUESTIONS_AT_ONCE),
    put: putFile,
    waitForResult,
    digest: sha256Hex,
    toJpeg,
  };

  input.accept = ACCEPT;
  if (/Mac|iPad|iPhone/.test(navigator.platform)) byId('paste-key', HTMLElement).textContent = '⌘';
  byId('types', HTMLElement).textContent = `${TYPE_LABELS.join(', ')}${maxUploadBytes === null ? '' : `, up to ${bytes(maxUploadBytes)} each`}`;
  if (auth && !auth.signedIn) {
    // Files that are chosen now would be lost on the way to the sign-in page and back.
    button.textContent = 'Sign in to upload';
    button.addEventListener('click', signIn);
    button.disabled = false;
    const first = () => notices.add('You are not signed in.', 'Sign in, then choose the pictures again.');
    intake({ button: h('button'), input, veil: byId('veil', HTMLElement) }, first, first);
    return;
  }
  intake({ button, input, veil: byId('veil', HTMLElement) }, take, (title, text) => notices.add(title, text));
  button.disabled = false;

  cancelAll.addEventListener('click', () => tasks.forEach((task) => task.cancel()));
  retryAll.addEventListener('click', () => tasks.filter(canRetry).forEach((task) => void task.start()));
  clear.addEventListener('click', () => remove(tasks.filter((task) => !task.active)));
  addEventListener('beforeunload', (event) => {
    if (tasks.some((task) => task.unsaved)) event.preventDefault();
  });

  /** @param {File[]} files */
  function take(files) {
    notices.clear();
    /** @type {Task[]} */
    const taken = [];
    /** @type {{name: string, reason: string}[]} */
    const left = [];
    for (const file of files) {
      const checked = check(file, maxUploadBytes);
      if ('reason' in checked) left.push({ name: file.name, reason: checked.reason });
      else taken.push(new Task(file, checked.type, services));
    }
    if (left.length > 0) {
      const { title, text } = leftOut(left, TYPE_LABELS);
      notices.add(title, text);
    }
    const [first] = taken;
    if (!first) return;
    tasks.push(...taken);
    strip.add(taken);
    choose(first);
    refresh();
    for (const task of taken) {
      task.addEventListener('change', () => mark(task));
      void task.start();
    }
  }
}

/** @param {Task | null} task */
function choose(task) {
  chosen = task;
  strip.choose(task);
  stage.show(task, { at: task ? tasks.indexOf(task) + 1 : 0, of: tasks.length });
}

/** @param {Task[]} gone */
function remove(gone) {
  const leaving = new Set(gone);
  const focused = strip.focused || desk.contains(document.activeElement);
  const at = chosen && leaving.has(chosen) ? tasks.indexOf(chosen) : -1;
  const next = at < 0 ? chosen : (tasks.slice(at).find((task) => !leaving.has(task)) ?? tasks.slice(0, at).findLast((task) => !leaving.has(task)) ?? null);
  for (const task of gone) {
    task.cancel();
    strip.remove(task);
  }
  tasks.splice(0, tasks.length, ...tasks.filter((task) => !leaving.has(task)));
  choose(next);
  refresh();
  // The button that was used is gone or has another meaning now.
  if (focused) next ? strip.focus() : button.focus();
}

/**
 * Notes that a task changed; the page is brought up to date a few times a second, in the background too.
 * @param {Task} task
 */
function mark(task) {
  if (task.state === 'done' || task.state === 'failed') announcer.say(spoken(task));
  changed.add(task);
  if (changed.size > 1) return;
  setTimeout(() => {
    for (const each of changed) {
      strip.update(each);
      stage.update(each);
    }
    changed.clear();
    refresh();
  }, REFRESH_MS);
}

/** What concerns all pictures together. */
function refresh() {
  const active = tasks.filter((task) => task.active).length;
  const again = tasks.filter(canRetry).length;
  main.classList.toggle('empty', tasks.length === 0);
  desk.hidden = tasks.length === 0;
  if (chosen) stage.place({ at: tasks.indexOf(chosen) + 1, of: tasks.length });
  tally.textContent = summary();
  const used = [cancelAll, retryAll].find((each) => each === document.activeElement);
  cancelAll.hidden = active < 2;
  retryAll.hidden = again < 2;
  retryAll.textContent = `Try ${again} again`;
  clear.hidden = active === tasks.length;
  // A button that was used and goes takes the focus along.
  if (used?.hidden) strip.focus();
  document.title = active > 0 ? `${tasks.length - active} of ${tasks.length} – Sightline` : 'Sightline';
}

function summary() {
  const done = tasks.filter((task) => task.state === 'done').length;
  const failed = tasks.filter((task) => task.state === 'failed').length;
  const active = tasks.filter((task) => task.active).length;
  const parts = active > 0 ? [`${done} of ${tasks.length} analysed`] : [`${done} analysed`];
  if (failed > 0) parts.push(`${failed} failed`);
  return parts.join(', ');
}
