// @ts-check
/** The selected picture: its progress, then its results. */

import { annotatedName, drawAnnotated } from '../shared/annotated.js';
import { button } from '../shared/buttons.js';
import { infoCard, problemCard } from '../shared/cards.js';
import { copyText } from '../shared/clipboard.js';
import { byId, h } from '../shared/dom.js';
import { saveBlob } from '../shared/download.js';
import { typeLabel } from '../shared/file-types.js';
import { FindingsPanel } from '../shared/findings-panel.js';
import { bytes, duration } from '../shared/format.js';
import { icon } from '../shared/icons.js';
import { Picture } from '../shared/picture.js';
import { resultCards } from '../shared/result-cards.js';
import { spokenSummary } from '../shared/result-summary.js';
import { aspectOf } from '../shared/result.js';
import { Stepper } from '../shared/stepper.js';
import { ActionGuard } from './action-guard.js';
import { canShow, shownFile } from './shown-file.js';
import { failureMessage, progressLine } from './task-messages.js';
import { canRetry } from './task.js';

/** @typedef {import('./task.js').Task} Task */

/** How long a button says that it copied. */
const COPIED_MS = 2000;

const STEPS = ['Prepare', 'Upload', 'Analyse'];
/** @type {Record<import('./task.js').State, number>} the current one of STEPS */
const STEP_OF = { queued: 0, converting: 0, preparing: 0, uploading: 1, waiting: 2, retrying: 0, done: 3, failed: 3, cancelled: 3 };

export class TaskView {
  #element = byId('task-view', HTMLElement);
  #on;
  /** @type {Task | null} */
  #task = null;
  /** @type {Picture | null} */
  #picture = null;
  /** The file in `#picture`; null while there is none. @type {File | null} */
  #file = null;
  /** The boxes in the picture. @type {import('../shared/picture.js').Mark[]} */
  #marks = [];
  /** The result document's own address. */
  #documentUrl = '';
  #panel;
  /** Applies to every picture. */
  #minConfidence = 0;
  /** @type {Pick<Task, 'state' | 'error' | 'document'> | null} the state on the page */
  #shown = null;
  #pixels = '';
  /** @type {ActionGuard<'cancel' | 'remove'>} */
  #guard = new ActionGuard();

  #facts = h('p', { class: 'picture-facts' });
  #actionButton = h('button', { type: 'button', class: 'button', onclick: () => this.#onAction() });
  #retryLabel = h('span');
  #retryButton = h('button', { type: 'button', class: 'button', onclick: () => this.#task && this.#on.retry(this.#task) }, icon('retry'), this.#retryLabel);
  #stepper = new Stepper((by) => this.#on.step(by), { hideSingle: true });
  #links = h('div', { class: 'picture-links actions' });
  #pictureArea = h('div', { class: 'task-view-picture' });
  #side = h('div', { class: 'task-view-side' });
  #below = h('div', { class: 'task-view-below' });
  #progress = h('progress', { max: 1, 'aria-label': 'Upload' });
  #progressText = h('p', { class: 'progress-text' });

