// @ts-check
/** Zip archives, made while they are saved. The library is only loaded when it is needed. */

/** Its address is not a literal, because it is not type-checked. */
const LIBRARY = new URL('../vendor/client-zip.js', import.meta.url).href;

/** @typedef {{name: string, input: Blob | string, lastModified?: Date}} ZipEntry */

/**
 * @param {AsyncIterable<ZipEntry> | Iterable<ZipEntry>} entries read one after another; each name once
 * @returns {Promise<Blob>}
 */
export async function zip(entries) {
  const { downloadZip } = /** @type {{downloadZip: (entries: AsyncIterable<ZipEntry> | Iterable<ZipEntry>) => Response}} */ (await import(LIBRARY));
  return await downloadZip(entries).blob();
}

/** Gives each file in an archive a name of its own: the second `a.jpg` becomes `a (2).jpg`. */
export class UniqueNames {
  /** @type {Set<string>} */
  #taken = new Set();

  /** @param {string} name may hold characters that file systems do not allow */
  add(name) {
    const safe = name.replace(/[\\/:*?"<>|\u0000-\u001f]/g, '_').replace(/^\.+/, '_') || '_';
    const dot = safe.lastIndexOf('.');
    const [stem, extension] = dot > 0 ? [safe.slice(0, dot), safe.slice(dot)] : [safe, ''];
    let unique = safe;
    // Some file systems do not tell small and capital letters apart.
    for (let number = 2; this.#taken.has(unique.toLowerCase()); number += 1) unique = `${stem} (${number})${extension}`;
    this.#taken.add(unique.toLowerCase());
    return unique;
  }
}
