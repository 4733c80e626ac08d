// @ts-check
/** Decodes HEIC where the browser cannot. The decoder runs in a worker that is started when it is first needed. */

/** A picture takes a few seconds on a slow phone. A file that takes longer is no picture that this page can read. */
const TIMEOUT_MS = 60_000;
/** An idle decoder is stopped, because it keeps the memory of its largest picture. */
const IDLE_MS = 30_000;

/**
 * @typedef {{maxSide: number, maxPixels: number}} Limits of the JPEG
 * @typedef {Limits & {id: number, file: File}} Job what the worker is asked
 * @typedef {{id: number, jpeg: Blob | null}} Answer `jpeg`: null when the file cannot be decoded
 */

/** @type {Worker | null} */
let worker = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let idle;
let jobs = 0;
/** One picture at a time: each takes up to a few hundred MiB. @type {Promise<unknown>} */
let last = Promise.resolve();

/**
 * @param {File} file
 * @param {Limits} limits
 * @returns {Promise<Blob | null>} a JPEG; null when the file cannot be decoded
 */
export function decodeHeic(file, limits) {
  const result = last.then(() => decode(file, limits));
  last = result;
  return result;
}

/**
 * @param {File} file
 * @param {Limits} limits
 * @returns {Promise<Blob | null>}
 */
async function decode(file, limits) {
  clearTimeout(idle);
  const id = ++jobs;
  const used = (worker ??= start());
  if (!used) return null;
  /** @type {Blob | null | undefined} undefined: the worker failed */
  const jpeg = await new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), TIMEOUT_MS);
    used.onmessage = (/** @type {MessageEvent<Answer>} */ { data }) => {
      if (data.id !== id) return;
      clearTimeout(timer);
      resolve(data.jpeg);
    };
    used.onerror = (event) => {
      event.preventDefault();
      clearTimeout(timer);
      resolve(undefined);
    };
    used.postMessage({ id, file, ...limits });
  });
  if (jpeg === undefined) stop();
  else idle = setTimeout(stop, IDLE_MS);
  return jpeg ?? null;
}

/** @returns {Worker | null} null when the browser has no such workers */
function start() {
  try {
    return new Worker(new URL('heic-worker.js', import.meta.url), { name: 'HEIC' });
  } catch {
    return null;
  }
}

function stop() {
  worker?.terminate();
  worker = null;
}
