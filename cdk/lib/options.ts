/** The options of a deployment, read from CDK context (`-c name=value` or `cdk.json`) and checked before anything is synthesised. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RemovalPolicy } from 'aws-cdk-lib';
import type { Node } from 'constructs';
import { refusal } from './regions.ts';

/** Sightline's analyses, each with its IAM action. */
export const ANALYSES = {
  labels: { action: 'rekognition:DetectLabels' },
  'image-properties': { action: 'rekognition:DetectLabels' },
  faces: { action: 'rekognition:DetectFaces' },
  text: { action: 'rekognition:DetectText' },
  moderation: { action: 'rekognition:DetectModerationLabels' },
  celebrities: { action: 'rekognition:RecognizeCelebrities' },
  ppe: { action: 'rekognition:DetectProtectiveEquipment' },
  'custom-labels': { action: 'rekognition:DetectCustomLabels' },
} as const;

export type Analysis = keyof typeof ANALYSES;

/** Rekognition's default quotas, and how they are divided. `sightline backfill` reads the same file. */
const QUOTAS = JSON.parse(readFileSync(new URL('../../crates/pipeline/src/recognition/quotas.json', import.meta.url), 'utf8')) as {
  readonly largeRegions: readonly string[];
  readonly callsPerSecond: Record<Analysis, { readonly large: number; readonly other: number }>;
  readonly sharesPercent: { readonly imageRequests: number; readonly backfill: number };
};

/** How many images of a batch the processor works on at once (`Options` in crates/processor). */
const IMAGES_AT_ONCE = 8;

/**
 * Options that are passed on to the functions as they are, each with its variable and range. Without one, the functions' own default
 * applies (crates/pipeline/src/config.rs).
 */
export const SETTINGS = {
  maxUploadBytes: { variable: 'MAX_UPLOAD_BYTES', from: 1, to: 5_368_709_120, whole: true, uploadApiOnly: true },
  uploadUrlSeconds: { variable: 'UPLOAD_URL_SECONDS', from: 1, to: 900, whole: true, uploadApiOnly: true },
  resultUrlSeconds: { variable: 'RESULT_URL_SECONDS', from: 1, to: 604_800, whole: true, uploadApiOnly: true },
  minConfidence: { variable: 'MIN_CONFIDENCE', from: 0, to: 100, whole: false, uploadApiOnly: false },
  maxLabels: { variable: 'MAX_LABELS', from: 1, to: 1000, whole: true, uploadApiOnly: false },
  thumbnailPx: { variable: 'THUMBNAIL_PX', from: 0, to: 1024, whole: true, uploadApiOnly: false },
} as const;

const FUNCTIONS = fileURLToPath(new URL('../functions', import.meta.url));

/** The retention periods that CloudWatch Logs accepts, in days. */
const LOG_DAYS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

export interface Options {
  /** Distinguishes deployments in one account. It is part of every name. */
  readonly stage: string;
  /** Who sees a picture: its owner after signing in, or anyone who knows its key. */
  readonly access: 'owner' | 'unlisted';
  /** With `owner`: whether an administrator creates accounts or anyone can sign up. */
  readonly signUp: 'closed' | 'open';
  /** Other origins whose pages may call the API and the buckets. The site's own is always allowed. */
  readonly allowedOrigins: readonly string[];
  readonly analyses: readonly Analysis[];
  readonly customLabelsArn: string | undefined;
  /** Days after which originals, or results with their thumbnails and rows of the index, expire. Undefined: never. */
  readonly originalsDays: number | undefined;
  readonly resultsDays: number | undefined;
  /** Days for which the input bucket keeps older versions of pictures. Undefined: it keeps none. */
  readonly versioning: number | undefined;
  readonly alarmEmail: string | undefined;
  /** The account's quota for each Rekognition operation, in calls a second. */
  readonly rekognitionTps: number;
  /**
   * Messages in a batch, and batches at once of uploads and of a backfill. Together with `POST /images` they keep the calls in flight
   * under `rekognitionTps`.
   */
  readonly batchSize: number;
  readonly processorConcurrency: number;
  readonly backfillConcurrency: number;
  /** Requests a second that `POST /images` takes. Undefined: the route does not exist. */
  readonly imageRequestRate: number | undefined;
  /** Whether the output bucket sends its events to EventBridge. */
  readonly resultEvents: boolean;
  /** The daily limit on analyses, over all functions. Undefined: no limit. */
  readonly maxDailyAnalyses: number | undefined;
  /** US dollars a month. Undefined: no budget. */
  readonly monthlyBudgetUsd: number | undefined;
  readonly removalPolicy: 'retain' | 'destroy';
  readonly architecture: 'arm64' | 'x86_64';
  readonly logDays: number;
  readonly tracing: boolean;
  /** The API's throttle: requests a second, and the burst on top. */
  readonly apiRate: number;
  readonly apiBurst: number;
  /** Variables of the functions by name: those of both, and those of the upload API alone. */
  readonly settings: { readonly both: Readonly<Record<string, string>>; readonly uploadApi: Readonly<Record<string, string>> };
  /** Whether new buckets are named in the account's own namespace, where nobody else can take their names. */
  readonly bucketNames: 'global' | 'regional';
  /** Buckets that exist already and stay outside the stack. Undefined: the stack creates the bucket. */
  readonly inputBucketName: string | undefined;
  readonly outputBucketName: string | undefined;
  /** The name of the index table. Undefined: CloudFormation generates one. */
  readonly indexTableName: string | undefined;
  readonly originalsStorageClass: 'standard' | 'intelligent-tiering';
  /** The customer-managed key that encrypts everything with user data. Undefined: keys of AWS. */
  readonly kmsKeyArn: string | undefined;
  /** Minutes between two checks of the site. Undefined: no canary. */
  readonly canaryMinutes: number | undefined;
  /** What happens when the budget is spent: the processing stops, or nobody but the topic hears of it. */
  readonly budgetAction: 'stop' | 'none';
  /** Whether a new version of the functions takes over gradually, and alarms roll it back. */
  readonly gradual: boolean;
  /** The output folder of `npm run functions`: `<architecture>/<binary>/bootstrap.zip`. */
  readonly functions: string;
  /** The built functions, or a placeholder for tests. */
  readonly assets: 'built' | 'placeholder';
}

