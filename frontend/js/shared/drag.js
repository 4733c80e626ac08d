// @ts-check

/**
 * Whether a drag or drop carries files, and not text or a link.
 * @param {DragEvent} event
 */
export function carriesFiles(event) {
  return event.dataTransfer?.types.includes('Files') ?? false;
}
