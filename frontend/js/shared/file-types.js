// @ts-check
/** The picture types that the API accepts. */

/** The API's names, the names people know, file name extensions, and other names that browsers use. */
export const FILE_TYPES = [
  { type: 'image/jpeg', label: 'JPEG', extensions: ['jpg', 'jpeg', 'jpe', 'jfif', 'pjpeg', 'pjp'], aliases: ['image/jpg', 'image/pjpeg', 'image/jfif'] },
  { type: 'image/png', label: 'PNG', extensions: ['png'], aliases: ['image/x-png', 'image/apng', 'image/vnd.mozilla.apng'] },
  { type: 'image/webp', label: 'WebP', extensions: ['webp'], aliases: ['image/x-webp'] },
  { type: 'image/gif', label: 'GIF', extensions: ['gif'], aliases: ['image/x-gif'] },
  { type: 'image/bmp', label: 'BMP', extensions: ['bmp', 'dib'], aliases: ['image/x-bmp', 'image/x-ms-bmp', 'image/x-windows-bmp'] },
  { type: 'image/tiff', label: 'TIFF', extensions: ['tif', 'tiff'], aliases: ['image/tif', 'image/x-tif', 'image/x-tiff'] },
  { type: 'image/avif', label: 'AVIF', extensions: ['avif'], aliases: ['image/avif-sequence'] },
  { type: 'image/heic', label: 'HEIC', extensions: ['heic', 'heif'], aliases: ['image/heif', 'image/heic-sequence', 'image/heif-sequence'] },
];

/**
 * @param {string} type a content type
 * @returns {string} such as `JPEG`; the content type itself when it is unknown
 */
export function typeLabel(type) {
  return FILE_TYPES.find((each) => each.type === type)?.label ?? type;
}
