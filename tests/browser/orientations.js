// @ts-check
/** One photograph, stored in each of the eight Exif orientations. */

import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';

import { picture } from './support.js';

/** Upright, in pixels. It is not square and its subject is not in the middle, so every orientation looks different. */
export const SIZE = { width: 900, height: 720 };
/** The astronaut's box, in ratios. */
export const ASTRONAUT = { left: 0.02, top: 0.31, width: 0.45, height: 0.69 };

/**
 * How a viewer displays the stored picture, as a canvas transformation for a picture of `w` by `h` pixels
 * (Exif 2.32, tag Orientation).
 * @type {Record<number, (w: number, h: number) => [number, number, number, number, number, number]>}
 */
const TURNS = {
  1: () => [1, 0, 0, 1, 0, 0],
  2: (w) => [-1, 0, 0, 1, w, 0],
  3: (w, h) => [-1, 0, 0, -1, w, h],
  4: (_, h) => [1, 0, 0, -1, 0, h],
  5: () => [0, 1, 1, 0, 0, 0],
  6: (_, h) => [0, 1, -1, 0, h, 0],
  7: (w, h) => [0, -1, -1, 0, h, w],
  8: (w) => [0, -1, 1, 0, 0, w],
};
/** All others are their own inverse. */
const INVERSE = new Map([
  [6, 8],
  [8, 6],
]);

/**
 * Eight JPEGs, and a PNG stored sideways. All look the same if their orientation is applied.
 * @param {import('playwright-core').Browser} browser
 * @returns {Promise<{orientation: number, type: string, bytes: Buffer}[]>}
 */
export async function orientations(browser) {
  const page = await browser.newPage();
  const variants = [];
  for (const [orientation, type] of /** @type {[number, string][]} */ ([...[1, 2, 3, 4, 5, 6, 7, 8].map((each) => [each, 'image/jpeg']), [6, 'image/png']])) {
    const turn = TURNS[INVERSE.get(orientation) ?? orientation]?.(SIZE.width, SIZE.height);
    if (!turn) throw new Error(`no orientation ${orientation}`);
    const base64 = await page.evaluate(
      async ({ source, turn: by, size, sideways, mime }) => {
        const image = new Image();
        image.src = source;
        await image.decode();
        const canvas = document.createElement('canvas');
        canvas.width = sideways ? size.height : size.width;
        canvas.height = sideways ? size.width : size.height;
        const context = canvas.getContext('2d');
        context?.setTransform(...by);
        if (context) context.fillStyle = '#8a8f94';
        context?.fillRect(0, 0, size.width, size.height);
        context?.drawImage(image, 0, size.height - image.naturalHeight);
        return canvas.toDataURL(mime, 0.92).split(',')[1] ?? '';
      },
      { source: `data:image/png;base64,${readFileSync(picture('astronaut.png'), 'base64')}`, turn, size: SIZE, sideways: orientation > 4, mime: type },
    );
    const stored = Buffer.from(base64, 'base64');
    variants.push({ orientation, type, bytes: type === 'image/png' ? pngWith(stored, orientation) : jpegWith(stored, orientation) });
  }
  await page.close();
  return variants;
}

/**
 * Exif data with only this orientation.
 * @param {number} orientation
 */
function exif(orientation) {
  // Little-endian TIFF: header, one entry (Orientation, SHORT, one value), no further directory.
  const tiff = Buffer.from('49492a0008000000' + '0100' + '1201' + '0300' + '01000000' + '00000000' + '00000000', 'hex');
  tiff.writeUInt16LE(orientation, 18);
  return tiff;
}

/**
 * The JPEG with an Exif segment after its start marker.
 * @param {Buffer} jpeg
 * @param {number} orientation
 */
function jpegWith(jpeg, orientation) {
  const content = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), exif(orientation)]);
  const head = Buffer.from('ffd8ffe10000', 'hex');
  head.writeUInt16BE(content.length + 2, 4);
  return Buffer.concat([head, content, jpeg.subarray(2)]);
}

/**
 * The PNG with an `eXIf` chunk after its header.
 * @param {Buffer} png
 * @param {number} orientation
 */
function pngWith(png, orientation) {
  const headerEnd = 33;
  const content = exif(orientation);
  const named = Buffer.concat([Buffer.from('eXIf', 'latin1'), content]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([png.subarray(0, headerEnd), length, named, sum, png.subarray(headerEnd)]);
}
