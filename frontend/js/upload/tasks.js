// @ts-check
/** The pictures of the page in their order, and the selected one. */

import { canRetry } from './task.js';

/** @typedef {import('./task.js').Task} Task */

export class Tasks {
  /** @type {Task[]} */
  #all = [];
  /** @type {Task | null} */
  selected = null;

  get all() {
    return /** @type {readonly Task[]} */ (this.#all);
  }

  get active() {
    return this.#all.filter((task) => task.active);
  }

  get inactive() {
    return this.#all.filter((task) => !task.active);
  }

  get retryable() {
    return this.#all.filter(canRetry);
  }

  /** Whether leaving the page now would lose an upload. */
  get unsaved() {
    return this.#all.some((task) => task.unsaved);
  }

  /** The position of the selected task, counted from 1. */
  get position() {
    return { at: this.selected ? this.#all.indexOf(this.selected) + 1 : 0, of: this.#all.length };
  }

  /** Pictures with a result document. */
  get finished() {
    return this.#all.filter((task) => task.document);
  }

  /** @param {import('./task.js').State} state */
  count(state) {
    return this.#all.filter((task) => task.state === state).length;
  }

  /** @param {readonly Task[]} tasks */
  add(tasks) {
    this.#all.push(...tasks);
  }

  /**
   * Removes tasks. If the selected one is among them, the next one that stays is selected, or else the previous one.
   * @param {readonly Task[]} tasks
   */
  remove(tasks) {
    const removed = new Set(tasks);
    if (this.selected && removed.has(this.selected)) {
      const stays = (/** @type {Task} */ task) => !removed.has(task);
      const at = this.#all.indexOf(this.selected);
      this.selected = this.#all.slice(at).find(stays) ?? this.#all.slice(0, at).findLast(stays) ?? null;
    }
    this.#all = this.#all.filter((task) => !removed.has(task));
  }

  /**
   * The task before or after the selected one.
   * @param {number} by
   */
  neighbour(by) {
    return this.selected ? this.#all[this.#all.indexOf(this.selected) + by] : undefined;
  }
}
