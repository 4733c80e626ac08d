/** What can be set about a deployment, read from CDK context (`-c name=value` or `cdk.json`) and checked before anything is built. */

import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RemovalPolicy } from 'aws-cdk-lib';
import type { Node } from 'constructs';

/** Sightline's analyses, with the action that each needs and Rekognition's default quota for it. */
export const ANALYSES = {
  labels: { action: 'rekognition:DetectLabels', calls: { large: 50, other: 5 } },
  'image-properties': { action: 'rekognition:DetectLabels', calls: { large: 50, other: 5 } },
  faces: { action: 'rekognition:DetectFaces', calls: { large: 100, other: 25 } },
  text: { action: 'rekognition:DetectText', calls: { large: 50, other: 5 } },
  moderation: { action: 'rekognition:DetectModerationLabels', calls: { large: 50, other: 5 } },
  celebrities: { action: 'rekognition:RecognizeCelebrities', calls: { large: 50, other: 5 } },
  ppe: { action: 'rekognition:DetectProtectiveEquipment', calls: { large: 5, other: 5 } },
  'custom-labels': { action: 'rekognition:DetectCustomLabels', calls: { large: 5, other: 5 } },
} as const;

export type Analysis = keyof typeof ANALYSES;

/**
 * Regions where Rekognition's image operations have the larger default quotas
 * (AWS General Reference, "Amazon Rekognition endpoints and quotas").
 */
const LARGE_REGIONS = ['us-east-1', 'us-west-2', 'eu-west-1'];

/** How many images of a batch the processor has in hand at once (`Options::side_by_side` in crates/processor). */
const SIDE_BY_SIDE = 8;

const FUNCTIONS = fileURLToPath(new URL('../functions', import.meta.url));

/** Days for which CloudWatch keeps logs; it takes no others. */
const LOG_DAYS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

export interface Options {
  /** Tells deployments in one account apart; part of every name. */
  readonly stage: string;
  /** Who sees what: each their own after signing in, or whoever knows a key. */
  readonly access: 'owner' | 'unlisted';
  /** With `owner`: whether accounts are made by an administrator or by anybody. */
  readonly signUp: 'closed' | 'open';
  /** Further origins whose pages may call the API and the buckets; the site's own needs no mention. */
  readonly allowedOrigins: readonly string[];
  readonly analyses: readonly Analysis[];
  readonly customLabelsArn: string | undefined;
  /** Days after which originals, or results and thumbnails, expire; undefined for never. */
  readonly originalsDays: number | undefined;
  readonly resultsDays: number | undefined;
  readonly alarmEmail: string | undefined;
  /** Calls a second to each Rekognition operation that the account may make. */
  readonly rekognitionTps: number;
  /** Messages of one batch, and batches at once: together never more calls in flight than `rekognitionTps`. */
  readonly batchSize: number;
  readonly processorConcurrency: number;
  /** Analyses a day, all workers together; undefined for any number. */
  readonly maxDailyAnalyses: number | undefined;
  /** US dollars a month; undefined for no budget. */
  readonly monthlyBudgetUsd: number | undefined;
  readonly removalPolicy: 'retain' | 'destroy';
  readonly architecture: 'arm64' | 'x86_64';
  readonly logDays: number;
  readonly tracing: boolean;
  /** Requests a second that the API takes, and how many at once on top. */
  readonly apiRate: number;
  readonly apiBurst: number;
  /** Where `npm run functions` puts what it builds: `<architecture>/<binary>/bootstrap.zip`. */
  readonly functions: string;
  /** The built functions, or a stand-in that only tests use. */
  readonly assets: 'built' | 'placeholder';
}

/**
 * What becomes of a resource that holds what people made: with `retain` it outlives the stack and its own replacement, but not a
 * first deployment that is rolled back, for the next one needs its name.
 */
export function keeping({ removalPolicy }: Options): RemovalPolicy {
  return removalPolicy === 'destroy' ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE;
}

/** An option that is wrong: one sentence that names it and what it takes. */
export class OptionError extends Error {
  override readonly name = 'OptionError';
}

type Read = (name: string) => string | undefined;

const NAMES = [
  'stage', 'access', 'signUp', 'allowedOrigins', 'analyses', 'customLabelsArn', 'originalsDays', 'resultsDays', 'alarmEmail',
  'rekognitionTps', 'processorConcurrency', 'maxDailyAnalyses', 'monthlyBudgetUsd', 'removalPolicy', 'architecture', 'logDays', 'tracing', 'apiRate',
  'apiBurst', 'functions', 'assets',
];

/** What the CDK's own commands (`cli-telemetry`, `acknowledge`) keep in cdk.context.json. */
const CDK_NAMES = ['cli-telemetry', 'acknowledged-issue-numbers'];

