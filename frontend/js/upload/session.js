// @ts-check
/** Brings the list of pictures back after a reload, and keeps what that needs. */

import { UploadError } from '../shared/errors.js';
import { sleep } from '../shared/time.js';
import { failureMessage } from './task-messages.js';
import { Task } from './task.js';

/** The list is stored this often at most. */
const SAVE_MS = 300;
/** How long to wait for the page before a reload to end. */
const LOCK_MS = 1500;

/**
 * @typedef {import('../shared/upload-list.js').UploadList} UploadList
 * @typedef {import('../shared/file-store.js').FileStore} FileStore
 * @typedef {import('./tasks.js').Tasks} Tasks
 */

export class Session {
  #list;
  #files;
  #tasks;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** The tasks whose files are kept. @type {Set<Task>} */
  #kept = new Set();
  /** A duplicated tab has a copy of the list. Its unsent pictures belong to the first tab. @type {Promise<boolean>} */
  #own;

  /**
   * @param {Tasks} tasks
   * @param {UploadList} list
   * @param {FileStore} files
   */
  constructor(tasks, list, files) {
    this.#tasks = tasks;
    this.#list = list;
    this.#files = files;
    this.#own = hold(`sightline.tab.${list.tab()}`).then((own) => {
      if (!own) void hold(`sightline.tab.${list.tab(true)}`);
      return own;
    });
    addEventListener('pagehide', () => this.#save());
  }

  /**
   * The pictures of this tab before the reload; none yet runs.
   * @param {import('./task.js').Services} services
   * @returns {Promise<{tasks: Task[], selected: Task | null}>}
   */
  async restore(services) {
    const { tasks, selected } = this.#list.read();
    if (tasks.length === 0) {
      void this.#files.prune();
      return { tasks: [], selected: null };
    }
    const own = await this.#own;
    const restored = [];
    for (const remembered of tasks) {
      const stored = remembered.state === 'stored';
      if (!stored && !own) continue;
      const file = stored ? null : await this.#files.get(remembered.id);
      const task = Task.restore(remembered, file, services);
      if (file) this.#kept.add(task);
      restored.push(task);
    }
    void this.#files.prune();
    return { tasks: restored, selected: restored.find(({ id }) => id === selected) ?? restored[0] ?? null };
  }

  /**
   * Keeps new pictures' files until they are sent.
   * @param {readonly Task[]} tasks
   */
  async keep(tasks) {
    this.changed();
    for (const task of tasks) {
      if (!task.source || task.stored || !this.#tasks.all.includes(task)) continue;
      this.#kept.add(task);
      await this.#files.put(task.id, task.source);
    }
  }

  /** Stores the list soon, and deletes files that are not needed any more. */
  changed() {
    this.#timer ??= setTimeout(() => this.#save(), SAVE_MS);
  }

  #save() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { all, selected } = this.#tasks;
    const listed = new Set(all);
    for (const task of this.#kept) {
      if (listed.has(task) && !task.stored) continue;
      this.#kept.delete(task);
      void this.#files.remove(task.id);
    }
    this.#list.write(all.map(remember), selected?.id ?? '');
  }
}

/**
 * @param {Task} task
 * @returns {import('../shared/upload-list.js').RememberedTask}
 */
function remember(task) {
  const { id, file, contentType, analyses, ticket, elapsed, state, stored, needsFile, error } = task;
  const failed = state === 'failed' && !task.document && !needsFile;
  return {
    id,
    name: file.name,
    size: file.size,
    contentType,
    analyses,
    state: stored ? 'stored' : state === 'cancelled' ? 'cancelled' : failed ? 'failed' : 'unsent',
    // The signed addresses in the ticket are not stored.
    address: ticket && { key: ticket.key, resultKey: ticket.resultKey, statusUrl: ticket.statusUrl },
    elapsed,
    failure: failed && !stored && error ? failureMessage(task) : null,
  };
}

/**
 * Holds a lock until the page is closed.
 * @param {string} name
 * @returns {Promise<boolean>} false when another tab holds it
 */
async function hold(name) {
  if (!navigator.locks) return true;
  const wait = new AbortController();
  const held = new Promise((resolve) => {
    const keep = () => {
      resolve(true);
      return new Promise(() => {});
    };
    navigator.locks.request(name, { signal: wait.signal }, keep).catch(() => resolve(false));
  });
  // The page before a reload may need a moment to end.
  void sleep(LOCK_MS).then(() => wait.abort());
  return /** @type {boolean} */ (await held);
}

/**
 * Pictures whose files the person has to choose again.
 * @param {readonly Task[]} tasks
 */
export function waitingForFiles(tasks) {
  return tasks.filter(({ needsFile, error }) => needsFile && error instanceof UploadError && error.kind === 'missing');
}
