// @ts-check
/**
 * Keeps files that were not sent yet in the browser's database (IndexedDB), so that an upload continues after a reload. A file is
 * deleted when it was sent. Without room, or where the browser blocks its storage, a file is not kept.
 */

const DATABASE = 'sightline.files';
const STORE = 'files';

/** No more than this is kept: the browser copies every file. */
const MAX_BYTES = 512 * 1024 * 1024;
/** What a closed tab left behind is deleted after this time. */
const MAX_AGE_MS = 24 * 60 * 60_000;

export class FileStore {
  /** @type {Promise<IDBDatabase> | null} */
  #database = null;
  /** The sizes of the files that this page keeps, by id. @type {Map<string, number>} */
  #kept = new Map();

  /**
   * @param {string} id
   * @param {File} file
   */
  async put(id, file) {
    const bytes = [...this.#kept.values()].reduce((sum, size) => sum + size, 0);
    if (bytes + file.size > MAX_BYTES) return;
    this.#kept.set(id, file.size);
    await this.#run('readwrite', (store) => store.put({ file, at: Date.now() }, id));
    // The file was sent in the meantime.
    if (!this.#kept.has(id)) await this.remove(id);
  }

  /**
   * @param {string} id
   * @returns {Promise<File | null>}
   */
  async get(id) {
    const entry = await this.#run('readonly', (store) => store.get(id));
    const file = /** @type {{file?: unknown} | null} */ (entry)?.file;
    if (!(file instanceof File)) return null;
    this.#kept.set(id, file.size);
    return file;
  }

  /** @param {string} id */
  async remove(id) {
    this.#kept.delete(id);
    await this.#run('readwrite', (store) => store.delete(id));
  }

  /** Deletes what closed tabs left behind. */
  async prune() {
    const before = Date.now() - MAX_AGE_MS;
    await this.#run('readwrite', (store) => {
      const request = store.openCursor();
      request.addEventListener('success', () => {
        const cursor = request.result;
        if (!cursor) return;
        if (!(cursor.value?.at >= before) && !this.#kept.has(String(cursor.key))) cursor.delete();
        cursor.continue();
      });
      return request;
    });
  }

  /**
   * @param {IDBTransactionMode} mode
   * @param {(store: IDBObjectStore) => IDBRequest} act
   * @returns {Promise<unknown>} null when the browser has no database, or no room in it
   */
  async #run(mode, act) {
    try {
      this.#database ??= open();
      const transaction = (await this.#database).transaction(STORE, mode);
      const request = act(transaction.objectStore(STORE));
      await new Promise((resolve, reject) => {
        transaction.oncomplete = resolve;
        transaction.onabort = transaction.onerror = () => reject(transaction.error);
      });
      return request.result ?? null;
    } catch {
      return null;
    }
  }
}

/** Forgets all files, when a person signs out. */
export function forgetFiles() {
  try {
    indexedDB.deleteDatabase(DATABASE);
  } catch {
    // Blocked: nothing is stored.
  }
}

/** @returns {Promise<IDBDatabase>} */
function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => {
      // Another tab forgets all files.
      request.result.onversionchange = () => request.result.close();
      resolve(request.result);
    };
    request.onerror = () => reject(request.error);
  });
}
