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
  previewPx: { variable: 'PREVIEW_PX', from: 0, to: 4096, whole: true, uploadApiOnly: false },
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
  /** With `owner`: whether people without an account have a gallery of their own under a temporary identity. */
  readonly guests: boolean;
  /** With a user pool of the stack: whether users have a second factor, and how long their tokens are valid. */
  readonly mfa: 'optional' | 'required' | 'off';
  readonly accessTokenMinutes: number;
  readonly refreshTokenDays: number;
  /** The user pool to use instead of one of the stack. */
  readonly existingUserPool: ExistingUserPool | undefined;
  /** Other origins whose pages may call the API and the buckets. The site's own is always allowed. */
  readonly allowedOrigins: readonly string[];
  /** Pages of `allowedOrigins` to which sign-in and sign-out may return. */
  readonly callbackUrls: readonly string[];
  /** The site's own domain. Undefined: CloudFront's. */
  readonly domain: Domain | undefined;
  /** The web ACL of the distribution. */
  readonly webAclArn: string | undefined;
  /** The number of the secret that CloudFront sends to the API. Undefined: the API does not check where requests come from. */
  readonly originSecret: number | undefined;
  readonly analyses: readonly Analysis[];
  readonly customLabelsArn: string | undefined;
  /** Days after which originals, or results with their thumbnails, previews and rows of the index, expire. Undefined: never. */
  readonly originalsDays: number | undefined;
  readonly resultsDays: number | undefined;
  /** Days for which the input bucket keeps older versions of pictures. Undefined: it keeps none. */
  readonly versioning: number | undefined;
  /** Who gets the alarms. Undefined: nobody, which the deployment must say. */
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
  /** The daily limit on the analyses of one owner's pictures. Undefined: no limit. */
  readonly maxDailyAnalysesPerOwner: number | undefined;
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

/** A user pool that exists already. */
export interface ExistingUserPool {
  /** `<region>_<id>` */
  readonly id: string;
  /** An app client without a secret that allows the authorization code grant. */
  readonly clientId: string;
  /** The `https://…` origin of the sign-in pages. */
  readonly signInDomain: string;
}