/**
 * The removal policy of resources with user data. With `retain` they outlive the stack and their own replacement. A first
 * deployment that is rolled back still deletes them, because the next one needs their names.
 */
export function removalPolicy({ removalPolicy }: Options): RemovalPolicy {
  return removalPolicy === 'destroy' ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE;
}

/** A wrong option. The message is one sentence that names the option and its valid values. */
export class OptionError extends Error {
  override readonly name = 'OptionError';
}

type Read = (name: string) => string | undefined;

const NAMES = [
  'stage', 'access', 'signUp', 'allowedOrigins', 'analyses', 'customLabelsArn', 'originalsDays', 'resultsDays', 'versioning', 'alarmEmail',
  'rekognitionTps', 'processorConcurrency', 'backfillConcurrency', 'imageRequests', 'resultEvents', 'maxDailyAnalyses', 'monthlyBudgetUsd', 'removalPolicy', 'architecture', 'logDays', 'tracing', 'apiRate',
  'apiBurst', 'functions', 'assets', ...Object.keys(SETTINGS), 'bucketNames', 'inputBucketName', 'outputBucketName', 'indexTableName',
  'originalsStorageClass', 'kmsKeyArn', 'canaryMinutes', 'budgetAction', 'gradual',
];

/** Context that the CDK's own commands (`cli-telemetry`, `acknowledge`) write to cdk.context.json. */
const CDK_NAMES = ['cli-telemetry', 'acknowledged-issue-numbers'];

