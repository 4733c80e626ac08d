// @ts-check
/**
 * JSON in the browser's storage. A browser may block its storage; then the values last as long as the page. What cannot be
 * read counts as missing.
 */

export class JsonStorage {
  #storage;
  /** @type {Map<string, string>} what the browser did not store */
  #unsaved = new Map();

  /** @param {() => Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>} open `() => localStorage`; may throw */
  constructor(open) {
    try {
      this.#storage = open();
    } catch {
      this.#storage = null;
    }
  }

  /**
   * @param {string} name
   * @returns {Record<string, unknown>} empty when there is none
   */
  read(name) {
    try {
      const value = JSON.parse(this.#unsaved.get(name) ?? this.#storage?.getItem(name) ?? '{}');
      return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
    } catch {
      return {};
    }
  }

  /**
   * @param {string} name
   * @param {Record<string, unknown>} value
   * @returns {boolean} whether the value outlives the page
   */
  write(name, value) {
    const text = JSON.stringify(value);
    this.#unsaved.delete(name);
    try {
      if (this.#storage) {
        this.#storage.setItem(name, text);
        return true;
      }
    } catch {
      // Blocked, or full.
    }
    this.#unsaved.set(name, text);
    return false;
  }

  /** @param {string} name */
  remove(name) {
    this.#unsaved.delete(name);
    try {
      this.#storage?.removeItem(name);
    } catch {
      // Blocked: nothing is stored.
    }
  }
}
