// @ts-check
/**
 * The list of pictures: a column beside the picture on wide screens, a strip above it on narrow ones. Only
 * the chosen picture is a tab stop; the arrow keys, Home and End go through the list.
 */

import { byId, h } from '../shared/dom.js';
import { typeLabel } from '../shared/files.js';
import { icon } from '../shared/icons.js';
import { Meaning } from './action-guard.js';
import { canRetry } from './task.js';
import { Thumbnails } from './thumbnails.js';
import { stateLine } from '../shared/messages.js';

/**
 * @typedef {object} Row
 * @property {HTMLLIElement} item
 * @property {HTMLButtonElement} pick
 * @property {HTMLButtonElement} act
 * @property {HTMLElement} note
 * @property {HTMLProgressElement} progress
 * @property {HTMLCanvasElement} canvas
 * @property {Meaning<'cancel' | 'retry' | 'remove'>} action
 */

export class Strip {
  #list = byId('shots', HTMLUListElement);
  #thumbnails = new Thumbnails();
  /** @type {Map<import('./task.js').Task, Row>} */
  #rows = new Map();
  /** @type {import('./task.js').Task | null} */
  #chosen = null;
  #on;

  /**
   * @param {object} on
   * @param {(task: import('./task.js').Task) => void} on.choose
   * @param {(task: import('./task.js').Task) => void} on.cancel
   * @param {(task: import('./task.js').Task) => void} on.retry
   * @param {(task: import('./task.js').Task) => void} on.remove
   */
  constructor(on) {
    this.#on = on;
    this.#list.addEventListener('keydown', (event) => this.#key(event));
  }

  /** @param {readonly import('./task.js').Task[]} tasks */
  add(tasks) {
    const fragment = document.createDocumentFragment();
    for (const task of tasks) fragment.append(this.#row(task).item);
    this.#list.append(fragment);
  }

  /**
   * @param {import('./task.js').Task} task
   */
  remove(task) {
    const row = this.#rows.get(task);
    if (!row) return;
    this.#thumbnails.remove(row.canvas);
    row.item.remove();
    this.#rows.delete(task);
  }

  /**
   * @param {import('./task.js').Task} task
   */
  update(task) {
    const row = this.#rows.get(task);
    if (!row) return;
    row.item.dataset.state = task.state;
    row.note.textContent = stateLine(task);
    row.progress.hidden = !task.active || task.state === 'queued';
    if (task.state === 'uploading') row.progress.value = task.sent / task.outgoing.file.size;
    else row.progress.removeAttribute('value');
    const action = task.active ? 'cancel' : canRetry(task) ? 'retry' : 'remove';
    if (!row.action.set(action)) return;
    const says = { cancel: 'Cancel', retry: 'Try again', remove: 'Remove' }[action];
    row.act.setAttribute('aria-label', `${says}: ${task.file.name}`);
    row.act.title = says;
    row.act.replaceChildren(icon(action === 'retry' ? 'retry' : 'close'));
  }

  /**
   * @param {import('./task.js').Task | null} task
   */
  choose(task) {
    for (const each of [this.#chosen, task]) {
      const row = each && this.#rows.get(each);
      if (!row) continue;
      const on = each === task;
      row.item.classList.toggle('chosen', on);
      row.pick.tabIndex = on ? 0 : -1;
      row.act.tabIndex = on ? 0 : -1;
      if (on) row.pick.setAttribute('aria-current', 'true');
      else row.pick.removeAttribute('aria-current');
    }
    this.#chosen = task;
    const row = task && this.#rows.get(task);
    if (row) bringIntoView(this.#list, row.item);
  }

  /** Puts the focus on the chosen picture's row. */
  focus() {
    if (this.#chosen) this.#rows.get(this.#chosen)?.pick.focus();
  }

  /** Whether the focus is in the list. */
  get focused() {
    return this.#list.contains(document.activeElement);
  }

  /**
   * @param {import('./task.js').Task} task
   * @returns {Row}
   */
  #row(task) {
    const canvas = h('canvas', { width: 1, height: 1, 'aria-hidden': 'true' });
    const thumb = h('span', { class: 'shot-thumb' }, canvas);
    const note = h('span', { class: 'shot-note' });
    const progress = h('progress', { max: 1, 'aria-label': `Progress of ${task.file.name}` });
    const pick = h(
      'button',
      { type: 'button', class: 'shot-pick', tabindex: -1, title: task.file.name, onclick: () => this.#on.choose(task) },
      thumb,
      h('span', { class: 'shot-text' }, h('span', { class: 'shot-name' }, task.file.name), note),
    );
    const act = h('button', { type: 'button', class: 'shot-act', tabindex: -1, onclick: () => this.#act(task) });
    const item = h('li', { class: 'shot' }, pick, act, progress);
    /** @type {Row} */
    const row = { item, pick, act, note, progress, canvas, action: new Meaning() };
    this.#rows.set(task, row);
    this.#thumbnails.add(canvas, task.file, (drawn) => {
      if (!drawn) thumb.replaceChildren(h('span', { class: 'shot-type' }, typeLabel(task.contentType)));
    });
    this.update(task);
    return row;
  }

  /** @param {import('./task.js').Task} task */
  #act(task) {
    const action = this.#rows.get(task)?.action.pressed;
    if (action) this.#on[action](task);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || !this.#chosen) return;
    const tasks = [...this.#rows.keys()];
    const at = tasks.indexOf(this.#chosen);
    const steps = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, Home: 0, End: tasks.length - 1 };
    if (event.key === 'Delete') {
      // Held down, it would go through the whole list.
      if (!event.repeat) this.#on[this.#chosen.active ? 'cancel' : 'remove'](this.#chosen);
    } else if (event.key in steps) {
      const to = tasks[steps[/** @type {keyof typeof steps} */ (event.key)]];
      if (!to) return;
      this.#on.choose(to);
      this.focus();
    } else {
      return;
    }
    event.preventDefault();
  }
}

/**
 * Scrolls the list alone: `scrollIntoView` would move the page too.
 * @param {HTMLElement} list
 * @param {HTMLElement} item
 */
function bringIntoView(list, item) {
  const outer = list.getBoundingClientRect();
  const inner = item.getBoundingClientRect();
  if (inner.top < outer.top) list.scrollTop += inner.top - outer.top;
  else if (inner.bottom > outer.bottom) list.scrollTop += inner.bottom - outer.bottom;
  if (inner.left < outer.left) list.scrollLeft += inner.left - outer.left;
  else if (inner.right > outer.right) list.scrollLeft += inner.right - outer.right;
}