/** Reads the options. `region` is undefined if the stack is synthesised for any region. */
export function readOptions(node: Node, region: string | undefined): Options {
  const context = node.getAllContext() as Record<string, unknown>;
  // Names with a colon or slash also belong to the CDK.
  for (const name of Object.keys(context)) {
    if (!/[:/]/.test(name) && !CDK_NAMES.includes(name) && !NAMES.includes(name)) {
      throw new OptionError(`Unknown option "${name}"; the options are ${NAMES.join(', ')}.`);
    }
  }
  const read: Read = (name) => {
    const value: unknown = node.tryGetContext(name);
    if (value === undefined || value === null || value === '') return undefined;
    return Array.isArray(value) ? value.join(',') : String(value).trim();
  };

  const refused = region === undefined ? undefined : refusal(region);
  if (refused) throw new OptionError(refused);

  const analyses = list(read, 'analyses', ['labels', 'image-properties']);
  for (const name of analyses) {
    if (!(name in ANALYSES)) wrong('analyses', name, `must be a comma-separated list of ${Object.keys(ANALYSES).join(', ')}`);
  }
  const customLabelsArn = read('customLabelsArn');
  if (customLabelsArn !== undefined && !/^arn:[\w-]+:rekognition:[\w-]+:\d{12}:project\/[\w.-]+\/version\/[\w.-]+\/\d+$/.test(customLabelsArn)) {
    wrong('customLabelsArn', customLabelsArn, 'must be the ARN of a model version, such as arn:aws:rekognition:eu-west-1:111122223333:project/shelves/version/shelves.2026-01-01/1767225600000');
  }
  if (analyses.includes('custom-labels') !== (customLabelsArn !== undefined)) {
    throw new OptionError('customLabelsArn and custom-labels in analyses require each other; set both or neither.');
  }

  const chosen = [...new Set(analyses)] as Analysis[];
  const quota = Math.min(...chosen.map((name) => QUOTAS.callsPerSecond[name][region && QUOTAS.largeRegions.includes(region) ? 'large' : 'other']));
  const rekognitionTps = number(read, 'rekognitionTps', quota, 5, 5000, true);
  const imageRequests = choice(read, 'imageRequests', ['on', 'off']) === 'on';
  // Each request makes one call of each operation.
  const imageRequestRate = imageRequests ? Math.max(1, share(rekognitionTps, 'imageRequests')) : undefined;
  const forBatches = rekognitionTps - (imageRequestRate ?? 0);
  // An event source mapping runs at least two batches at once, and there are two, so a small quota needs small batches.
  const batchSize = forBatches >= 4 * IMAGES_AT_ONCE ? 10 : Math.floor(forBatches / 4);
  const batches = Math.min(1000, Math.floor(forBatches / Math.min(batchSize, IMAGES_AT_ONCE)));
  const backfillConcurrency = number(read, 'backfillConcurrency', Math.max(2, share(batches, 'backfill')), 2, 1000, true);
  const processorConcurrency = number(read, 'processorConcurrency', Math.max(2, batches - backfillConcurrency), 2, 1000, true);
  if (processorConcurrency + backfillConcurrency > batches) {
    throw new OptionError(
      `processorConcurrency and backfillConcurrency are ${processorConcurrency} and ${backfillConcurrency}, but ${rekognitionTps} Rekognition calls a second allow at most ${batches} together; lower them, or raise the quota and set rekognitionTps.`,
    );
  }

  const allowedOrigins = list(read, 'allowedOrigins', []);
  for (const origin of allowedOrigins) {
    if (!/^(https:\/\/[a-z0-9.-]+(:\d+)?|http:\/\/localhost(:\d+)?)$/.test(origin)) {
      wrong('allowedOrigins', origin, 'must be a comma-separated list of origins, such as https://pictures.example.com,http://localhost:3000');
    }
  }
  const stage = read('stage') ?? 'dev';
  if (!/^[a-z]([a-z0-9-]{0,10}[a-z0-9])?$/.test(stage)) {
    wrong('stage', stage, 'must be 1 to 12 characters of a-z, 0-9 and -, starting with a letter, such as prod');
  }
  // Cognito refuses domain prefixes with these words (Amazon Cognito Developer Guide, "Configuring a user pool domain").
  const reserved = ['aws', 'amazon', 'cognito'].find((word) => stage.includes(word));
  if (reserved) wrong('stage', stage, `must not contain ${reserved}, which Cognito does not allow in the sign-in address`);
  const alarmEmail = read('alarmEmail');
  if (alarmEmail !== undefined && !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(alarmEmail)) {
    wrong('alarmEmail', alarmEmail, 'must be an e-mail address, such as ops@example.com');
  }
  const logDays = number(read, 'logDays', 30, 1, 3653, true);
  if (!LOG_DAYS.includes(logDays)) wrong('logDays', String(logDays), `must be one of ${LOG_DAYS.join(', ')}`);
  const access = choice(read, 'access', ['owner', 'unlisted']);
  const signUp = choice(read, 'signUp', ['closed', 'open']);
  if (access === 'unlisted' && read('signUp') !== undefined) {
    throw new OptionError('signUp has no effect with access=unlisted, where nobody signs in; remove it.');
  }

  const [inputBucketName, outputBucketName] = (['inputBucketName', 'outputBucketName'] as const).map((name) =>
    matching(read, name, /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be the name of a bucket, such as pictures-of-example'));
  if (inputBucketName !== undefined && inputBucketName === outputBucketName) {
    throw new OptionError('inputBucketName and outputBucketName name the same bucket; use two buckets.');
  }
  const kmsKeyArn = matching(read, 'kmsKeyArn', /^arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+$/, 'must be the ARN of a key, such as arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab');
  if (kmsKeyArn !== undefined && region !== undefined && kmsKeyArn.split(':')[3] !== region) {
    wrong('kmsKeyArn', kmsKeyArn, `must be in the stack's region, ${region}`);
  }
  const monthlyBudgetUsd = read('monthlyBudgetUsd') === 'none' ? undefined : number(read, 'monthlyBudgetUsd', 50, 1, 10_000_000, false, ' or none');
  const budgetAction = choice(read, 'budgetAction', ['stop', 'none']);
  if (monthlyBudgetUsd === undefined && read('budgetAction') === 'stop') {
    throw new OptionError('budgetAction=stop has no effect with monthlyBudgetUsd=none; set a budget, or remove budgetAction.');
  }

  return {
    stage,
    access,
    signUp,
    allowedOrigins,
    analyses: chosen,
    customLabelsArn,
    originalsDays: optional(read, 'originalsDays', 'forever', 1, 36_500, ' (days)'),
    resultsDays: optional(read, 'resultsDays', 'forever', 1, 36_500, ' (days)'),
    versioning: optional(read, 'versioning', 'off', 1, 36_500, ' (days)'),
    alarmEmail,
    rekognitionTps,
    batchSize,
    processorConcurrency,
    backfillConcurrency,
    imageRequestRate,
    resultEvents: choice(read, 'resultEvents', ['on', 'off']) === 'on',
    maxDailyAnalyses: optional(read, 'maxDailyAnalyses', 'none', 1, Number.MAX_SAFE_INTEGER, ''),
    monthlyBudgetUsd,
    removalPolicy: choice(read, 'removalPolicy', ['retain', 'destroy']),
    architecture: choice(read, 'architecture', ['arm64', 'x86_64']),
    logDays,
    tracing: choice(read, 'tracing', ['off', 'on']) === 'on',
    apiRate: number(read, 'apiRate', 50, 1, 10_000, true),
    apiBurst: number(read, 'apiBurst', 100, 1, 5000, true),
    settings: { both: settings(read, false), uploadApi: settings(read, true) },
    bucketNames: choice(read, 'bucketNames', ['global', 'regional']),
    inputBucketName,
    outputBucketName,
    indexTableName: matching(read, 'indexTableName', /^[\w.-]{3,255}$/, 'must be the name of a DynamoDB table, such as Sightline-prod-IndexTable1A2B3C'),
    originalsStorageClass: choice(read, 'originalsStorageClass', ['standard', 'intelligent-tiering']),
    kmsKeyArn,
    canaryMinutes: read('canaryMinutes') === 'off' ? undefined : number(read, 'canaryMinutes', 30, 1, 60, true, ' or off'),
    budgetAction,
    gradual: choice(read, 'gradual', ['off', 'on']) === 'on',
    functions: resolve(read('functions') ?? FUNCTIONS),
    assets: choice(read, 'assets', ['built', 'placeholder']),
  };
}

/** The variables of the settings that are given. */
function settings(read: Read, uploadApiOnly: boolean): Record<string, string> {
  const chosen = Object.entries(SETTINGS).filter(([name, setting]) => setting.uploadApiOnly === uploadApiOnly && read(name) !== undefined);
  return Object.fromEntries(chosen.map(([name, { variable, from, to, whole }]) => [variable, String(number(read, name, from, from, to, whole))]));
}

/** A part's share of a number, rounded down. */
function share(of: number, part: keyof typeof QUOTAS.sharesPercent): number {
  return Math.floor((of * QUOTAS.sharesPercent[part]) / 100);
}

function wrong(name: string, value: string, rule: string): never {
  throw new OptionError(`${name} is ${JSON.stringify(value)}; it ${rule}.`);
}

function matching(read: Read, name: string, pattern: RegExp, rule: string): string | undefined {
  const value = read(name);
  return value === undefined || pattern.test(value) ? value : wrong(name, value, rule);
}

function list(read: Read, name: string, fallback: string[]): string[] {
  const value = read(name);
  return value === undefined ? fallback : value.split(',').map((item) => item.trim()).filter((item) => item !== '');
}

/** One of the choices; the first is the default. */
function choice<C extends string>(read: Read, name: string, choices: readonly [C, ...C[]]): C {
  const value = read(name) ?? choices[0];
  return choices.find((known) => known === value) ?? wrong(name, value, `must be ${choices.join(' or ')}`);
}

function number(read: Read, name: string, fallback: number, min: number, max: number, whole: boolean, also = ''): number {
  const value = read(name);
  if (value === undefined) return fallback;
  const parsed = Number(value);
  if (!Number.isFinite(parsed) || parsed < min || parsed > max || (whole && !Number.isInteger(parsed))) {
    wrong(name, value, `must be a ${whole ? 'whole ' : ''}number from ${min} to ${max}${also}`);
  }
  return parsed;
}

/** A whole number, or the word in `none`, which is the default and reads as undefined. */
function optional(read: Read, name: string, none: string, min: number, max: number, unit: string): number | undefined {
  const value = read(name) ?? none;
  return value === none ? undefined : number(() => value, name, 0, min, max, true, `${unit} or ${none}`);
}
