// @ts-check
/** What a browser can show of a task's picture: a file of this page, or else what the service has stored. */

/** @typedef {import('./task.js').Task} Task */

/** Some browsers show these types and others do not. */
const UNCERTAIN = new Set(['image/tiff', 'image/heic']);

/**
 * The file to show: the JPEG that the page made of it, or the chosen one.
 * @param {Task} task
 * @returns {File | null} null if the page was reloaded and did not keep it
 */
export function shownFile(task) {
  return task.converted ? task.outgoing.file : task.source;
}

/**
 * Whether this browser shows a file.
 * @param {File} file
 * @param {string} contentType
 */
export async function canShow(file, contentType) {
  if (file.type === 'image/jpeg' || !UNCERTAIN.has(contentType)) return true;
  const url = URL.createObjectURL(file);
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    return true;
  } catch {
    return false;
  } finally {
    URL.revokeObjectURL(url);
  }
}
