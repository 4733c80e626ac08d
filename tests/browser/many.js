// @ts-check
/**
 * Serves the pages of `frontend/` and a simulated API with any number of generated pictures, which would take too long to
 * upload.
 */

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';

const FRONTEND = new URL('../../frontend/', import.meta.url);
const TYPES = /** @type {Record<string, string>} */ ({ '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' });
const NAMES = ['Person', 'Dog', 'Cat', 'Car', 'Tree', 'Building', 'Food', 'Bicycle', 'Boat', 'Bird', 'Flower', 'Chair'];
const THUMBNAIL = { width: 128, height: 96 };
const THUMBNAILS = 24;

/**
 * @param {number} count pictures
 */
export async function serve(count) {
  const rows = Array.from({ length: count }, (_, n) => row(n));
  const thumbnails = Array.from({ length: THUMBNAILS }, (_, n) => png(THUMBNAIL, n / THUMBNAILS));
  const counts = {
    labels: NAMES.map((name) => ({ name, images: rows.filter(({ labels }) => labels.some((label) => label.name === name)).length })),
    categories: [{ name: 'Everything', images: count }],
  };
  /** @type {string[]} */
  const requests = [];

  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const json = (/** @type {number} */ status, /** @type {unknown} */ body) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (url.pathname === '/images') {
      requests.push(url.search);
      const label = url.searchParams.get('label');
      const from = Number(url.searchParams.get('cursor') ?? 0);
      const end = from + Number(url.searchParams.get('limit') ?? 50);
      const matches = label ? rows.filter(({ labels }) => labels.some(({ name }) => name === label)) : rows;
      const images = matches.slice(from, end).map((each) => (label ? { ...each, confidence: each.labels.find(({ name }) => name === label)?.confidence } : each));
      return json(200, { images, ...(end < matches.length ? { cursor: String(end) } : {}) });
    }
    if (url.pathname === '/labels') return json(200, counts);
    if (url.pathname === '/config.json') return json(200, {});
    if (url.pathname.startsWith('/thumbnails/')) {
      response.writeHead(200, { 'content-type': 'image/png', 'cache-control': 'no-store' });
      return response.end(thumbnails[Number(url.searchParams.get('n')) % THUMBNAILS]);
    }
    await servePage(url.pathname, response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    address: `http://127.0.0.1:${port}`,
    requests,
    /**
     * Adds this many newer pictures, and removes those with these names.
     * @param {number} count
     * @param {readonly string[]} names
     */
    change(count, names) {
      const kept = rows.filter(({ filename }) => !names.includes(filename));
      const newest = 1 - Math.min(0, ...rows.map(({ imageId }) => Number(imageId)));
      rows.splice(0, rows.length, ...Array.from({ length: count }, (_, n) => row(n - newest - count + 1)), ...kept);
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/**
 * Sends a file of `frontend/`, or 404.
 * @param {string} path
 * @param {import('node:http').ServerResponse} response
 */
export async function servePage(path, response) {
  try {
    const body = await readFile(new URL(`.${path}`, FRONTEND));
    response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'text/plain' }).end(body);
  } catch {
    response.writeHead(404, { 'content-type': 'application/json' }).end('{"title": "Not found"}');
  }
}

/**
 * A row of the index.
 * @param {number} n
 */
export function row(n) {
  const labels = NAMES.filter((_, at) => (n * 7 + at * 5) % 11 < 4).map((name, at) => ({ name, confidence: 99 - ((n * 13 + at * 17) % 45) }));
  labels.sort((a, b) => b.confidence - a.confidence);
  return {
    // A negative number is a picture that was added later.
    key: `uploads/${String(n).padStart(6, '0')}.jpg`,
    imageId: String(n),
    status: 'succeeded',
    uploadedAt: new Date(Date.UTC(2026, 0, 1) - n * 60_000).toISOString(),
    processedAt: new Date(Date.UTC(2026, 0, 1)).toISOString(),
    filename: `picture ${n + 1}.jpg`,
    contentType: 'image/jpeg',
    size: 2_000_000,
    width: 4000,
    height: 3000,
    labels,
    categories: ['Everything'],
    thumbnail: { url: `/thumbnails/${n}.png?n=${Math.abs(n)}`, ...THUMBNAIL },
  };
}

/**
 * A PNG with a gradient.
 * @param {{width: number, height: number}} size
 * @param {number} hue 0..1
 */
function png({ width, height }, hue) {
  const chunk = (/** @type {string} */ type, /** @type {Buffer} */ data) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(data.length);
    frame.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8);
  const pixels = Buffer.alloc(height * (1 + width * 3));
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const at = y * (1 + width * 3) + 1 + x * 3;
      [0, 1 / 3, 2 / 3].forEach((shift, channel) => (pixels[at + channel] = 128 + 90 * Math.sin(2 * Math.PI * (hue + shift + x / width / 3)) + (y % 32)));
    }
  }
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', header), chunk('IDAT', deflateSync(pixels)), chunk('IEND', Buffer.alloc(0))]);
}