export interface Domain {
  readonly name: string;
  /** The ARN of its certificate in us-east-1. */
  readonly certificateArn: string;
  /** The Route 53 zone that gets its records. Undefined: the records are made elsewhere. */
  readonly hostedZoneId: string | undefined;
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
  'stage', 'access', 'signUp', 'guests', 'mfa', 'accessTokenMinutes', 'refreshTokenDays', 'userPoolId', 'userPoolClientId', 'signInDomain',
  'allowedOrigins', 'callbackUrls', 'domainName', 'certificateArn', 'hostedZoneId', 'webAclArn', 'originSecret', 'maxDailyAnalysesPerOwner',
  'analyses', 'customLabelsArn', 'originalsDays', 'resultsDays', 'versioning', 'alarmEmail',
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
  const logDays = number(read, 'logDays', 30, 1, 3653, true);
  if (!LOG_DAYS.includes(logDays)) wrong('logDays', String(logDays), `must be one of ${LOG_DAYS.join(', ')}`);
  const identity = readIdentity(read);
  const callbackUrls = readCallbackUrls(read, allowedOrigins);

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
    ...identity,
    ...readFrontDoor(read),
    allowedOrigins,
    callbackUrls,
    analyses: chosen,
    customLabelsArn,
    originalsDays: optional(read, 'originalsDays', 'forever', 1, 36_500, ' (days)'),
    resultsDays: optional(read, 'resultsDays', 'forever', 1, 36_500, ' (days)'),
    versioning: optional(read, 'versioning', 'off', 1, 36_500, ' (days)'),
    rekognitionTps,
    batchSize,
    processorConcurrency,
    backfillConcurrency,
    imageRequestRate,
    resultEvents: choice(read, 'resultEvents', ['on', 'off']) === 'on',
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
    // Last, so that a wrong value is reported before a missing one.
    ...readSpending(read, identity),
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

type Identity = Pick<Options, 'access' | 'signUp' | 'guests' | 'mfa' | 'accessTokenMinutes' | 'refreshTokenDays' | 'existingUserPool'>;

/** Options of a user pool of the stack. They mean nothing without it. */
const OWN_POOL = ['signUp', 'mfa', 'accessTokenMinutes', 'refreshTokenDays', 'callbackUrls'];

/** The names of the options that describe an existing user pool. */
const EXISTING_POOL = ['userPoolId', 'userPoolClientId', 'signInDomain'];

function readIdentity(read: Read): Identity {
  const access = choice(read, 'access', ['owner', 'unlisted']);
  const identity: Identity = {
    access,
    signUp: choice(read, 'signUp', ['closed', 'open']),
    guests: choice(read, 'guests', ['off', 'on']) === 'on',
    mfa: choice(read, 'mfa', ['optional', 'required', 'off']),
    // What Cognito accepts (Amazon Cognito user pools API Reference, "CreateUserPoolClient").
    accessTokenMinutes: number(read, 'accessTokenMinutes', 60, 5, 1440, true),
    refreshTokenDays: number(read, 'refreshTokenDays', 30, 1, 3650, true),
    existingUserPool: readUserPool(read),
  };
  if (access === 'unlisted') {
    for (const name of [...OWN_POOL, ...EXISTING_POOL]) {
      if (read(name) !== undefined) throw new OptionError(`${name} has no effect with access=unlisted, where nobody signs in; remove it.`);
    }
    if (identity.guests) {
      throw new OptionError('guests=on has no effect with access=unlisted, where everybody can upload without an account; remove it, or set access=owner.');
    }
  }
  if (identity.existingUserPool !== undefined) {
    for (const name of OWN_POOL) {
      if (read(name) !== undefined) throw new OptionError(`${name} has no effect with userPoolId, because the existing user pool has its own settings; remove it and change the pool.`);
    }
  }
  return identity;
}

function readUserPool(read: Read): ExistingUserPool | undefined {
  const [id, clientId, signInDomain] = EXISTING_POOL.map(read);
  if (id === undefined && clientId === undefined && signInDomain === undefined) return undefined;
  if (id === undefined || clientId === undefined || signInDomain === undefined) {
    throw new OptionError('userPoolId, userPoolClientId and signInDomain require each other; set all three or none.');
  }
  if (!/^[a-z]{2}(-[a-z]+)+-\d_[0-9A-Za-z]+$/.test(id)) wrong('userPoolId', id, 'must be the ID of a user pool, such as eu-west-1_AbCdEfGhI');
  if (!/^\w+$/.test(clientId)) wrong('userPoolClientId', clientId, 'must be the ID of an app client, such as 1example23456789');
  if (!/^https:\/\/[a-z0-9.-]+$/.test(signInDomain)) {
    wrong('signInDomain', signInDomain, 'must be the origin of the pool\'s sign-in pages, such as https://example.auth.eu-west-1.amazoncognito.com');
  }
  return { id, clientId, signInDomain };
}

type Spending = Pick<Options, 'alarmEmail' | 'maxDailyAnalyses' | 'maxDailyAnalysesPerOwner'>;

/** The limits on spending. Whoever opens a deployment to everybody must choose them, or say that there are none. */
function readSpending(read: Read, { access, signUp, guests, existingUserPool }: Identity): Spending {
  const alarmEmail = read('alarmEmail');
  if (alarmEmail !== undefined && alarmEmail !== 'none' && !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(alarmEmail)) {
    wrong('alarmEmail', alarmEmail, 'must be an e-mail address, such as ops@example.com, or none');
  }
  const maxDailyAnalyses = optional(read, 'maxDailyAnalyses', 'none', 1, Number.MAX_SAFE_INTEGER, '');
  const open = Object.entries({ 'access=unlisted': access === 'unlisted', 'signUp=open': signUp === 'open', 'guests=on': guests })
    .filter(([, on]) => on).map(([option]) => option);
  const reason = open.length > 0 ? `With ${open.join(' and ')} anybody can upload at your cost`
    : existingUserPool ? 'With userPoolId the existing pool decides who can upload at your cost' : undefined;
  const missing = Object.entries({ maxDailyAnalyses: '1000', alarmEmail: 'you@example.com' }).filter(([name]) => read(name) === undefined);
  if (reason !== undefined && missing.length > 0) {
    const all = (item: (name: string, example: string) => string) => missing.map(([name, example]) => item(name, example)).join(' and ');
    throw new OptionError(
      `${reason}, so ${all((name) => name)} must be chosen; write ${all((name, example) => `${name}=${example}`)}, or ${all((name) => `${name}=none`)}.`,
    );
  }
  if (alarmEmail === undefined) {
    throw new OptionError('alarmEmail is missing; write alarmEmail=you@example.com to get the alarms, or alarmEmail=none to go without.');
  }
  if (access === 'unlisted' && read('maxDailyAnalysesPerOwner') !== undefined) {
    throw new OptionError('maxDailyAnalysesPerOwner has no effect with access=unlisted, where pictures have no owner; remove it and set maxDailyAnalyses.');
  }
  return {
    alarmEmail: alarmEmail === 'none' ? undefined : alarmEmail,
    maxDailyAnalyses,
    maxDailyAnalysesPerOwner: optional(read, 'maxDailyAnalysesPerOwner', 'none', 1, Number.MAX_SAFE_INTEGER, ''),
  };
}

/** CloudFront uses certificates and web ACLs of this region only (Amazon CloudFront Developer Guide). */
const CLOUDFRONT_REGION = 'us-east-1';

function readFrontDoor(read: Read): Pick<Options, 'domain' | 'webAclArn' | 'originSecret'> {
  const [name, certificateArn, hostedZoneId] = [read('domainName'), read('certificateArn'), read('hostedZoneId')];
  if ((name === undefined) !== (certificateArn === undefined)) {
    throw new OptionError('domainName and certificateArn require each other; set both or neither.');
  }
  if (name !== undefined && !/^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$/.test(name)) {
    wrong('domainName', name, 'must be a domain name in lower case, such as pictures.example.com');
  }
  if (certificateArn !== undefined && !new RegExp(`^arn:[\\w-]+:acm:${CLOUDFRONT_REGION}:\\d{12}:certificate/[0-9a-f-]+$`).test(certificateArn)) {
    wrong('certificateArn', certificateArn, `must be the ARN of a certificate in ${CLOUDFRONT_REGION}, the region that CloudFront takes certificates from, such as arn:aws:acm:${CLOUDFRONT_REGION}:111122223333:certificate/01234567-89ab-cdef-0123-456789abcdef`);
  }
  if (hostedZoneId !== undefined && name === undefined) throw new OptionError('hostedZoneId has no effect without domainName; set both, or remove it.');
  if (hostedZoneId !== undefined && !/^Z[0-9A-Z]+$/.test(hostedZoneId)) wrong('hostedZoneId', hostedZoneId, 'must be the ID of a hosted zone in Route 53, such as Z0123456789ABCDEFGHIJ');
  const webAclArn = read('webAclArn');
  if (webAclArn !== undefined && !new RegExp(`^arn:[\\w-]+:wafv2:${CLOUDFRONT_REGION}:\\d{12}:global/webacl/[\\w-]+/[0-9a-f-]+$`).test(webAclArn)) {
    wrong('webAclArn', webAclArn, `must be the ARN of a web ACL with the scope CLOUDFRONT, which is in ${CLOUDFRONT_REGION}, such as arn:aws:wafv2:${CLOUDFRONT_REGION}:111122223333:global/webacl/sightline/01234567-89ab-cdef-0123-456789abcdef`);
  }
  return {
    domain: name !== undefined && certificateArn !== undefined ? { name, certificateArn, hostedZoneId } : undefined,
    webAclArn,
    originSecret: read('originSecret') === 'off' ? undefined : number(read, 'originSecret', 1, 1, 1_000_000, true, ' or off'),
  };
}

function readCallbackUrls(read: Read, allowedOrigins: readonly string[]): readonly string[] {
  const urls = list(read, 'callbackUrls', []);
  for (const url of urls) {
    // The origins are checked already. Cognito takes no fragment.
    if (!/^[^\s#*]+$/.test(url) || !allowedOrigins.some((origin) => url.startsWith(`${origin}/`))) {
      wrong('callbackUrls', url, 'must be a page of an origin in allowedOrigins, such as https://pictures.example.com/signed-in.html with allowedOrigins=https://pictures.example.com');
    }
  }
  return urls;
}
