// @ts-check
/** Numbers, names and sentences for people. A no-break space keeps a number and its unit together. */

const NBSP = '\u00a0';

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB'];

/** Longer names lose their middle; see `shorten`. */
const MAX_NAME = 48;
const NAME_START = 30;
const NAME_END = 15;

/**
 * A size with a binary unit: `773 KiB`, `1.4 MiB`.
 * @param {number} size bytes
 */
export function bytes(size) {
  let unit = 0;
  let value = size;
  while (value >= 1023.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  if (unit === 0) return value === 1 ? `1${NBSP}byte` : `${value}${NBSP}bytes`;
  return `${value < 99.95 ? withoutZero(value.toFixed(1)) : Math.round(value)}${NBSP}${UNITS[unit]}`;
}

/**
 * @param {number} value percent, 0..100
 * @param {number} [digits] after the decimal point
 */
export function percent(value, digits = 0) {
  return `${value.toFixed(digits)}%`;
}

/**
 * A confidence: `97%`. It is rounded down, so that nothing seems to pass a filter that it does not pass.
 * @param {number} value percent, 0..100
 */
export function confidenceText(value) {
  return percent(Math.floor(Math.min(100, Math.max(0, value))));
}

/**
 * A day, with the time of day or the day of the week if wanted: `31 January 2026`, `31 January 2026, 09:05`.
 * @param {Date} date
 * @param {object} [options]
 * @param {boolean} [options.time]
 * @param {boolean} [options.weekday]
 * @param {string} [options.timeZone] the reader's by default
 */
export function dateText(date, { time = false, weekday = false, timeZone } = {}) {
  const day = date.toLocaleDateString('en-GB', { ...(weekday && { weekday: 'long' }), day: 'numeric', month: 'long', year: 'numeric', timeZone });
  return time ? `${day}, ${timeOfDay(date.getTime(), timeZone)}` : day;
}

/**
 * A duration: `840 ms`, `2.1 s`, `1 min 5 s`.
 * @param {number} ms
 */
export function duration(ms) {
  if (ms < 999.5) return `${Math.round(ms)}${NBSP}ms`;
  if (ms < 59_950) return `${withoutZero((ms / 1000).toFixed(1))}${NBSP}s`;
  const seconds = Math.round(ms / 1000);
  const rest = seconds % 60;
  return `${Math.floor(seconds / 60)}${NBSP}min${rest ? ` ${rest}${NBSP}s` : ''}`;
}

/**
 * A time of day: `09:05`.
 * @param {number} time milliseconds since the epoch
 * @param {string} [timeZone] the reader's by default
 */
export function timeOfDay(time, timeZone) {
  return new Date(time).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit', timeZone });
}

/**
 * `1 label`, `3 labels`.
 * @param {number} n
 * @param {string} singular
 * @param {string} [plural]
 */
export function count(n, singular, plural = `${singular}s`) {
  return `${n} ${n === 1 ? singular : plural}`;
}

/**
 * A name that fits on a line or two: long names lose their middle.
 * @param {string} name
 */
export function shorten(name) {
  const characters = [...name];
  return characters.length > MAX_NAME ? `${characters.slice(0, NAME_START).join('')}…${characters.slice(-NAME_END).join('')}` : name;
}

/**
 * `a`, `a and b`, `a, b and c`.
 * @param {readonly string[]} items
 * @param {string} [word] before the last item
 */
export function list(items, word = 'and') {
  if (items.length < 2) return items.join('');
  return `${items.slice(0, -1).join(', ')} ${word} ${items.at(-1)}`;
}

/**
 * The text with a capital letter at its start and a full stop at its end.
 * @param {string} text
 */
export function sentence(text) {
  const trimmed = text.trim();
  if (trimmed === '') return '';
  const upper = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?…]$/.test(upper) ? upper : `${upper}.`;
}

/** @param {string} fixed */
function withoutZero(fixed) {
  return fixed.endsWith('.0') ? fixed.slice(0, -2) : fixed;
}
