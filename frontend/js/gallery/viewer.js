// @ts-check
/** One picture in a dialog: its boxes, its results, and buttons to download and delete it. */

import { iconButton } from '../shared/buttons.js';
import { byId, h } from '../shared/dom.js';
import { saveUrl } from '../shared/download.js';
import { oneLine } from '../shared/error-messages.js';
import { isAbort, statusOf } from '../shared/errors.js';
import { typeLabel } from '../shared/file-types.js';
import { FindingsPanel } from '../shared/findings-panel.js';
import { bytes, dateText, shorten } from '../shared/format.js';
import { Picture } from '../shared/picture.js';
import { resultCards } from '../shared/result-cards.js';
import { aspectOf, tellingLabels } from '../shared/result.js';
import { Stepper } from '../shared/stepper.js';
import { waitForResult } from '../shared/wait-for-result.js';
import { displayName } from './image-row.js';
import { analysingCard, errorCard, loadingCard, pictureErrorMessage } from './viewer-cards.js';

/** How many labels a picture's text alternative names. */
const MAX_LABELS = 5;

/**
 * @typedef {import('../shared/api-types.js').ImageRow} ImageRow
 * @typedef {import('../shared/api-types.js').ImageDetails} ImageDetails
 *
 * @typedef {object} ViewerServices
 * @property {(key: string, signal: AbortSignal) => Promise<ImageDetails>} details
 * @property {(key: string, signal: AbortSignal) => Promise<import('../shared/api.js').ResultReply>} document
 * @property {(() => void) | null} signIn null when the page has no sign-in
 */

export class Viewer {
  /** The open picture, or ''. */
  key = '';

