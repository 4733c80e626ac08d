// @ts-check
/** The picture types that the API accepts. */

/** The API's names, the names people know, file name extensions, and other names that browsers use. */
export const FILE_TYPES = [
  { type: 'image/jpeg', label: 'JPEG', extensions: ['jpg', 'jpeg', 'jpe', 'jfif', 'pjpeg', 'pjp'], aliases: ['image/jpg', 'image/pjpeg'] },
  { type: 'image/png', label: 'PNG', extensions: ['png'], aliases: ['image/x-png', 'image/apng'] },
  { type: 'image/webp', label: 'WebP', extensions: ['webp'], aliases: [] },
  { type: 'image/gif', label: 'GIF', extensions: ['gif'], aliases: [] },
  { type: 'image/bmp', label: 'BMP', extensions: ['bmp', 'dib'], aliases: ['image/x-bmp', 'image/x-ms-bmp'] },
  { type: 'image/tiff', label: 'TIFF', extensions: ['tif', 'tiff'], aliases: ['image/tif', 'image/x-tiff'] },
  { type: 'image/avif', label: 'AVIF', extensions: ['avif'], aliases: [] },
  { type: 'image/heic', label: 'HEIC', extensions: ['heic', 'heif'], aliases: ['image/heif', 'image/heic-sequence', 'image/heif-sequence'] },
];

/**
 * @param {string} type a content type
 * @returns {string} such as `JPEG`; the content type itself when it is unknown
 */
export function typeLabel(type) {
  return FILE_TYPES.find((each) => each.type === type)?.label ?? type;
}
