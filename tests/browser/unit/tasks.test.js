// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Tasks } from '../../../frontend/js/upload/tasks.js';

/** @typedef {import('../../../frontend/js/upload/task.js').Task} Task */

/**
 * A finished or running task.
 * @param {string} name
 * @param {Partial<Pick<Task, 'state' | 'active' | 'unsaved' | 'error' | 'document'>>} [facts]
 */
const task = (name, facts = {}) => /** @type {Task} */ (/** @type {unknown} */ ({ name, state: 'done', active: false, unsaved: false, error: null, document: null, ...facts }));

/** @param {number} selected */
function setUp(selected) {
  const all = ['a', 'b', 'c', 'd'].map((name) => task(name));
  const tasks = new Tasks();
  tasks.add(all);
  tasks.selected = all[selected] ?? null;
  return { tasks, all };
}

test('after the selected task is removed, the next one is selected, or else the previous one', () => {
  const { tasks, all } = setUp(1);
  tasks.remove(all.slice(1, 3));
  assert.equal(tasks.selected, all[3]);
  assert.deepEqual(tasks.position, { at: 2, of: 2 });
  tasks.remove(all.slice(3));
  assert.equal(tasks.selected, all[0]);
  tasks.remove(all);
  assert.equal(tasks.selected, null);
  assert.deepEqual(tasks.position, { at: 0, of: 0 });
});

test('removing other tasks keeps the selection', () => {
  const { tasks, all } = setUp(2);
  tasks.remove([...all.slice(0, 2), ...all.slice(3)]);
  assert.equal(tasks.selected, all[2]);
  assert.deepEqual(tasks.position, { at: 1, of: 1 });
});

test('the neighbours of the selected task end at the ends of the list', () => {
  const { tasks, all } = setUp(0);
  assert.equal(tasks.neighbour(1), all[1]);
  assert.equal(tasks.neighbour(-1), undefined);
  assert.equal(setUp(3).tasks.neighbour(1), undefined);
});

test('tasks are counted by state, and by what can be done with them', () => {
  const running = task('running', { state: 'uploading', active: true, unsaved: true });
  const failed = task('failed', { state: 'failed', error: new Error('no') });
  const tasks = new Tasks();
  tasks.add([running, failed, task('done')]);
  assert.deepEqual([tasks.count('done'), tasks.count('failed')], [1, 1]);
  assert.deepEqual([tasks.active, tasks.inactive.length, tasks.retryable, tasks.unsaved], [[running], 2, [failed], true]);
  tasks.remove([running]);
  assert.equal(tasks.unsaved, false);
});
