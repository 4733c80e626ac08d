// @ts-check
/**
 * The upload page's list as the tab remembers it: which pictures, and how far they got. It holds no signed address. Each
 * identity has a list of its own, so a person never sees another's pictures.
 */

import { JsonStorage } from './storage.js';

/** Every list's name starts so. */
const PREFIX = 'sightline.uploads.';
const TAB = 'sightline.tab';

/**
 * @typedef {object} RememberedTask
 * @property {string} id names the picture's file in `FileStore`
 * @property {string} name of the file
 * @property {number} size bytes
 * @property {string} contentType
 * @property {string[] | null} analyses the analyses that were asked for; null: the API's default
 * @property {'unsent' | 'stored' | 'cancelled' | 'failed'} state `unsent`: the upload did not finish; `stored`: the
 *   bucket has the picture; `failed`: the upload failed for good
 * @property {{key: string, resultKey: string, statusUrl: string} | null} address where the picture is or was to be stored
 * @property {number} elapsed milliseconds from the start of the upload to the result; 0 before
 * @property {{title: string, text: string} | null} failure why the upload failed
 */

export class UploadList {
  #storage;
  #identity;
  /** The name that this page has written to. @type {string | null} */
  #written = null;

  /**
   * @param {() => string | null} identity whose pictures they are; null before a guest's first request and after
   *   sign-out. Then nothing is remembered
   * @param {() => Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>} [open] for tests
   */
  constructor(identity, open = () => sessionStorage) {
    this.#identity = identity;
    this.#storage = new JsonStorage(open);
  }

  /** @returns {{tasks: RememberedTask[], selected: string}} `selected`: the id of the selected picture, or '' */
  read() {
    const name = this.#name;
    const { tasks, selected } = name === null ? {} : this.#storage.read(name);
    return { tasks: Array.isArray(tasks) ? tasks.filter(isTask) : [], selected: typeof selected === 'string' ? selected : '' };
  }

  /**
   * @param {readonly RememberedTask[]} tasks
   * @param {string} selected
   */
  write(tasks, selected) {
    const name = this.#name;
    // The browser lost the identity, or the service gave it another.
    if (this.#written !== null && this.#written !== name) this.#storage.remove(this.#written);
    this.#written = name;
    if (name === null) return;
    if (tasks.length === 0) this.#storage.remove(name);
    else this.#storage.write(name, { tasks, selected });
  }

  /**
   * The tab's name, which a reload does not change. A duplicated tab has the name of the first.
   * @param {boolean} [renew] gives the tab another name
   */
  tab(renew = false) {
    const { name } = this.#storage.read(TAB);
    if (typeof name === 'string' && !renew) return name;
    const given = randomName();
    this.#storage.write(TAB, { name: given });
    return given;
  }

  get #name() {
    const identity = this.#identity();
    return identity === null ? null : `${PREFIX}${identity}`;
  }
}

/**
 * Forgets the lists of everybody who used this tab, when a person signs out.
 * @param {() => Storage} [open] for tests
 */
export function forgetUploads(open = () => sessionStorage) {
  try {
    const storage = open();
    for (const name of Object.keys(storage)) if (name.startsWith(PREFIX) || name === TAB) storage.removeItem(name);
  } catch {
    // Blocked: nothing is stored.
  }
}

/** A name that nothing else has. Pages without HTTPS have no `crypto.randomUUID`. */
export function randomName() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * @param {unknown} value
 * @returns {value is RememberedTask}
 */
function isTask(value) {
  const { id, name, size, contentType, state } = /** @type {Partial<RememberedTask>} */ (value ?? {});
  return [id, name, contentType, state].every((each) => typeof each === 'string') && typeof size === 'number';
}
