// @ts-check
/**
 * The list of pictures: a column beside the picture on wide screens, a strip above it on narrow ones. Only the selected
 * picture is a tab stop; the arrow keys, Home and End move through the list.
 */

import { byId, h } from '../shared/dom.js';
import { typeLabel } from '../shared/file-types.js';
import { icon } from '../shared/icons.js';
import { ActionGuard } from './action-guard.js';
import { statusLine } from './task-messages.js';
import { canRetry } from './task.js';
import { shownFile } from './shown-file.js';
import { Thumbnails } from './thumbnails.js';

/**
 * @typedef {import('./task.js').Task} Task
 *
 * @typedef {object} Row
 * @property {HTMLLIElement} item
 * @property {HTMLButtonElement} selectButton
 * @property {HTMLButtonElement} actionButton cancels, retries or removes
 * @property {HTMLElement} status
 * @property {HTMLProgressElement} progress
 * @property {HTMLElement} thumbnail
 * @property {HTMLCanvasElement} canvas
 * @property {unknown} drawn what the thumbnail shows: a file, or a document whose picture is stored
 * @property {File | null} unreadable the file that this browser cannot show
 * @property {ActionGuard<'cancel' | 'retry' | 'remove'>} guard
 */

const ACTION_LABELS = { cancel: 'Cancel', retry: 'Try again', remove: 'Remove' };

export class TaskList {
  #list = byId('tasks', HTMLUListElement);
  #thumbnails = new Thumbnails();
  /** @type {Map<Task, Row>} */
  #rows = new Map();
  /** @type {Task | null} */
  #selected = null;
  #on;

  /**
   * @param {object} on
   * @param {(task: Task) => void} on.select
   * @param {(task: Task) => void} on.cancel
   * @param {(task: Task) => void} on.retry
   * @param {(task: Task) => void} on.remove
   * @param {(task: Task) => Promise<string | null>} on.thumbnailUrl of a stored picture
   */
  constructor(on) {
    this.#on = on;
    this.#list.addEventListener('keydown', (event) => this.#onKey(event));
    addEventListener('scroll', () => this.fit(), { passive: true });
    addEventListener('resize', () => this.fit());
  }

