// @ts-check
/** The selected picture: its progress, then its results. */

import { button } from '../shared/buttons.js';
import { infoCard, problemCard } from '../shared/cards.js';
import { byId, h } from '../shared/dom.js';
import { typeLabel } from '../shared/file-types.js';
import { FindingsPanel } from '../shared/findings-panel.js';
import { bytes, count, duration } from '../shared/format.js';
import { icon } from '../shared/icons.js';
import { Picture } from '../shared/picture.js';
import { resultCards } from '../shared/result-cards.js';
import { spokenSummary } from '../shared/result-summary.js';
import { aspectOf } from '../shared/result.js';
import { Stepper } from '../shared/stepper.js';
import { ActionGuard } from './action-guard.js';
import { failureMessage, progressLine } from './task-messages.js';
import { canRetry } from './task.js';

/** @typedef {import('./task.js').Task} Task */

const STEPS = ['Prepare', 'Upload', 'Analyse'];
/** @type {Record<import('./task.js').State, number>} the current one of STEPS */
const STEP_OF = { queued: 0, converting: 0, preparing: 0, uploading: 1, waiting: 2, done: 3, failed: 3, cancelled: 3 };

export class TaskView {
  #element = byId('task-view', HTMLElement);
  #on;
  /** @type {Task | null} */
  #task = null;
  /** @type {Picture | null} */
  #picture = null;
  #panel;
  /** These two settings apply to every picture. */
  #boxesShown = true;
  #minConfidence = 0;
  /** @type {Pick<Task, 'state' | 'error' | 'document'> | null} the state on the page */
  #shown = null;
  #pixels = '';
  /** @type {ActionGuard<'cancel' | 'remove'>} */
  #guard = new ActionGuard();

  #facts = h('p', { class: 'picture-facts' });
  #actionButton = h('button', { type: 'button', class: 'button', onclick: () => this.#onAction() });
  #retryButton = button('Try again', () => this.#task && this.#on.retry(this.#task), { icon: 'retry' });
  #stepper = new Stepper((by) => this.#on.step(by), { hideSingle: true });
  #boxCount = h('span');
  #tools = h('div', { class: 'tools' });
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
   * @param {(task: Task) => string} on.documentUrl where a new tab can read the result document
   */
  constructor(on) {
    this.#on = on;
    this.#panel = new FindingsPanel({
      marks: (marks) => {
        this.#picture?.setMarks(marks);
        this.#boxCount.textContent = `Show ${count(marks.length, 'box', 'boxes')}`;
      },
      highlight: (index) => this.#picture?.highlight(index),
      reveal: () => this.#picture?.reveal(),
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
    this.#task = task;
    this.#picture = null;
    this.#shown = null;
    this.#pixels = '';
    this.#guard = new ActionGuard();
    if (!task) {
      this.#element.replaceChildren();
      return;
    }
    this.#picture = new Picture({ name: task.file.name, contentType: task.contentType }, {
      point: (finding) => this.#panel.highlight(finding),
      size: (width, height) => {
        this.#pixels = `${width} × ${height}`;
        this.#describe(task);
      },
    });
    this.#picture.load(URL.createObjectURL(task.file));
    this.#element.replaceChildren(
      h(
        'header',
        { class: 'task-view-head' },
        h('div', { class: 'task-view-title' }, h('h2', { id: 'task-view-title' }, task.file.name), this.#facts),
        h('div', { class: 'actions' }, this.#stepper.element, this.#retryButton, this.#actionButton),
      ),
      h('div', { class: 'task-view-body' }, h('div', { class: 'task-view-picture' }, this.#picture.element, this.#tools), this.#side, this.#below),
    );
    this.update(task);
  }

  /** @param {import('../shared/stepper.js').Position} position */
  set position(position) {
    this.#stepper.position = position;
  }

  /** @param {Task} task */
  update(task) {
    if (task !== this.#task || !this.#picture) return;
    this.#progressText.textContent = progressLine(task);
    if (task.state === 'uploading') this.#progress.value = task.sent / task.outgoing.file.size;
    else this.#progress.removeAttribute('value');
    const { state, error, document } = task;
    // Between two updates a task may be retried and fail again: with the same state, but for another reason.
    if (this.#shown?.state === state && this.#shown.error === error && this.#shown.document === document) return;
    this.#shown = { state, error, document };
    this.#describe(task);
    this.#picture.busy = state === 'waiting';
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
    this.#picture?.setMarks([]);
    this.#tools.replaceChildren();
    this.#below.replaceChildren();
    this.#side.replaceChildren(this.#progressCard(task));
  }

  /** @param {Task} task */
  #progressCard(task) {
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
    if (this.#picture) this.#picture.aspect = aspectOf(document);
    this.#panel.show(document, this.#minConfidence);
    this.#tools.replaceChildren(...(this.#panel.hasBoxes ? [this.#boxSwitch()] : []));
    this.#side.replaceChildren(this.#panel.element);
    const { key = '', resultKey = '' } = task.ticket ?? {};
    this.#below.replaceChildren(...resultCards({ document, filename: task.file.name, key, resultKey, url: this.#on.documentUrl(task) }, this.#on.announce));
  }

  #boxSwitch() {
    const checkbox = h('input', { type: 'checkbox', role: 'switch', id: 'boxes' });
    checkbox.checked = this.#boxesShown;
    checkbox.addEventListener('change', () => {
      this.#boxesShown = checkbox.checked;
      if (this.#picture) this.#picture.boxesShown = checkbox.checked;
    });
    if (this.#picture) this.#picture.boxesShown = this.#boxesShown;
    return h('label', { class: 'switch', for: 'boxes' }, checkbox, this.#boxCount);
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
