/**
 * What the stack costs a month: what one picture uses, times list prices (prices.json). The counts of calls were taken from the local
 * endpoint's log for one upload by a browser; durations, and what stands in an index row, are stated here.
 */

/** Steps of `[up to so many, price each]`; the last has no end. */
type Steps = [number | null, number][];

export interface Prices {
  readonly asOf: string;
  readonly rekognition: { readonly labels: Steps; readonly imageProperties: Steps };
  readonly s3: { readonly put: number; readonly get: number; readonly gibMonth: number };
  readonly lambdaArm: { readonly request: number; readonly gibSecond: number };
  readonly sqsRequest: number;
  readonly httpApiRequest: number;
  readonly dynamodb: { readonly write: number; readonly gibMonth: number };
  readonly cloudFront: { readonly request: number; readonly gibOut: number };
  readonly dataOutGib: number;
  readonly logs: { readonly gibIn: number };
  readonly cloudWatch: { readonly metric: number; readonly alarm: number; readonly dashboard: number };
}

const GIB = 1024 ** 3;

/** One picture, uploaded by the page, analysed for labels and image properties, its answer and thumbnail read once. */
export const PICTURE = {
  /** Original, document and thumbnail, in bytes. */
  stored: 2_000_000 + 10_000 + 6_000,
  /** Read by the browser, in bytes: document and thumbnail. */
  read: 16_000,
  /** The picture, the lease, the thumbnail, the document. */
  s3Puts: 4,
  /** Five of the processor, one of Rekognition, two for each of two questions for the result, two of the browser. */
  s3Gets: 12,
  /** POST /uploads and two questions for the result. */
  apiRequests: 3,
  /** In GiB times seconds. The processor: one picture a batch, most of it waiting for Rekognition; batches share the wait. */
  processorGibSeconds: 1 * 1.5,
  apiGibSeconds: 0.5 * 3 * 0.05,
  /** The event, its receipt and its deletion. */
  sqsRequests: 3,
  /**
   * Ten labels and five categories: a row, 16 entries and 15 counters, all written in transactions at twice the price, and each row
   * and entry once more in two indexes.
   */
  tableWrites: 2 * (1 + 16 + 15) + 2 * (1 + 16),
  tableBytes: 6_000,
  /** Log lines with their figures, of both functions and the API's access log. */
  logBytes: 8_000,
};

/** Whatever the number of pictures. */
export const FIXED = {
  /** The pollers of an idle queue ask five times in twenty seconds. */
  sqsRequests: 5 * 3 * 60 * 24 * 30,
  metrics: 25,
  alarmMetrics: 10,
  dashboards: 1,
};

export interface Cost {
  readonly name: string;
  readonly usd: number;
}

/** The cost of a month with so many pictures, the largest part first. */
export function costs(prices: Prices, pictures: number): Cost[] {
  const { s3, lambdaArm, dynamodb, cloudFront, cloudWatch } = prices;
  const gibSeconds = PICTURE.processorGibSeconds + PICTURE.apiGibSeconds;
  return [
    { name: 'Rekognition, labels', usd: stepped(prices.rekognition.labels, pictures) },
    { name: 'Rekognition, image properties', usd: stepped(prices.rekognition.imageProperties, pictures) },
    { name: 'DynamoDB', usd: pictures * (PICTURE.tableWrites * dynamodb.write + (PICTURE.tableBytes / GIB) * dynamodb.gibMonth) },
    { name: 'S3, the month\'s pictures for a month', usd: pictures * (PICTURE.stored / GIB) * s3.gibMonth },
    { name: 'S3, requests', usd: pictures * (PICTURE.s3Puts * s3.put + PICTURE.s3Gets * s3.get) },
    { name: 'Lambda', usd: pictures * ((1 + PICTURE.apiRequests) * lambdaArm.request + gibSeconds * lambdaArm.gibSecond) },
    { name: 'API Gateway and CloudFront', usd: pictures * PICTURE.apiRequests * (prices.httpApiRequest + cloudFront.request) },
    { name: 'CloudWatch', usd: pictures * (PICTURE.logBytes / GIB) * prices.logs.gibIn + FIXED.metrics * cloudWatch.metric + FIXED.alarmMetrics * cloudWatch.alarm + FIXED.dashboards * cloudWatch.dashboard },
    { name: 'SQS', usd: (pictures * PICTURE.sqsRequests + FIXED.sqsRequests) * prices.sqsRequest },
    { name: 'data out', usd: pictures * (PICTURE.read / GIB) * prices.dataOutGib },
  ];
}

function stepped(steps: Steps, count: number): number {
  let from = 0;
  let usd = 0;
  for (const [upTo, price] of steps) {
    const end = Math.min(count, upTo ?? count);
    if (end > from) usd += (end - from) * price;
    from = Math.max(from, end);
  }
  return usd;
}

/** The numbers of pictures a month that the guide tells of. */
export const MONTHS = [1_000, 1_000_000, 100_000_000];

/** The table of the guide, in Markdown. */
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
