/** The two functions' IAM statements. tests/end_to_end/permissions.rs compares them with the calls that the functions make. */

import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { ANALYSES, type Options } from './options.ts';

/** The prefixes of what the API stores in the output bucket for an image that came in the request. */
const INLINE = ['results/inline', 'thumbnails/inline', 'previews/inline'];

export interface Resources {
  readonly input: IBucket;
  readonly output: IBucket;
  /** The search index; undefined with `unlisted`, which has no search. */
  readonly table: ITable | undefined;
}

export function processorStatements(options: Options, { input, output, table }: Resources): PolicyStatement[] {
  return [
    // The event of a bucket with versioning names the version. The account's owner may switch versioning on at any time.
    allow('ReadPictures', ['s3:GetObject', 's3:GetObjectVersion'], objects(input, 'uploads')),
    allow('ReadAndWriteAnswers', ['s3:GetObject', 's3:PutObject'], objects(output, 'results', 'thumbnails', 'previews', 'claims')),
    // A thumbnail or preview is deleted when a new version of the picture has none. A result is deleted when its picture was deleted during the
    // analysis, which is possible only with an index.
    allow('Release', ['s3:DeleteObject'], objects(output, 'claims', 'thumbnails', 'previews', ...(table ? ['results'] : []))),
    listBuckets(input, output),
    ...recognise(options),
    ...count(options, output),
    ...(table ? [writeIndex(table)] : []),
    ...trace(options),
  ];
}

/** The processor sets when messages that failed come again. */
export function pauseMessages(...queues: IQueue[]): PolicyStatement {
  return allow('PauseMessages', ['sqs:ChangeMessageVisibility'], queues.map((queue) => queue.queueArn));
}

export function uploadApiStatements(options: Options, { input, output, table }: Resources): PolicyStatement[] {
  const inRequests = options.imageRequestRate !== undefined;
  return [
    allow('SignUploads', ['s3:PutObject', 's3:GetObject'], objects(input, 'uploads', ...(inRequests ? ['inline'] : []))),
    allow('ReadAnswers', ['s3:GetObject'], objects(output, 'results', 'thumbnails', 'previews')),
    inRequests
      ? allow('AnswerInline', ['s3:PutObject'], objects(output, ...INLINE))
      // Pictures from before the option was switched off.
      : allow('SignInline', ['s3:GetObject'], objects(input, 'inline')),
    // Without owners nobody can delete a picture, but an incomplete inline upload is still rolled back.
    ...(table || inRequests
      ? [
          allow('Remove', ['s3:DeleteObject'], table
            ? [...objects(input, 'uploads', 'inline'), ...objects(output, 'results', 'thumbnails', 'previews', 'claims')]
            : [...objects(input, 'inline'), ...objects(output, ...INLINE)]),
          ...removeVersions(options, input, table ? ['uploads', 'inline'] : ['inline']),
        ]
      : []),
    listBuckets(input, output),
    ...(inRequests ? [...recognise(options), ...count(options, output)] : []),
    ...(table
      ? [
          writeIndex(table),
          allow('CountLabels', ['dynamodb:BatchGetItem', 'dynamodb:Query'], [table.tableArn]),
          allow('SearchIndex', ['dynamodb:Query'], [`${table.tableArn}/index/by-owner-term`]),
        ]
      : []),
    // Guests take their pictures along with a code. The rest of that is reading, writing and deleting pictures.
    ...(options.guests ? [allow('HandOver', ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'], objects(output, 'handovers'))] : []),
    ...trace(options),
  ];
}

/** With `versioning`, a deletion removes all versions of the picture. */
function removeVersions(options: Options, input: IBucket, prefixes: string[]): PolicyStatement[] {
  if (options.versioning === undefined) return [];
  return [
    allow('ListVersions', ['s3:ListBucketVersions'], [input.bucketArn]),
    allow('RemoveVersions', ['s3:DeleteObjectVersion'], objects(input, ...prefixes)),
  ];
}

function writeIndex(table: ITable): PolicyStatement {
  return allow('WriteIndex', ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem'], [table.tableArn]);
}

/** Makes S3 answer 404 instead of 403 for a missing object (Amazon S3 API Reference, "GetObject"). */
function listBuckets(...buckets: IBucket[]): PolicyStatement {
  return allow('TellMissing', ['s3:ListBucket'], buckets.map((bucket) => bucket.bucketArn));
}

function recognise(options: Options): PolicyStatement[] {
  const actions = (custom: boolean) => [
    ...new Set(options.analyses.filter((name) => (name === 'custom-labels') === custom).map((name) => ANALYSES[name].action)),
  ];
  return [
    // Rekognition's image operations support no narrower resource.
    ...(actions(false).length > 0 ? [allow('Recognise', actions(false), ['*'])] : []),
    ...(options.customLabelsArn ? [allow('RecogniseOwn', actions(true), [options.customLabelsArn])] : []),
  ];
}

/** The daily count of analyses, kept in the output bucket. */
function count(options: Options, output: IBucket): PolicyStatement[] {
  return options.maxDailyAnalyses === undefined ? [] : [allow('CountAnalyses', ['s3:GetObject', 's3:PutObject'], objects(output, 'spending'))];
}

function trace(options: Options): PolicyStatement[] {
  return options.tracing ? [allow('Trace', ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], ['*'])] : [];
}

function objects(bucket: IBucket, ...prefixes: string[]): string[] {
  return prefixes.map((prefix) => bucket.arnForObjects(`${prefix}/*`));
}

function allow(sid: string, actions: string[], resources: string[]): PolicyStatement {
  return new PolicyStatement({ sid, actions, resources });
}
