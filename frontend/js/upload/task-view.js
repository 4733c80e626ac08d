// @ts-check
/** The chosen picture: its progress while it is on its way, and what was found when it is there. */

import { aspectOf, coloursOf, qualityOf } from '../shared/result.js';
import { colourRegions } from '../shared/colours.js';
import { documentSection } from '../shared/document-view.js';
import { byId, h } from '../shared/dom.js';
import { typeLabel } from '../shared/files.js';
import { FindingsPanel } from '../shared/findings-panel.js';
import { bytes, count, duration } from '../shared/format.js';
import { icon } from '../shared/icons.js';
import { Meaning } from './action-guard.js';
import { Picture } from '../shared/picture.js';
import { qualityTable } from '../shared/quality.js';
import { canRetry } from './task.js';
import { aloud, explain, progressLine } from '../shared/messages.js';

/** @typedef {import('./task.js').Task} Task */

export class Stage {
  #stage = byId('stage', HTMLElement);
  #on;
  /** @type {Task | null} */
  #task = null;
  /** @type {Picture | null} */
  #picture = null;
  #panel;
  /** What the person set holds for every picture. */
  #boxesShown = true;
  #least = 0;
  /** @type {Pick<Task, 'state' | 'error' | 'document'> | null} what is on the page of the task */
  #shown = null;
  #pixels = '';
  /** @type {Meaning<'cancel' | 'remove'>} */
  #meaning = new Meaning();

  // The parts that change while a picture is shown.
  #meta = h('p', { class: 'stage-meta' });
  #act = h('button', { type: 'button', class: 'button', onclick: () => this.#actNow() });
  #again = h('button', { type: 'button', class: 'button', onclick: () => this.#task && this.#on.retry(this.#task) }, icon('retry'), 'Try again');
  #previous = h('button', { type: 'button', class: 'icon-button', 'aria-label': 'Previous picture', onclick: () => this.#on.step(-1) }, icon('previous'));
  #next = h('button', { type: 'button', class: 'icon-button', 'aria-label': 'Next picture', onclick: () => this.#on.step(1) }, icon('next'));
  #position = h('span', { class: 'stage-position' });
  #boxCount = h('span');
  #tools = h('div', { class: 'tools' });
  #side = h('div', { class: 'stage-side' });
  #below = h('div', { class: 'stage-below' });
  #progress = h('progress', { class: 'stage-progress', max: 1, 'aria-label': 'Upload' });
  #progressText = h('p', { class: 'stage-state' });