  /**
   * @param {object} on
   * @param {(task: Task) => void} on.cancel
   * @param {(task: Task) => void} on.retry
   * @param {(task: Task) => void} on.remove
   * @param {(by: number) => void} on.step to the next or previous picture
   * @param {(text: string) => void} on.announce
   * @param {(title: string, text: string) => void} on.notify
   * @param {(task: Task) => string | null} on.documentUrl where a new tab can read the result document; null if it cannot
   * @param {(task: Task) => string | null} on.galleryUrl the picture in the gallery; null if there is no gallery
   * @param {(task: Task) => Promise<import('./stored-pictures.js').Details | null>} on.details addresses of a stored picture
   * @param {(task: Task) => Promise<Blob | null>} on.pictureOf
   */
  constructor(on) {
    this.#on = on;
    this.#panel = new FindingsPanel({
      marks: (marks) => {
        this.#marks = marks;
        this.#picture?.setMarks(marks);
      },
      highlight: (target) => this.#picture?.highlight(target),
      reveal: (target) => this.#picture?.reveal(target),
      minConfidence: (minConfidence) => {
        this.#minConfidence = minConfidence;
        this.#panel.minConfidence = minConfidence;
      },
    });
  }

  /**
   * @param {Task | null} task
   * @param {import('../shared/stepper.js').Position} position
   */
  show(task, position) {
    this.position = position;
    if (task === this.#task) return;
    this.#picture?.destroy();
    URL.revokeObjectURL(this.#documentUrl);
    this.#documentUrl = '';
    this.#task = task;
    this.#picture = null;
    this.#file = null;
    this.#shown = null;
    this.#pixels = '';
    this.#guard = new ActionGuard();
    if (!task) {
      this.#element.replaceChildren();
      return;
    }
    this.#showPicture(task);
    this.#element.replaceChildren(
      h(
        'header',
        { class: 'task-view-head' },
        h('div', { class: 'task-view-title' }, h('h2', { id: 'task-view-title' }, task.file.name), this.#facts),
        h('div', { class: 'actions' }, this.#stepper.element, this.#retryButton, this.#actionButton),
      ),
      h('div', { class: 'task-view-body' }, this.#pictureArea, this.#side, this.#below),
    );
    this.update(task);
  }

  /** Scrolls to the picture if its top is not on the screen. On narrow screens the list above it comes along. */
  reveal() {
    const { top } = this.#element.getBoundingClientRect();
    if (top >= 0 && top < innerHeight * 0.7) return;
    const isNarrow = matchMedia('(max-width: 900px)').matches;
    (isNarrow ? this.#element.parentElement : this.#element)?.scrollIntoView({ block: 'start' });
  }

  /** @param {import('../shared/stepper.js').Position} position */
  set position(position) {
    this.#stepper.position = position;
  }

  /** @param {Task} task */
  update(task) {
    if (task !== this.#task) return;
    this.#progressText.textContent = progressLine(task);
    this.#progress.hidden = task.state === 'retrying';
    if (task.state === 'uploading') this.#progress.value = task.sent / task.outgoing.size;
    else this.#progress.removeAttribute('value');
    if (shownFile(task) !== this.#file) this.#showPicture(task);
    const { state, error, document } = task;
    // Between two updates a task may be retried and fail again: with the same state, but for another reason.
    if (this.#shown?.state === state && this.#shown.error === error && this.#shown.document === document) return;
    this.#shown = { state, error, document };
    this.#describe(task);
    if (this.#picture) this.#picture.busy = state === 'waiting';
    this.#updateButtons(task);
    if (document) this.#showResult(task, document);
    else this.#showProgress(task);
  }

  /** @param {Task} task */
  #updateButtons(task) {
    this.#actionButton.replaceChildren(icon('close'), task.active ? 'Cancel' : 'Remove');
    this.#guard.set(task.active ? 'cancel' : 'remove');
    const losesFocus = this.#retryButton.matches(':focus') && !canRetry(task);
    this.#retryButton.hidden = !canRetry(task);
    this.#retryLabel.textContent = task.state === 'retrying' ? 'Try now' : 'Try again';
    if (losesFocus) this.#actionButton.focus();
  }

  /** @param {Task} task */
  #describe(task) {
    const facts = [this.#pixels, typeLabel(task.contentType), bytes(task.file.size)];
    if (task.converted) facts.push('converted to JPEG for the upload');
    if (task.document && task.elapsed > 0) facts.push(`ready in ${duration(task.elapsed)}`);
    this.#facts.textContent = facts.filter(Boolean).join(' · ');
    if (!this.#picture) return;
    const parts = task.document ? spokenSummary(task.document) : [];
    this.#picture.description = parts.length > 0 ? `${task.file.name}: ${parts.join('; ')}` : task.file.name;
  }

  #onAction() {
    // The button's label decides: the task may have moved on since the last update.
    const { action } = this.#guard;
    if (this.#task && action) this.#on[action](this.#task);
  }

  /** @param {Task} task */
  #showProgress(task) {
    this.#panel.clear();
    this.#marks = [];
    this.#picture?.setMarks([]);
    this.#links.replaceChildren();
    this.#below.replaceChildren();
    this.#side.replaceChildren(this.#progressCard(task));
  }

  /** @param {Task} task */
  #progressCard(task) {
    if (task.state === 'retrying') {
      const { title, text } = failureMessage(task);
      return problemCard({ title, warning: true }, h('p', {}, text), this.#progressText);
    }
    if (task.active) return h('section', { class: 'card', 'aria-label': 'Progress' }, stepList(task), this.#progress, this.#progressText);
    if (task.state === 'cancelled') return infoCard('Cancelled', h('p', {}, 'Try again to continue, or remove the picture from the list.'));
    const { title, text } = failureMessage(task);
    return problemCard({ title }, h('p', {}, text));
  }

  /**
   * @param {Task} task
   * @param {import('../shared/api-types.js').ResultDocument} document
   */
  #showResult(task, document) {
    void this.#showStored(task);
    if (this.#picture) this.#picture.aspect = aspectOf(document);
    this.#panel.show(document, this.#minConfidence);
    this.#side.replaceChildren(this.#panel.element);
    const { key = '', resultKey = '' } = task.ticket ?? {};
    this.#links.replaceChildren(...this.#linksTo(task));
    this.#below.replaceChildren(...resultCards({ document, filename: task.file.name, key, resultKey, url: this.#on.documentUrl(task) ?? this.#blobOf(document) }, this.#on.announce));
  }

  /**
   * What can be done with an analysed picture.
   * @param {Task} task
   */
  #linksTo(task) {
    const save = task.document?.status === 'failed' ? [] : [button('Save with boxes', () => void this.#save(task), { icon: 'download', small: true })];
    const url = this.#on.galleryUrl(task);
    if (url === null) return save;
    const label = h('span', {}, 'Copy link');
    const copy = async () => {
      const copied = await copyText(url);
      label.textContent = copied ? 'Copied' : 'Copy failed';
      this.#on.announce(copied ? 'Link copied.' : 'Copy failed: the browser blocked the clipboard.');
      setTimeout(() => (label.textContent = 'Copy link'), COPIED_MS);
    };
    return [
      h('a', { class: 'button small', href: url }, icon('picture'), 'Open in gallery'),
      h('button', { type: 'button', class: 'button small', 'aria-label': 'Copy link to the picture', onclick: () => void copy() }, icon('copy'), label),
      ...save,
    ];
  }

  /**
   * Saves the picture with the boxes that are shown.
   * @param {Task} task
   */
  async #save(task) {
    const picture = await this.#on.pictureOf(task);
    const drawn = picture && (await drawAnnotated(picture, task.contentType, this.#marks));
    if (drawn) saveBlob(drawn, annotatedName(task.file.name, task.contentType));
    else this.#on.notify('The picture could not be saved.', 'This browser cannot read it. Check the network, then try again, or save it as JSON.');
  }

  /** @param {import('../shared/api-types.js').ResultDocument} document */
  #blobOf(document) {
    URL.revokeObjectURL(this.#documentUrl);
    this.#documentUrl = URL.createObjectURL(new Blob([JSON.stringify(document, null, 2)], { type: 'application/json' }));
    return this.#documentUrl;
  }

  /**
   * Shows the page's own file.
   * @param {Task} task
   */
  #showPicture(task) {
    this.#file = shownFile(task);
    this.#pictureArea.hidden = this.#file === null;
    const picture = this.#newPicture(task, task.converted ? 'image/jpeg' : task.contentType);
    if (this.#file) picture.load(URL.createObjectURL(this.#file));
  }

  /**
   * Shows what the service has stored of a picture, if the page has no file or the browser cannot show it.
   * @param {Task} task
   */
  async #showStored(task) {
    const file = this.#file;
    if (file && (await canShow(file, task.contentType))) return;
    const details = await this.#on.details(task);
    if (!details || task !== this.#task || file !== this.#file) return;
    const { thumbnail, preview, width = 0, height = 0 } = details;
    const smallest = thumbnail ?? preview;
    if (file && !smallest) return;
    const picture = this.#newPicture(task, details.contentType ?? task.contentType);
    this.#pictureArea.hidden = false;
    if (smallest && width > 0 && height > 0) picture.preview(smallest, { width, height }, preview ?? smallest);
    picture.load(details.imageUrl);
    picture.aspect = aspectOf(task.document);
    picture.setMarks(this.#marks);
    this.#describe(task);
  }

  /**
   * @param {Task} task
   * @param {string} contentType
   */
  #newPicture(task, contentType) {
    this.#picture?.destroy();
    const picture = new Picture({ name: task.file.name, contentType }, {
      point: (target) => this.#panel.highlight(target),
      swipe: (by) => this.#on.step(by),
      size: (width, height) => {
        this.#pixels = `${width} × ${height}`;
        this.#describe(task);
      },
    });
    this.#picture = picture;
    this.#pictureArea.replaceChildren(picture.element, this.#links);
    return picture;
  }

}

/** @param {Task} task */
function stepList(task) {
  const current = STEP_OF[task.state];
  return h(
    'ol',
    { class: 'steps' },
    STEPS.map((name, index) =>
      h(
        'li',
        { class: index < current ? 'past' : index === current ? 'current' : 'ahead', 'aria-current': index === current ? 'step' : null },
        h('span', { class: 'step-mark' }, index < current && icon('check')),
        name,
      ),
    ),
  );
}
