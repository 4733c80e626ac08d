// @ts-check
/** One picture, large: its boxes, everything that was found in it, and what can be done with it. */

import { aspectOf, coloursOf, qualityOf } from '../shared/result.js';
import { colourRegions } from '../shared/colours.js';
import { documentSection } from '../shared/document-view.js';
import { byId, h } from '../shared/dom.js';
import { saveFrom } from '../shared/download.js';
import { ApiError, isAbort } from '../shared/errors.js';
import { typeLabel } from '../shared/files.js';
import { FindingsPanel } from '../shared/findings-panel.js';
import { brief, bytes } from '../shared/format.js';
import { icon } from '../shared/icons.js';
import { Picture } from '../shared/picture.js';
import { qualityTable } from '../shared/quality.js';
import { waitForResult } from '../shared/wait-for-result.js';
import { explainError, inOne } from '../shared/messages.js';
import { nameOf } from './url-state.js';

/**
 * @typedef {import('../shared/api-types.js').ImageRow} ImageRow
 * @typedef {import('../shared/api-types.js').ImageDetails} ImageDetails
 */

export class Viewer {
  dialog = byId('viewer', HTMLDialogElement);
  /** The picture that is looked at, or ''. */
  key = '';

  #on;
  #least = 0;
  /** @type {AbortController | null} */
  #control = null;
  /** @type {ImageRow | null} */
  #row = null;
  /** @type {ImageDetails | null} */
  #details = null;
  /** @type {Picture | null} */
  #picture = null;
  #panel;

  #title = h('h2', { id: 'viewer-title' });
  #meta = h('p', { class: 'stage-meta' });
  #position = h('span', { class: 'stage-position' });
  #previous = this.#tool('previous', 'Previous picture', () => this.#on.step(-1));
  #next = this.#tool('next', 'Next picture', () => this.#on.step(1));
  #download = this.#tool('download', 'Download the picture', () => void this.#save());
  #delete = this.#tool('bin', 'Delete the picture', () => this.#row && this.#on.remove(this.#row));
  #close = this.#tool('close', 'Close', () => this.#on.close());
  #stage = h('div', { class: 'viewer-picture' });
  #side = h('div', { class: 'viewer-side' });

