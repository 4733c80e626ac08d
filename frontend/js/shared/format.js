// @ts-check
/** Numbers as a person reads them. A figure and its unit are held together by a no-break space. */

const NBSP = '\u00a0';

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB'];

/**
 * A size with a binary unit: `773 KiB`, `1.4 MiB`. Three figures at most.
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
  return `${value < 99.95 ? trim(value.toFixed(1)) : Math.round(value)}${NBSP}${UNITS[unit]}`;
}

/**
 * @param {number} value percent, 0..100
 * @param {number} [digits] after the point
 */
export function percent(value, digits = 0) {
  return `${value.toFixed(digits)}%`;
}

/**
 * A time span: `840 ms`, `2.1 s`, `1 min 5 s`.
 * @param {number} ms
 */
export function duration(ms) {
  if (ms < 999.5) return `${Math.round(ms)}${NBSP}ms`;
  if (ms < 59_950) return `${trim((ms / 1000).toFixed(1))}${NBSP}s`;
  const seconds = Math.round(ms / 1000);
  const rest = seconds % 60;
  return `${Math.floor(seconds / 60)}${NBSP}min${rest ? ` ${rest}${NBSP}s` : ''}`;
}

/**
 * A time of the day where the page is read: `09:05`.
 * @param {number} time milliseconds since the epoch
 */
export function clock(time) {
  return new Date(time).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
}

/**
 * `1 label`, `3 labels`.
 * @param {number} n
 * @param {string} one
 * @param {string} [many]
 */
export function count(n, one, many = `${one}s`) {
  return `${n} ${n === 1 ? one : many}`;
}

/**
 * A name without its middle where it would take more than a line or two.
 * @param {string} name
 */
export function brief(name) {
  const characters = [...name];
  return characters.length > 48 ? `${characters.slice(0, 30).join('')}…${characters.slice(-15).join('')}` : name;
}

/**
 * `a`, `a and b`, `a, b and c`.
 * @param {readonly string[]} items
 */
export function list(items) {
  if (items.length < 2) return items.join('');
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}

/** @param {string} fixed */
function trim(fixed) {
  return fixed.endsWith('.0') ? fixed.slice(0, -2) : fixed;
}