  #dialog = byId('viewer', HTMLDialogElement);
  #services;
  #on;
  #minConfidence = 0;
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
  #facts = h('p', { class: 'picture-facts' });
  #stepper = new Stepper((by) => this.#on.step(by));
  #download = iconButton('download', 'Download picture', () => void this.#save());
  #delete = iconButton('bin', 'Delete picture', () => this.#row && this.#on.remove(this.#row));
  #head = h(
    'header',
    { class: 'viewer-head' },
    h('div', { class: 'viewer-title' }, this.#title, this.#facts),
    h('div', { class: 'actions' }, this.#stepper.element, this.#download, this.#delete, iconButton('close', 'Close', () => this.#on.close())),
  );
  #pictureArea = h('div', { class: 'viewer-picture' });
  #side = h('div', { class: 'viewer-side' });
  #body = h('div', { class: 'viewer-body', tabindex: -1 }, this.#pictureArea, this.#side);

  /**
   * @param {ViewerServices} services
   * @param {object} on
   * @param {(by: number) => void} on.step to the next or previous picture
   * @param {() => void} on.close
   * @param {(row: ImageRow) => void} on.remove
   * @param {(minConfidence: number) => void} on.minConfidence the slider moved
   * @param {(details: ImageDetails) => void} on.details details that may be newer than the listing's
   * @param {(text: string) => void} on.announce
   * @param {(title: string, text: string) => void} on.notify
   */
  constructor(services, on) {
    this.#services = services;
    this.#on = on;
    this.#panel = new FindingsPanel({
      marks: (marks) => this.#picture?.setMarks(marks),
      highlight: (target) => this.#picture?.highlight(target),
      reveal: (target) => this.#picture?.reveal(target),
      minConfidence: on.minConfidence,
    });
    this.#dialog.append(this.#head, this.#body);
    this.#dialog.addEventListener('keydown', (event) => this.#onKey(event));
    this.#dialog.addEventListener('cancel', (event) => {
      event.preventDefault();
      on.close();
    });
    // Browsers may close a dialog without a `cancel` event.
    this.#dialog.addEventListener('close', () => this.key && on.close());
  }

  get isOpen() {
    return this.#dialog.open;
  }

  /** Whether pictures can be deleted. */
  set deletable(/** @type {boolean} */ deletable) {
    this.#delete.hidden = !deletable;
  }

  /** @param {number} minConfidence percent */
  set minConfidence(minConfidence) {
    this.#minConfidence = minConfidence;
    this.#panel.minConfidence = minConfidence;
  }

  /** @param {import('../shared/stepper.js').Position} position */
  set position(position) {
    this.#stepper.position = position;
    this.#keepFocus();
  }

  /**
   * Moves the page's messages into the dialog.
   * @param {{notices: HTMLElement, toasts: HTMLElement}} regions
   */
  adopt({ notices, toasts }) {
    this.#head.after(notices);
    this.#dialog.append(toasts);
  }

  focus() {
    this.#dialog.focus();
  }

  /**
   * @param {string} key
   * @param {ImageRow | null} row null when the picture is not in the listing
   */
  async show(key, row) {
    if (this.key === key && this.isOpen) return;
    this.key = key;
    await this.#load(row);
  }

  close() {
    this.#clear();
    this.key = '';
    if (this.isOpen) this.#dialog.close();
  }

  /**
   * Loads the picture and its results.
   * @param {ImageRow | null} row null when the picture is not in the listing
   */
  async #load(row) {
    const { key } = this;
    this.#clear();
    const control = new AbortController();
    this.#control = control;
    const { signal } = control;
    this.#reset(row);

    const document = this.#services.document(key, signal);
    // An error is handled below, where the document is awaited. Without the details it does not matter.
    document.catch(() => {});
    try {
      const details = await this.#services.details(key, signal);
      if (signal.aborted) return;
      this.#details = details;
      this.#row = row ?? details;
      this.#on.details(details);
      this.#describe(details);
      if (!row) this.#showFrame(details);
      this.#picture?.load(details.imageUrl);
      this.#download.disabled = false;
      this.#delete.disabled = false;
      this.#showResult(details, await document, signal);
    } catch (error) {
      if (signal.aborted || isAbort(error)) return;
      // The API takes a picture's details from its document, so it has none before the analysis is complete.
      const reply = statusOf(error) === 404 ? await document.catch(() => null) : null;
      if (signal.aborted) return;
      if (reply && !reply.ready) void this.#waitForAnalysis(row, signal);
      else this.#showError(error, row);
    }
  }

  /**
   * Shows what is known before the picture is loaded.
   * @param {ImageRow | null} row
   */
  #reset(row) {
    this.#describe(row ?? { key: this.key });
    this.#row = row;
    this.#download.disabled = true;
    this.#delete.disabled = row === null;
    this.#pictureArea.replaceChildren();
    this.#side.replaceChildren(loadingCard());
    if (row) this.#showFrame(row);
    if (!this.isOpen) {
      this.#dialog.showModal();
      this.#dialog.focus();
    }
    this.#body.scrollTo(0, 0);
    this.#side.scrollTo(0, 0);
    this.#keepFocus();
  }

  #clear() {
    this.#control?.abort();
    this.#picture?.destroy();
    this.#picture = null;
    this.#details = null;
    this.#row = null;
    this.#panel.clear();
  }

  /** A button that is disabled or removed loses the focus, and the keys would no longer work. */
  #keepFocus() {
    const focused = document.activeElement;
    if (this.isOpen && (!this.#dialog.contains(focused) || focused?.matches(':disabled'))) this.#dialog.focus();
  }

  /** @param {Partial<ImageRow> & {key: string}} row */
  #describe(row) {
    const { width, height, contentType, size, uploadedAt, takenAt } = row;
    this.#title.textContent = displayName(row);
    const uploaded = uploadedAt && !Number.isNaN(Date.parse(uploadedAt)) ? new Date(uploadedAt) : null;
    const facts = [
      width && height ? `${width} × ${height}` : '',
      contentType ? typeLabel(contentType) : '',
      size ? bytes(size) : '',
      takenAt ? `taken ${cameraTime(takenAt)}` : '',
      uploaded ? `uploaded ${dateText(uploaded, { time: true })}` : '',
    ];
    this.#facts.textContent = facts.filter(Boolean).join(' · ');
  }

  /** @param {ImageRow} row */
  #showFrame(row) {
    const name = displayName(row);
    const picture = new Picture(
      { name, contentType: row.contentType ?? '' },
      { point: (target) => this.#panel.highlight(target), size: () => {}, swipe: (by) => this.#on.step(by) },
    );
    picture.description = describe(name, row.labels.map((label) => label.name));
    const smallest = row.thumbnail ?? row.preview;
    if (smallest && row.width && row.height) picture.preview(smallest, { width: row.width, height: row.height }, row.preview ?? smallest);
    this.#picture = picture;
    this.#pictureArea.replaceChildren(picture.element);
  }

  /**
   * @param {ImageDetails} details
   * @param {import('../shared/api.js').ResultReply} reply
   * @param {AbortSignal} signal
   */
  #showResult(details, reply, signal) {
    if (!reply.ready) {
      void this.#waitForAnalysis(this.#row, signal);
      return;
    }
    const { document } = reply;
    if (this.#picture) {
      this.#picture.aspect = aspectOf(document);
      this.#picture.description = describe(displayName(details), tellingLabels(document));
    }
    this.#panel.show(document, this.#minConfidence);
    const links = { document, filename: displayName(details), key: details.key, resultKey: `results/${details.key}.json`, url: details.resultUrl };
    this.#side.replaceChildren(this.#panel.element, ...resultCards(links, this.#on.announce));
  }

  /**
   * @param {ImageRow | null} row
   * @param {AbortSignal} signal
   */
  async #waitForAnalysis(row, signal) {
    const { key } = this;
    this.#side.replaceChildren(analysingCard());
    try {
      await waitForResult({ read: () => this.#services.document(key, signal), signal });
      if (!signal.aborted) await this.#load(row);
    } catch (error) {
      if (!signal.aborted && !isAbort(error)) this.#showError(error, row);
    }
  }

  /**
   * @param {unknown} error
   * @param {ImageRow | null} row
   */
  #showError(error, row) {
    this.#side.replaceChildren(errorCard(error, { retry: () => void this.#load(row), signIn: this.#services.signIn }));
  }

  async #save() {
    const details = this.#details;
    const signal = this.#control?.signal;
    if (!details || !signal) return;
    const name = displayName(details);
    try {
      // The address that was loaded with the picture may have expired.
      const { imageUrl } = await this.#services.details(details.key, signal);
      const saved = await saveUrl(imageUrl, name);
      this.#on.announce(saved ? 'Picture downloaded.' : 'The bucket does not let this page read the picture, so it opened in a new tab.');
    } catch (error) {
      if (!signal.aborted) this.#on.notify(`${shorten(name)} could not be downloaded.`, oneLine(pictureErrorMessage(error)));
    }
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const { target } = event;
    // The slider uses the arrow keys itself.
    if (target instanceof HTMLInputElement && target.type === 'range') return;
    if (event.key === 'ArrowLeft') this.#on.step(-1);
    else if (event.key === 'ArrowRight') this.#on.step(1);
    else if (event.key === 'Delete') {
      // A key that is held down must not delete one picture after another.
      if (!event.repeat && this.#row && !this.#delete.hidden && !this.#delete.disabled) this.#on.remove(this.#row);
    } else return;
    event.preventDefault();
  }
}

/**
 * A picture's text alternative.
 * @param {string} name
 * @param {readonly string[]} labels
 */
function describe(name, labels) {
  return labels.length > 0 ? `${name}: ${labels.slice(0, MAX_LABELS).join(', ')}` : name;
}

/**
 * A time as the camera's own clock showed it.
 * @param {string} takenAt RFC 3339, with or without an offset
 */
function cameraTime(takenAt) {
  const time = new Date(`${takenAt.slice(0, 19)}Z`);
  return Number.isNaN(time.getTime()) ? takenAt : dateText(time, { time: true, timeZone: 'UTC' });
}