  /**
   * @param {object} on
   * @param {(task: Task) => void} on.cancel
   * @param {(task: Task) => void} on.retry
   * @param {(task: Task) => void} on.remove
   * @param {(by: number) => void} on.step to the next or previous picture
   * @param {(text: string) => void} on.announce
   * @param {(task: Task) => string} on.documentAddress where a new tab can read the document
   */
  constructor(on) {
    this.#on = on;
    this.#panel = new FindingsPanel({
      marks: (marks) => {
        this.#picture?.setMarks(marks);
        this.#boxCount.textContent = `${count(marks.length, 'box', 'boxes')} over the picture`;
      },
      light: (index) => this.#picture?.highlight(index),
      reveal: () => this.#picture?.reveal(),
      least: (least) => {
        this.#least = least;
        this.#panel.least = least;
      },
    });
  }

  /**
   * @param {Task | null} task
   * @param {{at: number, of: number}} position counted from 1
   */
  show(task, position) {
    this.place(position);
    if (task === this.#task) return;
    this.#picture?.destroy();
    this.#task = task;
    this.#picture = null;
    this.#shown = null;
    this.#pixels = '';
    this.#meaning = new Meaning();
    if (!task) {
      this.#stage.replaceChildren();
      return;
    }
    this.#picture = new Picture({ name: task.file.name, contentType: task.contentType }, {
      point: (label) => this.#panel.light(label),
      size: (width, height) => {
        this.#pixels = `${width} × ${height}`;
        this.#describe(task);
      },
    });
    this.#picture.load(URL.createObjectURL(task.file));
    this.#stage.replaceChildren(
      h(
        'header',
        { class: 'stage-head' },
        h('div', { class: 'stage-title' }, h('h2', { id: 'stage-title' }, task.file.name), this.#meta),
        h('div', { class: 'actions' }, h('div', { class: 'stepper' }, this.#previous, this.#position, this.#next), this.#again, this.#act),
      ),
      h('div', { class: 'stage-body' }, h('div', { class: 'stage-picture' }, this.#picture.element, this.#tools), this.#side, this.#below),
    );
    this.update(task);
  }

  /** @param {{at: number, of: number}} position */
  place({ at, of }) {
    this.#position.textContent = `${at} of ${of}`;
    this.#previous.disabled = at <= 1;
    this.#next.disabled = at >= of;
    this.#position.parentElement?.toggleAttribute('hidden', of < 2);
  }

  /** @param {Task} task */
  update(task) {
    if (task !== this.#task || !this.#picture) return;
    this.#progressText.textContent = progressLine(task);
    if (task.state === 'uploading') this.#progress.value = task.sent / task.outgoing.file.size;
    else this.#progress.removeAttribute('value');
    const { state, error, document } = task;
    // A task may fail again between two looks at it: the state is the same then, the reason is not.
    if (this.#shown?.state === state && this.#shown.error === error && this.#shown.document === document) return;
    this.#shown = { state, error, document };
    this.#describe(task);
    this.#picture.busy = task.state === 'waiting';
    this.#act.replaceChildren(icon('close'), task.active ? 'Cancel' : 'Remove');
    this.#meaning.set(task.active ? 'cancel' : 'remove');
    const leaves = this.#again.matches(':focus') && !canRetry(task);
    this.#again.hidden = !canRetry(task);
    if (leaves) this.#act.focus();
    if (task.document) this.#showAnswer(task, task.document);
    else this.#showProgress(task);
  }

  /** @param {Task} task */
  #describe(task) {
    const facts = [this.#pixels, typeLabel(task.contentType), bytes(task.file.size)];
    if (task.converted) facts.push('converted to JPEG for the upload');
    if (task.document && task.elapsed > 0) facts.push(`answered in ${duration(task.elapsed)}`);
    this.#meta.textContent = facts.filter(Boolean).join(' · ');
    if (!this.#picture) return;
    const parts = task.document ? aloud(task.document) : [];
    this.#picture.description = parts.length > 0 ? `${task.file.name}, shows: ${parts.join('; ')}` : task.file.name;
  }

  #actNow() {
    // What the button says counts: the task may be further than what is shown of it.
    const action = this.#meaning.pressed;
    if (this.#task && action) this.#on[action](this.#task);
  }

  /** @param {Task} task */
  #showProgress(task) {
    this.#panel.clear();
    this.#picture?.setMarks([]);
    this.#tools.replaceChildren();
    this.#below.replaceChildren();
    if (task.active) {
      this.#side.replaceChildren(h('section', { class: 'card', 'aria-label': 'Progress' }, steps(task), this.#progress, this.#progressText));
    } else if (task.state === 'cancelled') {
      this.#side.replaceChildren(h('section', { class: 'card calm' }, h('h3', {}, 'Cancelled'), h('p', {}, 'Try again to go on, or remove it from the list.')));
    } else {
      this.#side.replaceChildren(problem(explain(task)));
    }
  }

  /**
   * @param {Task} task
   * @param {import('../shared/api-types.js').ResultDocument} document
   */
  #showAnswer(task, document) {
    if (this.#picture) this.#picture.aspect = aspectOf(document);
    this.#panel.show(document, this.#least);
    this.#tools.replaceChildren(...(this.#panel.hasPlaces ? [this.#boxSwitch()] : []));
    this.#side.replaceChildren(this.#panel.element);

    const colours = coloursOf(document);
    const quality = qualityOf(document);
    this.#below.replaceChildren(
      ...[
        colours.length > 0 && h('section', { class: 'card' }, h('h3', {}, 'Dominant colours'), colourRegions(colours)),
        quality.length > 0 && h('section', { class: 'card' }, h('h3', {}, 'Image quality'), qualityTable(quality)),
        documentSection(
          {
            document,
            filename: task.file.name,
            key: task.ticket?.key ?? '',
            resultKey: task.ticket?.resultKey ?? '',
            address: this.#on.documentAddress(task),
          },
          this.#on.announce,
        ),
      ].filter((part) => part !== false),
    );
  }

  #boxSwitch() {
    const box = h('input', { type: 'checkbox', role: 'switch', id: 'boxes' });
    box.checked = this.#boxesShown;
    box.addEventListener('change', () => {
      this.#boxesShown = box.checked;
      if (this.#picture) this.#picture.boxesShown = box.checked;
    });
    if (this.#picture) this.#picture.boxesShown = this.#boxesShown;
    return h('label', { class: 'switch', for: 'boxes' }, box, this.#boxCount);
  }
}

/** @param {{title: string, text: string}} words */
function problem({ title, text }) {
  return h('section', { class: 'card problem' }, h('h3', {}, icon('alert'), title), h('p', {}, text));
}

/** @param {Task} task */
function steps(task) {
  const names = ['Upload address', 'Upload', 'Analysis'];
  const now = { queued: 0, converting: 0, asking: 0, uploading: 1, waiting: 2 }[/** @type {'queued'} */ (task.state)] ?? names.length;
  return h(
    'ol',
    { class: 'steps' },
    names.map((name, index) =>
      h(
        'li',
        { class: index < now ? 'past' : index === now ? 'now' : 'ahead', 'aria-current': index === now ? 'step' : null },
        h('span', { class: 'step-mark' }, index < now && icon('check')),
        name,
      ),
    ),
  );
}
