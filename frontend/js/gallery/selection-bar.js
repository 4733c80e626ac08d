// @ts-check
/** What can be done with the selected pictures. It takes the place of the frequent labels while pictures are selected. */

import { button, iconButton } from '../shared/buttons.js';
import { byId, h } from '../shared/dom.js';
import { saveBlob } from '../shared/download.js';
import { isAbort } from '../shared/errors.js';
import { count, list, shorten } from '../shared/format.js';
import { csvOf, jsonLinesOf, zipOf } from './exports.js';
import { displayName } from './image-row.js';

/**
 * @typedef {import('../shared/api-types.js').ImageRow} ImageRow
 * @typedef {{blob: Blob, missing: ImageRow[]}} Export
 */

/** More pictures are counted instead of named. */
const MAX_NAMED = 3;

export class SelectionBar {
  #toolbar = byId('toolbar', HTMLElement);
  #bar = byId('selection', HTMLElement);
  #start = byId('select', HTMLButtonElement);
  #selection;
  #services;
  #on;
  /** @type {AbortController | null} the export under way */
  #exporting = null;

  #text = h('p', { class: 'selection-text' });
  #progress = h('progress', { max: 1, hidden: true, 'aria-label': 'Download' });
  #cancel = button('Cancel', () => this.#exporting?.abort(), { small: true });
  #delete;
  /** @type {HTMLButtonElement[]} */
  #actions;

  /**
   * @param {import('./selection.js').Selection} selection
   * @param {object} services
   * @param {(row: ImageRow, signal: AbortSignal) => Promise<Blob>} services.original
   * @param {(key: string, signal: AbortSignal) => Promise<import('../shared/api.js').ResultReply>} services.document
   * @param {object} on
   * @param {() => void} on.selectAll
   * @param {(rows: readonly ImageRow[]) => void} on.remove
   * @param {() => void} on.focusLost
   * @param {(text: string) => void} on.announce
   * @param {(title: string, text: string) => void} on.notify
   */
  constructor(selection, services, on) {
    this.#selection = selection;
    this.#services = services;
    this.#on = on;
    this.#delete = button('Delete', () => on.remove(selection.rows), { icon: 'bin', small: true });
    this.#actions = [
      button('Download', () => this.#zip(), { icon: 'download', small: true }),
      button('JSON Lines', () => this.#jsonLines(), { icon: 'file', small: true }),
      button('CSV', () => this.#csv(), { icon: 'file', small: true }),
      this.#delete,
    ];
    const titles = ['Download the originals as a ZIP archive', 'Download the results, one JSON document a line', 'Download a table for spreadsheets', 'Delete the selected pictures'];
    this.#actions.forEach((action, at) => (action.title = titles[at] ?? ''));
    this.#bar.append(
      iconButton('close', 'Clear the selection', () => this.#close()),
      this.#text,
      button('Select all', on.selectAll, { small: true }),
      h('div', { class: 'selection-actions' }, this.#actions),
      this.#progress,
      this.#cancel,
    );
    this.#start.addEventListener('click', () => {
      selection.mode = !selection.isActive;
      if (!selection.mode) selection.clear();
      this.show();
    });
    this.#cancel.hidden = true;
    this.show();
  }

  /** @param {boolean} deletable whether pictures can be deleted */
  set deletable(deletable) {
    this.#delete.hidden = !deletable;
  }

  show() {
    const { isActive, size } = this.#selection;
    const focused = this.#bar.contains(document.activeElement);
    this.#bar.hidden = !isActive;
    this.#toolbar.classList.toggle('selecting', isActive);
    this.#start.setAttribute('aria-pressed', String(isActive));
    this.#text.textContent = size > 0 ? `${size} selected` : 'Select pictures';
    for (const action of this.#actions) action.disabled = size === 0 || this.#exporting !== null;
    if (focused && (this.#bar.hidden || document.activeElement?.matches(':disabled'))) this.#on.focusLost();
  }

  #close() {
    this.#exporting?.abort();
    this.#selection.clear();
  }

  #zip() {
    const read = (/** @type {(done: number) => void} */ progress, /** @type {AbortSignal} */ signal) => zipOf(this.#selection.rows, this.#services.original, progress, signal);
    void this.#export(read, 'zip');
  }

  #jsonLines() {
    const read = (/** @type {(done: number) => void} */ progress, /** @type {AbortSignal} */ signal) => jsonLinesOf(this.#selection.rows, this.#services.document, progress, signal);
    void this.#export(read, 'jsonl');
  }

  #csv() {
    const blob = new Blob([csvOf(this.#selection.rows)], { type: 'text/csv' });
    void this.#export(async () => ({ blob, missing: [] }), 'csv');
  }

  /**
   * @param {(progress: (done: number) => void, signal: AbortSignal) => Promise<Export>} make
   * @param {string} extension
   */
  async #export(make, extension) {
    const of = this.#selection.size;
    const control = new AbortController();
    this.#exporting = control;
    this.#progress.value = 0;
    this.#progress.hidden = this.#cancel.hidden = false;
    this.show();
    const progress = (/** @type {number} */ done) => {
      this.#progress.value = done / of;
      this.#text.textContent = `${done} of ${of}`;
    };
    try {
      const { blob, missing } = await make(progress, control.signal);
      control.signal.throwIfAborted();
      if (missing.length < of) saveBlob(blob, `sightline-${new Date().toISOString().slice(0, 10)}.${extension}`);
      if (missing.length > 0) this.#on.notify(`${named(missing)} could not be downloaded.`, missing.length < of ? 'The file has all others.' : 'Check the network connection and try again.');
      else this.#on.announce(`${count(of, 'picture')} downloaded.`);
    } catch (error) {
      if (!control.signal.aborted && !isAbort(error)) this.#on.notify('The download failed.', error instanceof Error ? error.message : String(error));
    } finally {
      const focused = document.activeElement === this.#cancel;
      this.#exporting = null;
      this.#progress.hidden = this.#cancel.hidden = true;
      this.show();
      if (focused) this.#actions.find((action) => !action.disabled && !action.hidden)?.focus();
    }
  }
}

/** @param {readonly ImageRow[]} rows */
function named(rows) {
  return rows.length > MAX_NAMED ? count(rows.length, 'picture') : list(rows.map((row) => shorten(displayName(row))));
}
