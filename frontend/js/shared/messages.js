// @ts-check
/** What the page says: each state in a few words, each error in a sentence that says what to do. */

import { ApiError, DownloadError, LateError, UploadError } from './errors.js';
import { typeLabel } from './files.js';
import { groupsOf } from './findings.js';
import { brief, bytes, count, duration, percent } from './format.js';

const OFFLINE = { title: 'You are offline', text: 'There is no network connection. Connect, then try again.' };

/**
 * A task's state on one line.
 * @param {import('../upload/task.js').Task} task
 */
export function stateLine(task) {
  switch (task.state) {
    case 'queued':
      return 'Waiting for its turn';
    case 'converting':
      return 'Converting to JPEG';
    case 'asking':
      return 'Asking for an address';
    case 'uploading':
      return `Uploading ${percent(Math.floor((100 * task.sent) / task.outgoing.file.size))}`;
    case 'waiting':
      return 'Analysing';
    case 'cancelled':
      return 'Cancelled';
    case 'failed':
      return task.document ? 'Could not be analysed' : explain(task).title;
    case 'done':
      return found(task.document);
  }
}

/**
 * The same with more room.
 * @param {import('../upload/task.js').Task} task
 */
export function progressLine(task) {
  if (task.state !== 'uploading') return stateLine(task);
  return `${stateLine(task)}, ${bytes(task.sent)} of ${bytes(task.outgoing.file.size)}`;
}

/** So many names are told of what a picture shows; of unsafe content and of text the first. */
const NAMED = 3;

/**
 * What was found in a picture, in few words. Unsafe content comes first, since the end of a line may be cut off.
 * @param {import('./api-types.js').ResultDocument} document
 * @param {(more: number) => string} rest says how many are not named
 * @returns {string[]} nothing where nothing was found
 */
function phrases(document, rest) {
  const groups = groupsOf(document);
  const itemsOf = (/** @type {string} */ id) => groups.find((group) => group.id === id)?.items ?? [];
  const phrase = (/** @type {readonly {name: string}[]} */ items, lead = '', most = 1) => {
    const names = [...new Set(items.map(({ name }) => brief(name)))];
    return names.length > 0 && `${lead}${names.slice(0, most).join(', ')}${names.length > most ? rest(names.length - most) : ''}`;
  };

  const unsafe = itemsOf('moderation');
  // The narrowest say the most: their parents are in the answer as well.
  const parents = new Set(unsafe.flatMap(({ facts }) => facts.flatMap(({ values }) => values)));
  const named = [...itemsOf('labels'), ...itemsOf('custom'), ...itemsOf('celebrities')];
  const faces = itemsOf('faces').length;
  const people = itemsOf('equipment').length;
  return [
    phrase(unsafe.filter(({ name }) => !parents.has(name)), 'Unsafe: '),
    phrase(named, '', NAMED),
    ...(named.length > 0 ? [] : [faces > 0 && count(faces, 'face'), phrase(itemsOf('text'), 'Text: '), people > 0 && count(people, 'person', 'people')]),
  ].filter((part) => part !== false);
}

/** @param {import('./api-types.js').ResultDocument | null} document */
function found(document) {
  const parts = document ? phrases(document, (more) => ` + ${more}`) : [];
  if (parts.length === 0) parts.push('Nothing found');
  if (document?.status === 'partial') parts.push('partly analysed');
  return parts.join(' · ');
}

/**
 * What was found, to be read aloud.
 * @param {import('./api-types.js').ResultDocument} document
 * @returns {string[]} nothing where nothing was found
 */
export function aloud(document) {
  return phrases(document, (more) => ` and ${more} more`);
}

/**
 * A finished task in one or two spoken sentences.
 * @param {import('../upload/task.js').Task} task
 */
export function spoken(task) {
  const { name } = task.file;
  if (task.state === 'done') {
    const analysed = task.document?.status === 'partial' ? 'partly analysed' : 'analysed';
    const parts = task.document ? aloud(task.document) : [];
    return parts.length > 0 ? `${name}: ${analysed}. ${parts.map(sentence).join(' ')}` : `${name}: ${analysed}, nothing found.`;
  }
  if (task.state === 'cancelled') return `${name}: cancelled.`;
  const { title, text } = explain(task);
  return `${name}: ${title}. ${text}`;
}

/**
 * Why a task failed.
 * @param {import('../upload/task.js').Task} task
 * @returns {{title: string, text: string}}
 */
export function explain(task) {
  if (task.document) {
    const { title, reasons } = shortcomings(task.document);
    return { title, text: reasons.map(({ text }) => text).join(' ') };
  }
  return explainError(task.error, task.outgoing.contentType);
}

/**
 * What a document that did not succeed lacks, and why.
 * @param {import('./api-types.js').ResultDocument} document
 * @returns {{title: string, reasons: {analysis?: string, text: string}[]}}
 */
