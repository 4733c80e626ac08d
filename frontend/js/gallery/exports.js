// @ts-check
/** Downloads of several pictures: an archive of the originals, their results as JSON Lines, or a table as CSV. */

import { DownloadError, isAbort } from '../shared/errors.js';
import { Limiter } from '../shared/limiter.js';
import { UniqueNames, zip } from '../shared/zip.js';
import { displayName } from './image-row.js';

/** @typedef {import('../shared/api-types.js').ImageRow} ImageRow */

const MAX_REQUESTS = 6;
/** How many originals are in memory at once while an archive is written. */
const MAX_ORIGINALS = 3;

/** Excel takes a text that starts with one of these for a formula. Where lists are separated by semicolons, it also splits there. */
const FORMULA = /^[=+\-@\t\r]|(?<=[;\t]\s*)[=+\-@]/g;

/**
 * The pictures as a table, for spreadsheets (RFC 4180).
 * @param {readonly ImageRow[]} rows
 */
export function csvOf(rows) {
  const numbers = (/** @type {number} */ value) => String(Math.round(value * 100) / 100);
  /** @type {[string, (row: ImageRow) => string | number | undefined][]} */
  const columns = [
    ['key', ({ key }) => key],
    ['filename', (row) => displayName(row)],
    ['status', ({ status }) => status],
    ['uploadedAt', ({ uploadedAt }) => uploadedAt],
    ['takenAt', ({ takenAt }) => takenAt],
    ['contentType', ({ contentType }) => contentType],
    ['size', ({ size }) => size],
    ['width', ({ width }) => width],
    ['height', ({ height }) => height],
    ['labels', ({ labels }) => labels.map(({ name, confidence }) => `${name} ${numbers(confidence)}`).join('; ')],
    ['categories', ({ categories }) => categories.join('; ')],
    ['faces', ({ faces }) => faces],
    ['emotions', ({ emotions }) => emotions?.join('; ')],
  ];
  const lines = [columns.map(([name]) => name), ...rows.map((row) => columns.map(([, value]) => cell(value(row))))];
  // Excel reads UTF-8 only with a byte order mark.
  return `\uFEFF${lines.map((line) => `${line.join(',')}\r\n`).join('')}`;
}

/**
 * The results as JSON Lines: one document a line, in the order of the pictures.
 * @param {readonly ImageRow[]} rows
 * @param {(key: string, signal: AbortSignal) => Promise<import('../shared/api.js').ResultReply>} read
 * @param {(done: number) => void} progress
 * @param {AbortSignal} signal
 * @returns {Promise<{blob: Blob, missing: ImageRow[]}>} `missing`: pictures whose result cannot be read
 */
export async function jsonLinesOf(rows, read, progress, signal) {
  const limiter = new Limiter(MAX_REQUESTS);
  /** @type {ImageRow[]} */
  const missing = [];
  let done = 0;
  const lines = await Promise.all(
    rows.map((row) =>
      limiter.run(async () => {
        signal.throwIfAborted();
        try {
          const reply = await read(row.key, signal);
          if (reply.ready) return `${JSON.stringify(reply.document)}\n`;
        } catch (error) {
          if (isAbort(error)) throw error;
        } finally {
          progress((done += 1));
        }
        missing.push(row);
        return '';
      }),
    ),
  );
  signal.throwIfAborted();
  return { blob: new Blob(lines, { type: 'application/jsonl' }), missing };
}

/**
 * An archive of the original files.
 * @param {readonly ImageRow[]} rows
 * @param {(row: ImageRow, signal: AbortSignal) => Promise<Blob>} read an original
 * @param {(done: number) => void} progress
 * @param {AbortSignal} signal
 * @returns {Promise<{blob: Blob, missing: ImageRow[]}>} `missing`: pictures that cannot be read
 */
export async function zipOf(rows, read, progress, signal) {
  const names = new UniqueNames();
  /** @type {ImageRow[]} */
  const missing = [];
  const limiter = new Limiter(MAX_ORIGINALS);

  async function* files() {
    /** @type {Promise<Blob | null>[]} */
    const ahead = [];
    for (let at = 0; at < rows.length; at += 1) {
      for (const row of rows.slice(at + ahead.length, at + MAX_ORIGINALS)) {
        ahead.push(limiter.run(() => read(row, signal)).catch(() => null));
      }
      const [row, input] = [rows[at], await ahead.shift()];
      signal.throwIfAborted();
      progress(at + 1);
      if (!row) continue;
      if (input) yield { name: names.add(displayName(row)), input, lastModified: timeOf(row) };
      else missing.push(row);
    }
  }
  return { blob: await zip(files()), missing };
}

/**
 * Reads a picture's original file.
 * @param {string} url
 * @param {AbortSignal} signal
 */
export async function readOriginal(url, signal) {
  // Not from the cache: an <img> fetched the entry there without CORS, so the page may not read it.
  const response = await fetch(url, { credentials: 'omit', cache: 'no-store', signal });
  if (!response.ok) throw new DownloadError('rejected', { status: response.status });
  return response.blob();
}

/** @param {string | number | undefined} value */
function cell(value) {
  if (value === undefined || typeof value === 'number') return String(value ?? '');
  const text = value.replace(FORMULA, "'$&");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** @param {ImageRow} row */
function timeOf({ uploadedAt }) {
  const time = new Date(uploadedAt);
  return Number.isNaN(time.getTime()) ? new Date() : time;
}