/** Reads the options; `region` is undefined where the stack is synthesised for any region. */
export function readOptions(node: Node, region: string | undefined): Options {
  const context = node.getAllContext() as Record<string, unknown>;
  // Names with a colon or slash belong to the CDK as well.
  for (const name of Object.keys(context)) {
    if (!/[:/]/.test(name) && !CDK_NAMES.includes(name) && !NAMES.includes(name)) {
      throw new OptionError(`There is no option "${name}"; the options are ${NAMES.join(', ')}.`);
    }
  }
  const read: Read = (name) => {
    const value: unknown = node.tryGetContext(name);
    if (value === undefined || value === null || value === '') return undefined;
    return Array.isArray(value) ? value.join(',') : String(value).trim();
  };

  const analyses = list(read, 'analyses', ['labels', 'image-properties']);
  for (const name of analyses) {
    if (!(name in ANALYSES)) wrong('analyses', name, `takes names separated by commas out of ${Object.keys(ANALYSES).join(', ')}`);
  }
  const customLabelsArn = read('customLabelsArn');
  if (customLabelsArn !== undefined && !/^arn:[\w-]+:rekognition:[\w-]+:\d{12}:project\/[\w.-]+\/version\/[\w.-]+\/\d+$/.test(customLabelsArn)) {
    wrong('customLabelsArn', customLabelsArn, 'takes the ARN of a model version, such as arn:aws:rekognition:eu-west-1:111122223333:project/shelves/version/shelves.2026-01-01/1767225600000');
  }
  if (analyses.includes('custom-labels') !== (customLabelsArn !== undefined)) {
    throw new OptionError('customLabelsArn and custom-labels among the analyses go together; set both or neither.');
  }

  const chosen = [...new Set(analyses)] as Analysis[];
  const quota = Math.min(...chosen.map((name) => ANALYSES[name].calls[region && LARGE_REGIONS.includes(region) ? 'large' : 'other']));
  const rekognitionTps = number(read, 'rekognitionTps', quota, 4, 5000, true);
  // Two batches at once are the least that an event source can be held to, so small quotas take small batches.
  const batchSize = rekognitionTps >= 2 * SIDE_BY_SIDE ? 10 : Math.floor(rekognitionTps / 2);
  const most = Math.min(1000, Math.floor(rekognitionTps / Math.min(batchSize, SIDE_BY_SIDE)));
  const processorConcurrency = number(read, 'processorConcurrency', most, 2, 1000, true);
  if (processorConcurrency > most) {
    throw new OptionError(
      `processorConcurrency is ${processorConcurrency}, but ${rekognitionTps} Rekognition calls a second allow ${most} at most; have the quota raised and say so with rekognitionTps.`,
    );
  }

  const allowedOrigins = list(read, 'allowedOrigins', []);
  for (const origin of allowedOrigins) {
    if (!/^(https:\/\/[a-z0-9.-]+(:\d+)?|http:\/\/localhost(:\d+)?)$/.test(origin)) {
      wrong('allowedOrigins', origin, 'takes origins separated by commas as browsers send them, such as https://pictures.example.com,http://localhost:3000');
    }
  }
  const stage = read('stage') ?? 'dev';
  if (!/^[a-z]([a-z0-9-]{0,10}[a-z0-9])?$/.test(stage)) {
    wrong('stage', stage, 'takes 1 to 12 characters of a-z, 0-9 and -, beginning with a letter, such as prod');
  }
  const alarmEmail = read('alarmEmail');
  if (alarmEmail !== undefined && !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(alarmEmail)) {
    wrong('alarmEmail', alarmEmail, 'takes an e-mail address, such as ops@example.com');
  }
  const logDays = number(read, 'logDays', 30, 1, 3653, true);
  if (!LOG_DAYS.includes(logDays)) wrong('logDays', String(logDays), `takes one of ${LOG_DAYS.join(', ')}`);
  const access = choice(read, 'access', ['owner', 'unlisted']);
  const signUp = choice(read, 'signUp', ['closed', 'open']);
  if (access === 'unlisted' && read('signUp') !== undefined) {
    throw new OptionError('signUp has no meaning with access unlisted, where nobody signs in; leave it out.');
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
    alarmEmail,
    rekognitionTps,
    batchSize,
    processorConcurrency,
    maxDailyAnalyses: optional(read, 'maxDailyAnalyses', 'none', 1, Number.MAX_SAFE_INTEGER, ''),
    monthlyBudgetUsd: read('monthlyBudgetUsd') === 'none' ? undefined : number(read, 'monthlyBudgetUsd', 50, 1, 10_000_000, false, ' or none'),
    removalPolicy: choice(read, 'removalPolicy', ['retain', 'destroy']),
    architecture: choice(read, 'architecture', ['arm64', 'x86_64']),
    logDays,
    tracing: choice(read, 'tracing', ['off', 'on']) === 'on',
    apiRate: number(read, 'apiRate', 50, 1, 10_000, true),
    apiBurst: number(read, 'apiBurst', 100, 1, 5000, true),
    functions: resolve(read('functions') ?? FUNCTIONS),
    assets: choice(read, 'assets', ['built', 'placeholder']),
  };
}

function wrong(name: string, value: string, takes: string): never {
  throw new OptionError(`${name} is ${JSON.stringify(value)}; it ${takes}.`);
}

function list(read: Read, name: string, otherwise: string[]): string[] {
  const value = read(name);
  return value === undefined ? otherwise : value.split(',').map((item) => item.trim()).filter((item) => item !== '');
}

/** One of these; the first where nothing is said. */
function choice<C extends string>(read: Read, name: string, choices: readonly [C, ...C[]]): C {
  const value = read(name) ?? choices[0];
  return choices.find((known) => known === value) ?? wrong(name, value, `takes ${choices.join(' or ')}`);
}

function number(read: Read, name: string, otherwise: number, least: number, most: number, whole: boolean, also = ''): number {
  const value = read(name);
  if (value === undefined) return otherwise;
  const parsed = Number(value);
  if (!Number.isFinite(parsed) || parsed < least || parsed > most || (whole && !Number.isInteger(parsed))) {
    wrong(name, value, `takes a ${whole ? 'whole ' : ''}number from ${least} to ${most}${also}`);
  }
  return parsed;
}

/** A whole number, or the word that stands for none, which is the default. */
function optional(read: Read, name: string, none: string, least: number, most: number, unit: string): number | undefined {
  const value = read(name) ?? none;
  return value === none ? undefined : number(() => value, name, 0, least, most, true, `${unit} or ${none}`);
}