export function shortcomings({ status, errors = [] }) {
  const reasons = errors.map(({ analysis, message }) => ({ analysis, text: sentence(message) }));
  if (status === 'partial') return { title: 'Partly analysed', reasons };
  return {
    title: 'This picture could not be analysed',
    reasons: reasons.length > 0 ? reasons : [{ text: 'The document gives no reason. Try another picture.' }],
  };
}

/**
 * @param {unknown} error
 * @param {string} [contentType]
 * @returns {{title: string, text: string}}
 */
export function explainError(error, contentType = '') {
  if (error instanceof ApiError) return explainApi(error, contentType);
  if (error instanceof UploadError) return explainUpload(error);
  if (error instanceof DownloadError) return explainDownload(error);
  if (error instanceof LateError) {
    return {
      title: 'The answer is late',
      text: `The picture is stored, but no document came within ${duration(error.waitedMs)}. Try again to go on waiting; the picture is not sent twice.`,
    };
  }
  return {
    title: 'The page had a fault',
    text: `${sentence(error instanceof Error ? error.message : String(error))} Reload the page, then try again.`,
  };
}

/**
 * The same in one piece, behind a heading of its own.
 * @param {{title: string, text: string}} words
 */
export function inOne({ title, text }) {
  return `${sentence(title)} ${text}`;
}

/**
 * @param {ApiError} error
 * @param {string} contentType
 */
function explainApi(error, contentType) {
  if (error.kind === 'unreachable') {
    if (globalThis.navigator?.onLine === false) {
      return OFFLINE;
    }
    return {
      title: 'The API cannot be reached',
      text: `Nothing answered at ${error.address}. Check that the service is running and that it allows this page’s address, then try again.`,
    };
  }
  if (error.kind === 'unreadable') {
    return {
      title: 'That was not the API',
      text: `${error.address} answered with something else. Check “api” in the page’s config.json, then reload the page.`,
    };
  }
  const detail = sentence(error.problem.detail ?? error.problem.title ?? '');
  switch (error.status) {
    case 401:
    case 403:
      return { title: 'You may not do this', text: detail || 'The API refused the request. Sign in, or ask who runs it.' };
    case 404:
      return {
        title: 'The API does not know this',
        text: detail || `There is no upload API at ${error.address}. Check “api” in the page’s config.json.`,
      };
    case 413:
      return { title: 'The file is too large', text: detail || 'Choose a smaller picture, or save it with more compression.' };
    case 415:
      return { title: `${typeLabel(contentType) || 'This type'} is not taken`, text: detail || 'Save the picture as JPEG or PNG, then choose it again.' };
    case 429:
      return { title: 'Too many requests', text: detail || 'The API asks for a pause. Wait a moment, then try again.' };
    default:
      return error.status >= 500
        ? { title: 'The API had a fault', text: `${detail || `It answered with HTTP ${error.status}.`} Try again in a moment.` }
        : { title: 'The API refused this file', text: detail || `It answered with HTTP ${error.status} and gave no reason.` };
  }
}

/** @param {DownloadError} error */
function explainDownload({ kind, status }) {
  switch (kind) {
    case 'offline':
      return OFFLINE;
    case 'broken':
      return { title: 'The download was interrupted', text: 'The connection to the bucket broke. Check the network, then try again.' };
    case 'refused':
      return status === 404
        ? { title: 'The picture is gone', text: 'The bucket does not have it any more.' }
        : { title: 'The bucket refused', text: `It answered with HTTP ${status}. Try again in a moment.` };
  }
}

/** @param {UploadError} error */
function explainUpload(error) {
  const code = error.code ? ` (${error.code})` : '';
  switch (error.kind) {
    case 'network':
      return {
        title: 'The upload was interrupted',
        text: 'The connection to the bucket broke, or the bucket does not allow this page’s address. Check the network, then try again.',
      };
    case 'stalled':
      return { title: 'The upload stood still', text: 'Nothing moved for a minute. Check the network, then try again.' };
    case 'expired':
      return { title: 'The upload address expired', text: 'The upload took longer to start than the address is valid. Try again: a new address is asked for.' };
    case 'mismatch':
      return {
        title: 'The bucket refused the file',
        text: `The address expired, or the file changed after it was chosen${code}. Choose the file again, or try again with a new address.`,
      };
    case 'used':
      return { title: 'The upload address was used already', text: 'An address takes one file, once. Try again: a new address is asked for.' };
    case 'changed':
      return { title: 'The file changed on disk', text: 'It was changed, moved or removed after it was chosen. Choose it again.' };
    case 'storage':
      return { title: 'The bucket had a fault', text: `It answered with HTTP ${error.status}${code}. Try again in a moment.` };
  }
}

/**
 * A text with a capital at its start and a full stop at its end.
 * @param {string} text
 */
export function sentence(text) {
  const trimmed = text.trim();
  if (trimmed === '') return '';
  const upper = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?…]$/.test(upper) ? upper : `${upper}.`;
}
