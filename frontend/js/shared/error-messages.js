// @ts-check
/** Errors in words: a title that names the problem, and a text that says what to do. */

import { ApiError, DownloadError, EarlierError, TimeoutError, UploadError } from './errors.js';
import { typeLabel } from './file-types.js';
import { duration, sentence } from './format.js';

/** @typedef {{title: string, text: string}} Message */

/** What a person can do about a limit. The API's own texts are for those who run the service too. */
export const LIMITS = {
  owner: 'You have used up your analyses for today. Try again after midnight UTC.',
  service: 'The service has used up its analyses for today. Try again after midnight UTC.',
};

const OFFLINE = { title: 'You are offline', text: 'There is no network connection. Reconnect, then try again.' };

/**
 * @param {unknown} error
 * @param {string} [contentType] of the file that was sent
 * @returns {Message}
 */
export function errorMessage(error, contentType = '') {
  if (error instanceof ApiError) return apiMessage(error, contentType);
  if (error instanceof UploadError) return uploadMessage(error);
  if (error instanceof DownloadError) return downloadMessage(error);
  if (error instanceof EarlierError) return { title: error.title, text: error.text };
  if (error instanceof TimeoutError) {
    return {
      title: 'The result is not ready yet',
      text: `The picture is stored, but no result arrived within ${duration(error.waitedMs)}. The service keeps trying by itself. Try again to keep waiting. The picture is not uploaded again.`,
    };
  }
  return {
    title: 'Something went wrong',
    text: `${sentence(error instanceof Error ? error.message : String(error))} Reload the page, then try again.`,
  };
}

/**
 * Title and text as one line, for a notice with a heading of its own.
 * @param {Message} message
 */
export function oneLine({ title, text }) {
  return `${sentence(title)} ${text}`;
}

/**
 * @param {ApiError} error
 * @param {string} contentType
 * @returns {Message}
 */
function apiMessage(error, contentType) {
  if (error.kind === 'unreachable') {
    if (globalThis.navigator?.onLine === false) return OFFLINE;
    return {
      title: 'Cannot reach the API',
      text: `There is no response from ${error.url}. Check that the service is running and allows requests from this page, then try again.`,
    };
  }
  if (error.kind === 'unreadable') {
    return {
      title: 'Unexpected response',
      text: `The response from ${error.url} is not from the Sightline API. Check “api” in config.json, then reload the page.`,
    };
  }
  const detail = sentence(error.problem.detail ?? error.problem.title ?? '');
  switch (error.status) {
    case 401:
    case 403:
      return { title: 'Access denied', text: detail || 'The API rejected the request. Sign in, or ask the operator for access.' };
    case 404:
      return { title: 'Not found', text: detail || `There is no upload API at ${error.url}. Check “api” in config.json.` };
    case 413:
      return { title: 'The file is too large', text: detail || 'Choose a smaller picture, or save it with more compression.' };
    case 415:
      return { title: `${typeLabel(contentType) || 'This file type'} is not supported`, text: detail || 'Save the picture as JPEG or PNG, then choose it again.' };
    case 429:
      if (error.problem.code === 'owner-daily-limit-reached') return { title: 'Your daily limit is reached', text: LIMITS.owner };
      if (error.problem.code === 'daily-limit-reached') return { title: 'The daily limit is reached', text: LIMITS.service };
      return { title: 'Too many requests', text: detail || 'Wait a moment, then try again.' };
    default:
      return error.status >= 500
        ? { title: 'The API failed', text: `${detail || `It returned HTTP ${error.status}.`} Try again in a moment.` }
        : { title: 'The API rejected the request', text: detail || `It returned HTTP ${error.status} and gave no reason.` };
  }
}

/**
 * @param {DownloadError} error
 * @returns {Message}
 */
function downloadMessage({ kind, status }) {
  switch (kind) {
    case 'offline':
      return OFFLINE;
    case 'interrupted':
      return { title: 'The download was interrupted', text: 'The connection to the bucket was lost. Check the network, then try again.' };
    case 'rejected':
      return status === 404
        ? { title: 'Picture not found', text: 'The bucket no longer has it.' }
        : { title: 'The bucket rejected the download', text: `It returned HTTP ${status}. Try again in a moment.` };
  }
}

/**
 * @param {UploadError} error
 * @returns {Message}
 */
function uploadMessage(error) {
  const code = error.code ? ` (${error.code})` : '';
  switch (error.kind) {
    case 'network':
      return {
        title: 'The upload was interrupted',
        text: 'The connection to the bucket was lost, or the bucket does not allow requests from this page. Check the network, then try again.',
      };
    case 'stalled':
      return { title: 'The upload stalled', text: 'No data was sent for a minute. Check the network, then try again.' };
    case 'expired':
      return { title: 'The upload address expired', text: 'The upload did not start in time. Try again with a new address.' };
    case 'mismatch':
      return {
        title: 'The bucket rejected the file',
        text: `The upload address expired, or the file changed after you chose it${code}. Choose the file again, or try again with a new address.`,
      };
    case 'used':
      return { title: 'The upload address was already used', text: 'An address works for one file, once. Try again with a new address.' };
    case 'changed':
      return { title: 'The file changed on disk', text: 'It was changed, moved or deleted after you chose it. Choose it again.' };
    case 'missing':
      return { title: 'The file is needed again', text: 'The page was reloaded and no longer has this file. Choose it again, and the upload continues.' };
    case 'undecodable':
      return {
        title: 'This HEIC file cannot be read',
        text: 'It is damaged, or this browser cannot run the decoder. Save it as JPEG, then choose it again. On an iPhone, Settings → Camera → Formats → Most Compatible takes JPEG photos.',
      };
    case 'gone':
      return { title: 'The picture was deleted', text: 'The service no longer has it. Remove it from the list, or choose the file again to upload it once more.' };
    case 'storage':
      return { title: 'The bucket failed', text: `It returned HTTP ${error.status}${code}. Try again in a moment.` };
  }
}
