// @ts-check
/** A task's state in words. */

import { errorMessage } from '../shared/error-messages.js';
import { bytes, duration, percent, sentence } from '../shared/format.js';
import { failureReasons, spokenSummary, summaryLine } from '../shared/result-summary.js';

/** @typedef {import('./task.js').Task} Task */

/**
 * One short line, for the list.
 * @param {Task} task
 */
export function statusLine(task) {
  switch (task.state) {
    case 'queued':
      return 'Queued';
    case 'converting':
      return 'Converting to JPEG';
    case 'preparing':
      return 'Preparing the upload';
    case 'uploading':
      return `Uploading ${percent(Math.floor((100 * task.sent) / task.outgoing.size))}`;
    case 'waiting':
      return task.known ? 'Loading the result' : task.delayed ? 'Analysis delayed' : 'Analysing';
    case 'retrying':
      return retryLine(task);
    case 'cancelled':
      return 'Cancelled';
    case 'failed':
      return task.document ? 'Analysis failed' : failureMessage(task).title;
    case 'done':
      return summaryLine(task.document);
  }
}

/**
 * The same with the number of bytes, or with what a delayed task waits for.
 * @param {Task} task
 */
export function progressLine(task) {
  if (task.state === 'waiting' && task.delayed) {
    return 'Analysis delayed. The picture is stored. The service is busy and tries again by itself, at the latest after 5 minutes.';
  }
  if (task.state !== 'uploading') return statusLine(task);
  return `${statusLine(task)}, ${bytes(task.sent)} of ${bytes(task.outgoing.size)}`;
}

/**
 * When a task is tried again.
 * @param {Task} task
 * @param {number} [now] by `performance.now()`
 */
export function retryLine({ retryAt }, now = performance.now()) {
  if (globalThis.navigator?.onLine === false) return 'Waiting for the network';
  const seconds = Math.ceil((retryAt - now) / 1000);
  return seconds > 0 ? `Trying again in ${duration(seconds * 1000)}` : 'Trying again';
}

/**
 * A finished task, or one that is tried again, in one or two sentences for screen readers.
 * @param {Task} task
 */
export function announcement(task) {
  const { name } = task.file;
  if (task.state === 'retrying') return `${name}: ${failureMessage(task).title}. It is tried again by itself.`;
  if (task.state === 'done') {
    const analysed = task.document?.status === 'partial' ? 'partially analysed' : 'analysed';
    const parts = task.document ? spokenSummary(task.document) : [];
    return parts.length > 0 ? `${name}: ${analysed}. ${parts.map(sentence).join(' ')}` : `${name}: ${analysed}, no results.`;
  }
  if (task.state === 'cancelled') return `${name}: cancelled.`;
  const { title, text } = failureMessage(task);
  return `${name}: ${title}. ${text}`;
}

/**
 * Why a task failed.
 * @param {Task} task
 * @returns {import('../shared/error-messages.js').Message}
 */
export function failureMessage(task) {
  if (task.document) {
    const { title, reasons } = failureReasons(task.document);
    return { title, text: reasons.map(({ text }) => text).join(' ') };
  }
  return errorMessage(task.error, task.outgoing.contentType);
}
