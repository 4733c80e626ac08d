// @ts-check
/** Saves all results as one zip archive: each picture with its boxes, and its result document. */

import { annotatedName, drawAnnotated } from '../shared/annotated.js';
import { groupsOf } from '../shared/findings.js';
import { UniqueNames, zip } from '../shared/zip.js';

/** Pictures with boxes are saved no larger than this, or an archive of many would take minutes. */
const MAX_PIXELS = 4_194_304;

/**
 * @param {readonly import('./task.js').Task[]} tasks those without a document are left out
 * @param {object} on
 * @param {(task: import('./task.js').Task) => Promise<Blob | null>} on.pictureOf null when the page cannot get it
 * @param {(done: number, of: number) => void} on.progress
 * @param {AbortSignal} on.signal
 * @returns {Promise<Blob>}
 */
export function archiveOf(tasks, { pictureOf, progress, signal }) {
  const finished = tasks.filter(({ document }) => document);
  const names = new UniqueNames();
  async function* entries() {
    for (const [index, task] of finished.entries()) {
      signal.throwIfAborted();
      progress(index, finished.length);
      const { document, file, contentType } = task;
      if (!document) continue;
      yield { name: names.add(`${file.name}.json`), input: `${JSON.stringify(document, null, 2)}\n` };
      const picture = await pictureOf(task);
      const drawn = picture && (await drawAnnotated(picture, contentType, marksOf(document), { maxPixels: MAX_PIXELS }));
      if (drawn) yield { name: names.add(annotatedName(file.name, contentType)), input: drawn };
    }
    signal.throwIfAborted();
  }
  return zip(entries());
}

/**
 * The boxes of all findings.
 * @param {import('../shared/api-types.js').ResultDocument} document
 * @returns {import('../shared/picture.js').Mark[]}
 */
export function marksOf(document) {
  return groupsOf(document)
    .flatMap(({ findings }) => findings)
    .flatMap(({ name, hue, instances }, finding) =>
      hue === null ? [] : instances.map(({ box, outline, confidence }, instance) => ({ box, outline, confidence, name, hue, finding, instance })),
    );
}