  /** @param {readonly Task[]} tasks */
  add(tasks) {
    const fragment = document.createDocumentFragment();
    for (const task of tasks) fragment.append(this.#row(task).item);
    this.#list.append(fragment);
  }

  /** Keeps the end of the list on the screen, wherever the page is scrolled: the list scrolls by itself. */
  fit() {
    const top = Math.max(0, this.#list.getBoundingClientRect().top);
    this.#list.style.setProperty('--top', `${Math.round(top)}px`);
  }

  /** @param {Task} task */
  remove(task) {
    const row = this.#rows.get(task);
    if (!row) return;
    this.#thumbnails.remove(row.canvas);
    row.item.remove();
    this.#rows.delete(task);
  }

  /** @param {Task} task */
  update(task) {
    const row = this.#rows.get(task);
    if (!row) return;
    row.item.dataset.state = task.state;
    row.status.textContent = statusLine(task);
    this.#showThumbnail(task, row);
    row.progress.hidden = !task.active || task.state === 'queued' || task.state === 'retrying';
    if (task.state === 'uploading') row.progress.value = task.sent / task.outgoing.size;
    else row.progress.removeAttribute('value');
    const action = task.active ? 'cancel' : canRetry(task) ? 'retry' : 'remove';
    if (!row.guard.set(action)) return;
    const label = ACTION_LABELS[action];
    row.actionButton.setAttribute('aria-label', `${label}: ${task.file.name}`);
    row.actionButton.title = label;
    row.actionButton.replaceChildren(icon(action === 'retry' ? 'retry' : 'close'));
  }

  /** @param {Task | null} task */
  select(task) {
    for (const each of [this.#selected, task]) {
      const row = each && this.#rows.get(each);
      if (!row) continue;
      const selected = each === task;
      row.item.classList.toggle('selected', selected);
      row.selectButton.tabIndex = selected ? 0 : -1;
      row.actionButton.tabIndex = selected ? 0 : -1;
      if (selected) row.selectButton.setAttribute('aria-current', 'true');
      else row.selectButton.removeAttribute('aria-current');
    }
    this.#selected = task;
    const row = task && this.#rows.get(task);
    if (row) scrollIntoList(this.#list, row.item);
  }

  /** Moves the focus to the selected picture. */
  focus() {
    if (this.#selected) this.#rows.get(this.#selected)?.selectButton.focus();
  }

  /**
   * @param {Task} task
   * @returns {Row}
   */
  #row(task) {
    const { name } = task.file;
    const canvas = h('canvas', { width: 1, height: 1, 'aria-hidden': 'true' });
    const thumbnail = h('span', { class: 'task-thumbnail' });
    const status = h('span', { class: 'task-status' });
    const progress = h('progress', { max: 1, 'aria-label': `Progress of ${name}` });
    const selectButton = h(
      'button',
      { type: 'button', class: 'task-select', tabindex: -1, title: name, onclick: () => this.#on.select(task) },
      thumbnail,
      h('span', { class: 'task-text' }, h('span', { class: 'task-name' }, name), status),
    );
    const actionButton = h('button', { type: 'button', class: 'task-action', tabindex: -1, onclick: () => this.#onAction(task) });
    const item = h('li', { class: 'task' }, selectButton, actionButton, progress);
    /** @type {Row} */
    const row = { item, selectButton, actionButton, status, progress, thumbnail, canvas, drawn: null, unreadable: null, guard: new ActionGuard() };
    this.#rows.set(task, row);
    this.#showType(task, row);
    this.update(task);
    return row;
  }

  /**
   * Shows the page's own file, or what the service has stored if there is none, or if the browser cannot show it.
   * @param {Task} task
   * @param {Row} row
   */
  #showThumbnail(task, row) {
    const file = shownFile(task);
    const from = file !== null && file !== row.unreadable ? file : task.document;
    if (from === null || from === row.drawn) return;
    row.drawn = from;
    this.#thumbnails.remove(row.canvas);
    row.canvas = h('canvas', { width: 1, height: 1, 'aria-hidden': 'true' });
    row.thumbnail.replaceChildren(row.canvas);
    this.#thumbnails.add(
      row.canvas,
      async () => (from === file ? file : await this.#on.thumbnailUrl(task)),
      (drawn) => {
        if (drawn || row.drawn !== from) return;
        this.#showType(task, row);
        row.unreadable = file;
        this.#showThumbnail(task, row);
      },
    );
  }

  /**
   * @param {Task} task
   * @param {Row} row
   */
  #showType(task, { thumbnail }) {
    thumbnail.replaceChildren(h('span', { class: 'task-type' }, typeLabel(task.contentType)));
  }

  /** @param {Task} task */
  #onAction(task) {
    const action = this.#rows.get(task)?.guard.action;
    if (action) this.#on[action](task);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || !this.#selected) return;
    const tasks = [...this.#rows.keys()];
    const at = tasks.indexOf(this.#selected);
    const targets = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, Home: 0, End: tasks.length - 1 };
    if (event.key === 'Delete') {
      // A key that is held down would remove the whole list.
      if (!event.repeat) this.#on[this.#selected.active ? 'cancel' : 'remove'](this.#selected);
    } else if (event.key in targets) {
      const task = tasks[targets[/** @type {keyof typeof targets} */ (event.key)]];
      if (!task) return;
      this.#on.select(task);
      this.focus();
    } else {
      return;
    }
    event.preventDefault();
  }
}

/**
 * Scrolls only the list: `scrollIntoView` would scroll the page too.
 * @param {HTMLElement} list
 * @param {HTMLElement} item
 */
function scrollIntoList(list, item) {
  const outer = list.getBoundingClientRect();
  const inner = item.getBoundingClientRect();
  if (inner.top < outer.top) list.scrollTop += inner.top - outer.top;
  else if (inner.bottom > outer.bottom) list.scrollTop += inner.bottom - outer.bottom;
  if (inner.left < outer.left) list.scrollLeft += inner.left - outer.left;
  else if (inner.right > outer.right) list.scrollLeft += inner.right - outer.right;
}
