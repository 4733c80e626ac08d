/**
 * The monthly cost of the stack: the usage of one picture times list prices (prices.json). The call counts come from the local
 * endpoint's log of one browser upload, and the write units from a simulated table; the durations are estimates stated here.
 */

import { WRITE_UNITS } from './write-units.ts';

/** Price tiers `[up to this count, price each]`. The last tier has no upper end. */
type Tiers = [number | null, number][];

export interface Prices {
  readonly asOf: string;
  readonly rekognition: { readonly labels: Tiers; readonly imageProperties: Tiers };
  readonly s3: { readonly put: number; readonly get: number; readonly gibMonth: number };
  readonly lambdaArm: { readonly request: number; readonly gibSecond: number };
  readonly sqsRequest: number;
  readonly secretMonth: number;
  readonly httpApiRequest: number;
  readonly dynamodb: { readonly write: number; readonly read: number; readonly gibMonth: number };
  readonly cloudFront: { readonly request: number; readonly gibOut: number };
  readonly dataOutGib: number;
  readonly logs: { readonly gibIn: number };
  readonly cloudWatch: { readonly metric: number; readonly alarm: number; readonly dashboard: number; readonly canaryRun: number };
}

const GIB = 1024 ** 3;

/** One picture: uploaded by the page, analysed for labels and image properties, its result, thumbnail and preview read once. */
export const PICTURE = {
  /** Stored: original, document, thumbnail and preview, in bytes. */
  stored: 2_000_000 + 10_000 + 25_000 + 300_000,
  /** Read by the browser: document, thumbnail and preview, in bytes. */
  read: 10_000 + 25_000 + 300_000,
  /** The picture, the lease, the thumbnail, the preview, the document. */
  s3Puts: 5,
  /** Processor 2, Rekognition 1, two result polls with 2 each, browser 3. */
  s3Gets: 10,
  /** POST /uploads and two result polls. */
  apiRequests: 3,
  /** In GiB-seconds. One picture a batch, most of the time waiting for Rekognition; larger batches share the wait. */
  processorGibSeconds: 1 * 1.5,
  apiGibSeconds: 0.5 * 3 * 0.05,
  /** The event: sent, received, deleted. */
  sqsRequests: 3,
  /** Write units of the index and its bytes, for ten labels of five categories. */
  tableWrites: WRITE_UNITS.put.table + WRITE_UNITS.put.indexes,
  /** Read units: the consistent read of the row before it is written. */
  tableReads: 1,
  tableBytes: WRITE_UNITS.bytes,
  /** Log lines with metrics of both functions, and the API's access log. */
  logBytes: 8_000,
};

/** Usage that does not depend on the number of pictures. */
export const FIXED = {
  /** Lambda's pollers poll an idle queue five times in 20 seconds. There are two. */
  sqsRequests: 2 * 5 * 3 * 60 * 24 * 30,
  /** Before the first rotation of the origin secret; one more after it. */
  secrets: 2,
  metrics: 25,
  alarmMetrics: 17,
  dashboards: 1,
  /** Of the canary, every half hour. */
  canaryRuns: 2 * 24 * 30,
};

export interface Cost {
  readonly name: string;
  readonly usd: number;
}

/** The cost of a month with this many pictures, by service. */
export function costs(prices: Prices, pictures: number): Cost[] {
  const { s3, lambdaArm, dynamodb, cloudFront, cloudWatch } = prices;
  const gibSeconds = PICTURE.processorGibSeconds + PICTURE.apiGibSeconds;
  return [
    { name: 'Rekognition, labels', usd: tiered(prices.rekognition.labels, pictures) },
    { name: 'Rekognition, image properties', usd: tiered(prices.rekognition.imageProperties, pictures) },
    { name: 'DynamoDB', usd: pictures * (PICTURE.tableWrites * dynamodb.write + PICTURE.tableReads * dynamodb.read + (PICTURE.tableBytes / GIB) * dynamodb.gibMonth) },
    { name: 'S3, the month\'s pictures for a month', usd: pictures * (PICTURE.stored / GIB) * s3.gibMonth },
    { name: 'S3, requests', usd: pictures * (PICTURE.s3Puts * s3.put + PICTURE.s3Gets * s3.get) },
    { name: 'Lambda', usd: pictures * ((1 + PICTURE.apiRequests) * lambdaArm.request + gibSeconds * lambdaArm.gibSecond) },
    { name: 'API Gateway and CloudFront', usd: pictures * PICTURE.apiRequests * (prices.httpApiRequest + cloudFront.request) },
    { name: 'CloudWatch', usd: pictures * (PICTURE.logBytes / GIB) * prices.logs.gibIn + FIXED.metrics * cloudWatch.metric + FIXED.alarmMetrics * cloudWatch.alarm + FIXED.dashboards * cloudWatch.dashboard + FIXED.canaryRuns * cloudWatch.canaryRun },
    { name: 'SQS', usd: (pictures * PICTURE.sqsRequests + FIXED.sqsRequests) * prices.sqsRequest },
    { name: 'Secrets Manager', usd: FIXED.secrets * prices.secretMonth },
    { name: 'data out', usd: pictures * (PICTURE.read / GIB) * prices.dataOutGib },
  ];
}

function tiered(tiers: Tiers, count: number): number {
  let from = 0;
  let usd = 0;
  for (const [upTo, price] of tiers) {
    const end = Math.min(count, upTo ?? count);
    if (end > from) usd += (end - from) * price;
    from = Math.max(from, end);
  }
  return usd;
}

/** The columns of the guide's table: pictures a month. */
export const MONTHS = [1_000, 1_000_000, 100_000_000];

/** The guide's cost table, in Markdown. */
export function table(prices: Prices): string {
  const columns = MONTHS.map((pictures) => costs(prices, pictures));
  const money = (usd: number) => usd.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const row = (name: string, values: string[]) => `| ${[name, ...values].join(' | ')} |`;
  const total = columns.map((column) => column.reduce((sum, { usd }) => sum + usd, 0));
  return [
    row('US dollars a month', MONTHS.map((pictures) => `${pictures.toLocaleString('en-US')} pictures`)),
    `|---|${'---:|'.repeat(MONTHS.length)}`,
    ...(columns[0] ?? []).map(({ name }, at) => row(name, columns.map((column) => money(column[at]?.usd ?? 0)))),
    row('**all**', total.map((usd) => `**${money(usd)}**`)),
    row('one picture', total.map((usd, at) => (usd / (MONTHS[at] ?? 1)).toFixed(5))),
  ].join('\n');
}
