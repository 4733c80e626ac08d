// @ts-check
/** How files get into the page: chosen in a dialog, from a folder, from a camera, dropped anywhere (folders too), or pasted. */

import { carriesFiles } from '../shared/drag.js';

/**
 * @param {object} elements
 * @param {readonly {button: HTMLButtonElement, input: HTMLInputElement}[]} elements.choosers each button opens its input's dialog
 * @param {HTMLElement} elements.overlay shown while files are dragged over the page
 * @param {(files: File[]) => void} take
 * @param {(title: string, text: string) => void} notify
 */
export function listenForFiles({ choosers, overlay }, take, notify) {
  for (const { button, input } of choosers) {
    button.addEventListener('click', () => input.click());
    input.addEventListener('change', () => {
      const files = [...(input.files ?? [])];
      if (input.webkitdirectory) take(files.filter(isVisible));
      else take(input.hasAttribute('capture') ? files.map((file) => renamePhoto(file, new Date())) : files);
      // Otherwise choosing the same file again would be no change.
      input.value = '';
    });
  }
  listenForPaste(take, notify);
  listenForDrops(overlay, take, notify);
}

/**
 * Shows the buttons for a folder and for the camera where the browser has them. Phones open the camera; other devices
 * would open the same dialog as for files.
 * @param {HTMLButtonElement} folder
 * @param {HTMLButtonElement} camera
 */
export function showChoosers(folder, camera) {
  const isPhone = matchMedia('(hover: none) and (pointer: coarse)').matches;
  folder.hidden = isPhone || !('webkitdirectory' in HTMLInputElement.prototype);
  camera.hidden = !isPhone;
}

/**
 * @param {(files: File[]) => void} take
 * @param {(title: string, text: string) => void} notify
 */
function listenForPaste(take, notify) {
  let pasted = 0;
  document.addEventListener('paste', (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length > 0) {
      event.preventDefault();
      take(files.map((file) => (/^image\.\w+$/.test(file.name) ? renamePasted(file, `pasted-${++pasted}`) : file)));
    } else if (!isEditable(event.target)) {
      notify('There is no picture on the clipboard.', 'Copy a picture or a screenshot, then paste again.');
    }
  });
}

/**
 * @param {HTMLElement} overlay
 * @param {(files: File[]) => void} take
 * @param {(title: string, text: string) => void} notify
 */
function listenForDrops(overlay, take, notify) {
  // `dragenter` and `dragleave` fire for every element that is crossed. At depth 0 the pointer has left the page.
  let depth = 0;
  const show = (/** @type {boolean} */ over) => {
    if (!over) depth = 0;
    overlay.hidden = !over;
  };
  addEventListener('dragenter', (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth += 1;
    show(true);
  });
  addEventListener('dragover', (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    if (event.dataTransfer) event.dataTransfer.dropEffect = 'copy';
  });
  addEventListener('dragleave', (event) => {
    if (!carriesFiles(event)) return;
    depth -= 1;
    if (depth <= 0) show(false);
  });
  addEventListener('drop', async (event) => {
    if (!carriesFiles(event) || !event.dataTransfer) return;
    event.preventDefault();
    show(false);
    try {
      take(await droppedFiles(event.dataTransfer));
    } catch {
      notify('The dropped files could not be read.', 'Drop them again, or choose them with the button.');
    }
  });
}

/** @param {EventTarget | null} target */
function isEditable(target) {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches('textarea, input[type="text"]'));
}

/**
 * Browsers name every pasted picture `image.png`.
 * @param {File} file
 * @param {string} stem
 */
function renamePasted(file, stem) {
  return new File([file], file.name.replace(/^image/, stem), { type: file.type, lastModified: file.lastModified });
}

/**
 * Phones name every photo `image.jpg`.
 * @param {File} file
 * @param {Date} now
 */
export function renamePhoto(file, now) {
  if (!/^image\.\w+$/i.test(file.name)) return file;
  const two = (/** @type {number} */ value) => String(value).padStart(2, '0');
  const time = [now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join('');
  const stem = `photo-${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}-${time}`;
  return new File([file], file.name.replace(/^image/i, stem), { type: file.type, lastModified: file.lastModified });
}

/**
 * Whether a file of a folder is neither hidden nor in a hidden folder.
 * @param {{name: string, webkitRelativePath: string}} file
 */
export function isVisible({ name, webkitRelativePath }) {
  return !(webkitRelativePath || name).split('/').some((part) => part.startsWith('.'));
}

/**
 * The dropped files, including those in dropped folders, without hidden ones.
 * @param {DataTransfer} transfer
 * @returns {Promise<File[]>}
 */
async function droppedFiles(transfer) {
  // Entries can only be read during the event.
  const entries = [...transfer.items].flatMap((item) => (item.kind === 'file' ? [item.webkitGetAsEntry()] : []));
  if (!entries.some((entry) => entry?.isDirectory)) return [...transfer.files];
  const files = await Promise.all(entries.map((entry) => (entry ? filesOf(entry) : [])));
  return files.flat();
}

/**
 * @param {FileSystemEntry} entry
 * @returns {Promise<File[]>}
 */
async function filesOf(entry) {
  if (entry.name.startsWith('.')) return [];
  if (entry.isFile) {
    return [await new Promise((resolve, reject) => /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject))];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  /** @type {File[]} */
  const files = [];
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    // A reader returns the entries in batches; an empty batch is the end.
    if (batch.length === 0) return files;
    for (const each of batch) files.push(...(await filesOf(each)));
  }
}
