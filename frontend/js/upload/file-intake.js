// @ts-check
/** The ways files come in: chosen, dropped anywhere on the page (folders too), or pasted. */

/**
 * @param {object} page
 * @param {HTMLButtonElement} page.button
 * @param {HTMLInputElement} page.input
 * @param {HTMLElement} page.veil shown while files are dragged over the page
 * @param {(files: File[]) => void} take
 * @param {(title: string, text: string) => void} complain
 */
export function intake({ button, input, veil }, take, complain) {
  let pasted = 0;

  button.addEventListener('click', () => input.click());
  input.addEventListener('change', () => {
    take([...(input.files ?? [])]);
    // So that choosing the same file again is a change.
    input.value = '';
  });

  document.addEventListener('paste', (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length > 0) {
      event.preventDefault();
      take(files.map((file) => (/^image\.\w+$/.test(file.name) ? rename(file, `pasted-${++pasted}`) : file)));
    } else if (!isEditable(event.target)) {
      complain('There is no picture on the clipboard.', 'Copy a picture or a screenshot, then paste again.');
    }
  });

  // `dragenter` and `dragleave` come for every element passed over; the depth tells when the page is left.
  let depth = 0;
  const show = (/** @type {boolean} */ over) => {
    if (!over) depth = 0;
    veil.hidden = !over;
  };
  addEventListener('dragenter', (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth += 1;
    show(true);
  });
  addEventListener('dragover', (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    if (event.dataTransfer) event.dataTransfer.dropEffect = 'copy';
  });
  addEventListener('dragleave', (event) => {
    if (!hasFiles(event)) return;
    depth -= 1;
    if (depth <= 0) show(false);
  });
  addEventListener('drop', async (event) => {
    if (!hasFiles(event) || !event.dataTransfer) return;
    event.preventDefault();
    show(false);
    try {
      take(await droppedFiles(event.dataTransfer));
    } catch {
      complain('What was dropped could not be read.', 'Drop it again, or choose the files with the button.');
    }
  });
}

/** @param {DragEvent} event */
export function hasFiles(event) {
  return event.dataTransfer?.types.includes('Files') ?? false;
}

/** @param {EventTarget | null} target */
function isEditable(target) {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches('textarea, input[type="text"]'));
}

/**
 * Browsers call every pasted picture `image.png`.
 * @param {File} file
 * @param {string} stem
 */
function rename(file, stem) {
  return new File([file], file.name.replace(/^image/, stem), { type: file.type, lastModified: file.lastModified });
}

/**
 * The files of a drop, with those in dropped folders but without the systems' hidden ones.
 * @param {DataTransfer} transfer
 * @returns {Promise<File[]>}
 */
async function droppedFiles(transfer) {
  // Entries must be taken before the event is over.
  const entries = [...transfer.items].flatMap((item) => (item.kind === 'file' ? [item.webkitGetAsEntry()] : []));
  if (!entries.some((entry) => entry?.isDirectory)) return [...transfer.files];
  const found = await Promise.all(entries.map((entry) => (entry ? filesOf(entry) : [])));
  return found.flat();
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
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    // A reader gives a part at a time, and an empty part at the end.
    if (some.length === 0) return files;
    for (const each of some) files.push(...(await filesOf(each)));
  }
}
