// @ts-check
/** The selected pictures, as in a file manager: single ones, and ranges from the last single one. */

/** @typedef {import('../shared/api-types.js').ImageRow} ImageRow */

export class Selection {
  /** Whether a click selects a picture even while none is selected. */
  mode = false;

  /** @type {Map<string, ImageRow>} */
  #rows = new Map();
  /** The picture where a range begins, and what was selected before the range. */
  #anchor = '';
  /** @type {Map<string, ImageRow>} */
  #before = new Map();
  #onChange;

  /** @param {() => void} onChange */
  constructor(onChange) {
    this.#onChange = onChange;
  }

  get size() {
    return this.#rows.size;
  }

  /** Whether a click selects instead of opening a picture. */
  get isActive() {
    return this.mode || this.size > 0;
  }

  /** @returns {ImageRow[]} in the order in which they were selected */
  get rows() {
    return [...this.#rows.values()];
  }

  /** @param {string} key */
  has(key) {
    return this.#rows.has(key);
  }

  /** @param {ImageRow} row */
  toggle(row) {
    if (!this.#rows.delete(row.key)) this.#rows.set(row.key, row);
    this.#anchor = row.key;
    this.#before = new Map(this.#rows);
    this.#onChange();
  }

  /**
   * Selects the pictures from the last single one to this one, in place of the last such range.
   * @param {readonly ImageRow[]} rows all pictures in order
   * @param {string} key
   * @param {string} [from] where the range begins if nothing was selected yet
   */
  extend(rows, key, from = key) {
    if (!rows.some((row) => row.key === this.#anchor)) {
      this.#anchor = from;
      this.#before = new Map(this.#rows);
    }
    const ends = [this.#anchor, key].map((end) => rows.findIndex((row) => row.key === end));
    const [first, last] = [Math.min(...ends), Math.max(...ends)];
    if (first < 0) return;
    this.#rows = new Map(this.#before);
    for (const row of rows.slice(first, last + 1)) this.#rows.set(row.key, row);
    this.#onChange();
  }

  /** @param {readonly ImageRow[]} rows */
  selectAll(rows) {
    this.#rows = new Map(rows.map((row) => [row.key, row]));
    this.#before = new Map(this.#rows);
    this.#onChange();
  }

  clear() {
    this.mode = false;
    this.#rows.clear();
    this.#before.clear();
    this.#anchor = '';
    this.#onChange();
  }

  /**
   * Forgets pictures that are not shown any more.
   * @param {readonly ImageRow[]} rows those that are shown
   */
  retain(rows) {
    if (this.size === 0) return;
    const shown = new Map(rows.map((row) => [row.key, row]));
    const before = this.size;
    for (const key of [...this.#rows.keys()]) if (!shown.has(key)) this.#rows.delete(key);
    for (const key of [...this.#before.keys()]) if (!shown.has(key)) this.#before.delete(key);
    if (this.size !== before) this.#onChange();
  }
}
