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
/** Other names of labels. */
const ALIASES = /** @type {Record<string, string[]>} */ ({ Person: ['Human'], Car: ['Automobile'], Bicycle: ['Bike'] });
const THUMBNAIL = { width: 320, height: 240 };
const PREVIEW = { width: 1440, height: 1080 };
const THUMBNAILS = 24;

/**
 * @param {number} count pictures
 * @param {readonly Buffer[]} [photographs] JPEG thumbnails, one for each picture; without them a few generated ones
 */
export async function serve(count, photographs = []) {
  const rows = Array.from({ length: count }, (_, n) => row(n));
  const thumbnails = Array.from({ length: THUMBNAILS }, (_, n) => png(THUMBNAIL, n / THUMBNAILS));
  const counts = () => ({
    labels: NAMES.map((name) => ({ name, images: rows.filter((each) => has(each, name)).length, ...(ALIASES[name] ? { aliases: ALIASES[name] } : {}) })),
    categories: [{ name: 'Everything', images: rows.length }],
    images: rows.length,
  });
  /** @type {string[]} */
  const requests = [];
  const state = {
    /** How long a page takes, in milliseconds. */
    pageMs: 0,
  };

  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const json = (/** @type {number} */ status, /** @type {unknown} */ body) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (url.pathname === '/images') {
      requests.push(url.search);
      await new Promise((resolve) => setTimeout(resolve, state.pageMs));
      const label = url.searchParams.get('label');
      const from = Number(url.searchParams.get('cursor') ?? 0);
      const end = from + Number(url.searchParams.get('limit') ?? 50);
      const { matches, didYouMean } = find(rows, url.searchParams);
      const images = matches.slice(from, end).map((each) => (label ? { ...each, confidence: each.labels.find(({ name }) => name === label)?.confidence } : each));
      return json(200, { images, ...(end < matches.length ? { cursor: String(end) } : {}), ...(from === 0 && didYouMean.length > 0 ? { didYouMean } : {}) });
    }
    const at = rows.findIndex(({ key }) => url.pathname.endsWith(`/${key}`));
    const picture = rows[at];
    if (url.pathname.startsWith('/images/') && request.method === 'DELETE') {
      if (picture) rows.splice(at, 1);
      return response.writeHead(204).end();
    }
    if (picture && url.pathname.startsWith('/images/')) return json(200, { ...picture, imageUrl: `/originals/${picture.key}`, resultUrl: `/results/${picture.key}`, expiresAt: '' });
    if (picture && url.pathname.startsWith('/results/')) return json(200, documentOf(picture));
    if (url.pathname === '/labels') return json(200, counts());
    if (url.pathname === '/config.json') return json(200, {});
    if (/^\/(thumbnails|originals)\//.test(url.pathname)) {
      const n = Math.abs(parseInt(url.pathname.replace(/^.*\//, ''), 10));
      const photograph = photographs[n % photographs.length];
      response.writeHead(200, { 'content-type': photograph ? 'image/jpeg' : 'image/png', 'cache-control': 'no-store' });
      return response.end(photograph ?? thumbnails[n % THUMBNAILS]);
    }
    await servePage(url.pathname, response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    address: `http://127.0.0.1:${port}`,
    requests,
    state,
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
    // Every other picture was taken long before.
    ...(n % 2 === 0 ? { takenAt: `2024-05-${String(1 + (n % 28)).padStart(2, '0')}T13:20:05` } : {}),
    thumbnail: { url: `/thumbnails/${n}.png`, ...THUMBNAIL },
    preview: { url: `/thumbnails/${n}.png?size=large`, ...PREVIEW },
  };
}

/** @typedef {ReturnType<typeof row>} Row */

/**
 * @param {Row} row
 * @param {string} name
 */
function has({ labels }, name) {
  const isNamed = (/** @type {string} */ known) => [known, ...(ALIASES[known] ?? [])].some((each) => each.toLowerCase() === name.toLowerCase());
  return labels.some((label) => isNamed(label.name));
}

/**
 * A small part of what the API's search finds.
 * @param {readonly Row[]} rows
 * @param {URLSearchParams} parameters
 */
function find(rows, parameters) {
  const [from, to, sort] = ['from', 'to', 'sort'].map((name) => parameters.get(name) ?? '');
  const words = (parameters.get('q') ?? '').split(' ').filter(Boolean);
  const isFound = (/** @type {Row} */ row, /** @type {string} */ word) => has(row, word) || row.filename.split(/[ .]/).includes(word);
  const timeOf = (/** @type {Row} */ row) => (sort === 'taken' && row.takenAt ? row.takenAt : row.uploadedAt);
  const matches = rows.filter(
    (row) =>
      parameters.getAll('label').every((label) => has(row, label)) &&
      !parameters.getAll('notLabel').some((label) => has(row, label)) &&
      words.every((word) => (word.startsWith('-') ? !isFound(row, word.slice(1)) : isFound(row, word))) &&
      (!from || timeOf(row).slice(0, 10) >= from) &&
      (!to || timeOf(row).slice(0, 10) <= to),
  );
  if (sort === 'oldest') matches.reverse();
  if (sort === 'taken') matches.sort((a, b) => (timeOf(a) < timeOf(b) ? 1 : -1));
  return { matches, didYouMean: words.includes('dgo') ? [{ word: 'dgo', names: ['Dog'] }] : [] };
}

/**
 * A result document with two boxes for its first label.
 * @param {Row} row
 */
function documentOf({ key, imageId, labels, width, height }) {
  const box = (/** @type {number} */ Left) => ({ BoundingBox: { Left, Top: 0.25, Width: 0.25, Height: 0.5 }, Confidence: 90 - 20 * Left });
  const Labels = labels.map(({ name, confidence }, at) => ({ Name: name, Confidence: confidence, Instances: at === 0 ? [box(0.125), box(0.625)] : [], Parents: [] }));
  return { schemaVersion: 1, imageId, status: 'succeeded', source: { key }, image: { width, height }, rekognition: { detectLabels: { Labels } } };
}

/**
 * A PNG with a gradient.
 * @param {{width: number, height: number}} size
 * @param {number} hue 0..1
 */
export function png({ width, height }, hue) {
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
