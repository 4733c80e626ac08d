// @ts-check
/** The day of a picture, and a list of pictures in groups by day. */

import { dateText } from '../shared/format.js';

/** @typedef {import('../shared/api-types.js').ImageRow} ImageRow */

/** A row's days do not change. @type {WeakMap<ImageRow, {uploaded: string, taken: string}>} */
const DAYS = new WeakMap();

/**
 * The day on which a picture was uploaded, in the reader's time zone; or taken, by the camera's own clock.
 * @param {ImageRow} row
 * @param {import('./url-state.js').Sort} sort
 * @returns {string} such as `2026-01-31`; '' when it is unknown
 */
export function dayOf(row, sort) {
  let days = DAYS.get(row);
  if (!days) {
    const uploaded = isoDay(new Date(row.uploadedAt));
    days = { uploaded, taken: row.takenAt?.slice(0, 10) || uploaded };
    DAYS.set(row, days);
  }
  return sort === 'taken' ? days.taken : days.uploaded;
}

/**
 * Where each day begins in a list that is sorted by time.
 * @param {readonly ImageRow[]} rows
 * @param {import('./url-state.js').Sort} sort
 * @returns {{day: string, start: number}[]} empty when the list is not sorted by time, or no day is known
 */
export function groupByDay(rows, sort) {
  if (sort === 'confidence') return [];
  /** @type {{day: string, start: number}[]} */
  const groups = [];
  rows.forEach((row, start) => {
    const day = dayOf(row, sort);
    if (day !== groups.at(-1)?.day) groups.push({ day, start });
  });
  return groups.some(({ day }) => day !== '') ? groups : [];
}

/**
 * A day for people.
 * @param {string} day
 * @param {Date} [now]
 */
export function dayTitle(day, now = new Date()) {
  if (day === '') return 'Day unknown';
  const today = isoDay(now);
  const yesterday = isoDay(new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1));
  if (day === today) return 'Today';
  if (day === yesterday) return 'Yesterday';
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number);
  const at = new Date(2000, month - 1, date);
  at.setFullYear(year);
  return dateText(at, { weekday: true });
}

/** @param {Date} time */
function isoDay(time) {
  if (Number.isNaN(time.getTime())) return '';
  return [String(time.getFullYear()).padStart(4, '0'), ...[time.getMonth() + 1, time.getDate()].map((part) => String(part).padStart(2, '0'))].join('-');
}