  /**
   * @param {object} on
   * @param {(key: string, signal: AbortSignal) => Promise<ImageDetails>} on.details
   * @param {(key: string, signal: AbortSignal) => Promise<import('../shared/api.js').Reading>} on.document
   * @param {(by: number) => void} on.step
   * @param {() => void} on.close the person wants to go back
   * @param {(row: ImageRow) => void} on.remove
   * @param {(least: number) => void} on.least the person moved the confidence slider
   * @param {(details: ImageDetails) => void} on.fresh facts that may be newer than those of the listing
   * @param {() => (() => void) | null} on.signIn how to sign in, where that can help
   * @param {(text: string) => void} on.announce
   * @param {(title: string, text: string) => void} on.complain
   */
  constructor(on) {
    this.#on = on;
    this.#panel = new FindingsPanel({
      marks: (marks) => this.#picture?.setMarks(marks),
      light: (index) => this.#picture?.highlight(index),
      reveal: () => this.#picture?.reveal(),
      least: on.least,
    });
    this.dialog.append(
      h(
        'header',
        { class: 'viewer-head' },
        h('div', { class: 'viewer-title' }, this.#title, this.#meta),
        h('div', { class: 'actions' }, h('div', { class: 'stepper' }, this.#previous, this.#position, this.#next), this.#download, this.#delete, this.#close),
      ),
      h('div', { class: 'viewer-body', tabindex: -1 }, this.#stage, this.#side),
    );
    this.dialog.addEventListener('keydown', (event) => this.#key(event));
    this.dialog.addEventListener('cancel', (event) => {
      event.preventDefault();
      on.close();
    });
    // Browsers may close a dialog without asking.
    this.dialog.addEventListener('close', () => this.key && on.close());
  }

  get isOpen() {
    return this.dialog.open;
  }

  /** Whether pictures can be deleted here. */
  set deletable(/** @type {boolean} */ deletable) {
    this.#delete.hidden = !deletable;
  }

  /** @param {number} least percent */
  set least(least) {
    this.#least = least;
    this.#panel.least = least;
  }

  /**
   * @param {string} key
   * @param {ImageRow | null} row where the listing has it
   */
  async show(key, row) {
    if (this.key === key && this.dialog.open) return;
    this.key = key;
    await this.#load(row);
  }

  /**
   * Asks for the picture of `key` and what was found in it, from the beginning.
   * @param {ImageRow | null} row where the listing has it
   */
  async #load(row) {
    const { key } = this;
    this.#clear();
    const control = new AbortController();
    this.#control = control;
    const { signal } = control;
    this.#describe(row ?? { key });
    this.#row = row;
    this.#download.disabled = true;
    this.#delete.disabled = row === null;
    this.#stage.replaceChildren();
    this.#side.replaceChildren(h('section', { class: 'card calm' }, h('p', {}, 'Loading what was found …')));
    if (row) this.#frame(row);
    if (!this.dialog.open) {
      this.dialog.showModal();
      this.dialog.focus();
    }
    this.dialog.querySelector('.viewer-body')?.scrollTo(0, 0);
    this.#side.scrollTo(0, 0);
    this.#keepFocus();

    const document = this.#on.document(key, signal);
    // The document's fault is told further down; without the picture it is of no interest.
    document.catch(() => {});
    try {
      const details = await this.#on.details(key, signal);
      if (signal.aborted) return;
      this.#details = details;
      this.#row = row ?? details;
      this.#on.fresh(details);
      this.#describe(details);
      if (!row) this.#frame(details);
      this.#picture?.load(details.imageUrl);
      this.#download.disabled = false;
      this.#delete.disabled = false;
      this.#find(details, await document, signal);
    } catch (error) {
      if (signal.aborted || isAbort(error)) return;
      // The API knows a picture's facts from its document, so before there is one it knows none.
      const reading = statusOf(error) === 404 ? await document.catch(() => null) : null;
      if (signal.aborted) return;
      if (reading && !reading.ready) void this.#pending(row, signal);
      else this.#fail(error, row);
    }
  }

  /** @param {{at: number, of: number, more: boolean}} position counted from 1; 0 where it is not among those listed */
  place({ at, of, more }) {
    this.#position.textContent = at > 0 ? `${at} of ${of}${more ? '+' : ''}` : '';
    this.#previous.disabled = at <= 1;
    this.#next.disabled = at === 0 || (at >= of && !more);
    this.#keepFocus();
  }

  close() {
    this.#clear();
    this.key = '';
    if (this.dialog.open) this.dialog.close();
  }

  /** A button that is switched off loses the focus, and with it the keys would lead nowhere. */
  #keepFocus() {
    const focused = document.activeElement;
    if (this.dialog.open && (!this.dialog.contains(focused) || focused?.matches(':disabled'))) this.dialog.focus();
  }

  #clear() {
    this.#control?.abort();
    this.#picture?.destroy();
    this.#picture = null;
    this.#details = null;
    this.#row = null;
    this.#panel.clear();
  }

  /** @param {Partial<ImageRow> & {key: string}} row */
  #describe(row) {
    const { width, height, contentType, size, uploadedAt } = row;
    this.#title.textContent = nameOf(row);
    const uploaded = uploadedAt && !Number.isNaN(Date.parse(uploadedAt)) ? new Date(uploadedAt) : null;
    const facts = [
      width && height ? `${width} × ${height}` : '',
      contentType ? typeLabel(contentType) : '',
      size ? bytes(size) : '',
      uploaded ? `uploaded ${uploaded.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })}` : '',
    ];
    this.#meta.textContent = facts.filter(Boolean).join(' · ');
  }

  /** @param {ImageRow} row */
  #frame(row) {
    const name = nameOf(row);
    const picture = new Picture({ name, contentType: row.contentType ?? '' }, { point: (label) => this.#panel.light(label), size: () => {} });
    const names = row.labels.slice(0, 5).map((label) => label.name);
    picture.description = names.length > 0 ? `${name}, shows: ${names.join(', ')}` : name;
    if (row.thumbnail && row.width && row.height) picture.preview(row.thumbnail, { width: row.width, height: row.height });
    this.#picture = picture;
    this.#stage.replaceChildren(picture.element);
  }

  /**
   * @param {ImageDetails} details
   * @param {import('../shared/api.js').Reading} reading
   * @param {AbortSignal} signal
   */
  #find(details, reading, signal) {
    if (!reading.ready) {
      void this.#pending(this.#row, signal);
      return;
    }
    const { document } = reading;
    if (this.#picture) this.#picture.aspect = aspectOf(document);
    const colours = coloursOf(document);
    const quality = qualityOf(document);
    this.#panel.show(document, this.#least);
    this.#side.replaceChildren(
      ...[
        this.#panel.element,
        colours.length > 0 && h('section', { class: 'card' }, h('h3', {}, 'Dominant colours'), colourRegions(colours)),
        quality.length > 0 && h('section', { class: 'card' }, h('h3', {}, 'Image quality'), qualityTable(quality)),
        documentSection(
          { document, filename: nameOf(details), key: details.key, resultKey: `results/${details.key}.json`, address: details.resultUrl },
          this.#on.announce,
        ),
      ].filter((part) => part !== false),
    );
  }

  /**
   * Says that the analysis is under way, and shows what it found once it is there.
   * @param {ImageRow | null} row
   * @param {AbortSignal} signal
   */
  async #pending(row, signal) {
    const { key } = this;
    this.#side.replaceChildren(
      h(
        'section',
        { class: 'card calm' },
        h('h3', {}, 'Not analysed yet'),
        h('p', {}, 'The picture is stored and its analysis is under way. What it finds is shown here as soon as it is there.'),
        h('progress', { 'aria-label': 'Waiting for the analysis' }),
      ),
    );
    try {
      await waitForResult({ read: () => this.#on.document(key, signal), signal });
      if (!signal.aborted) await this.#load(row);
    } catch (error) {
      if (!signal.aborted && !isAbort(error)) this.#fail(error, row);
    }
  }

  /**
   * @param {unknown} error
   * @param {ImageRow | null} row where the listing has it
   */
  #fail(error, row) {
    const { title, text } = explain(error);
    // What is refused now is refused the next time too.
    const again = ![401, 403, 404].includes(statusOf(error));
    const signIn = statusOf(error) === 401 ? this.#on.signIn() : null;
    this.#side.replaceChildren(
      h(
        'section',
        { class: 'card problem', role: 'alert' },
        h('h3', {}, icon('alert'), title),
        h('p', {}, text),
        signIn && h('p', {}, h('button', { type: 'button', class: 'button', onclick: signIn }, icon('person'), 'Sign in')),
        again && h('p', {}, h('button', { type: 'button', class: 'button', onclick: () => void this.#load(row) }, icon('retry'), 'Try again')),
      ),
    );
  }

  async #save() {
    const details = this.#details;
    const signal = this.#control?.signal;
    if (!details || !signal) return;
    const name = nameOf(details);
    try {
      // The address that came when the picture was opened may have run out.
      const { imageUrl } = await this.#on.details(details.key, signal);
      const saved = await saveFrom(imageUrl, name);
      this.#on.announce(saved ? 'Picture downloaded.' : 'The bucket did not let the page read the picture: it is opened in a new tab instead.');
    } catch (error) {
      if (!signal.aborted) this.#on.complain(`${brief(name)} could not be downloaded.`, inOne(explain(error)));
    }
  }

  /**
   * @param {import('../shared/icons.js').IconName} name
   * @param {string} says
   * @param {() => void} act
   */
  #tool(name, says, act) {
    return h('button', { type: 'button', class: 'icon-button', 'aria-label': says, title: says, onclick: act }, icon(name));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const { target } = event;
    // The slider has the arrow keys for itself.
    if (target instanceof HTMLInputElement && target.type === 'range') return;
    if (event.key === 'ArrowLeft') this.#on.step(-1);
    else if (event.key === 'ArrowRight') this.#on.step(1);
    else if (event.key === 'Delete') {
      // Each picture takes a press of its own: a key that is held down would delete many.
      if (!event.repeat && this.#row && !this.#delete.hidden && !this.#delete.disabled) this.#on.remove(this.#row);
    } else return;
    event.preventDefault();
  }
}

/** @param {unknown} error */
function statusOf(error) {
  return error instanceof ApiError ? error.status : 0;
}

/** @param {unknown} error */
function explain(error) {
  return statusOf(error) === 404
    ? { title: 'This picture is not here', text: 'It was deleted, or the address is not complete. Close this to see the others.' }
    : explainError(error);
}
