/** The two buckets: one for uploaded pictures, one for results and thumbnails. */

import { Duration } from 'aws-cdk-lib';
import { BlockPublicAccess, Bucket, BucketEncryption, type CfnBucket, type CorsRule, HttpMethods, ObjectOwnership, type LifecycleRule } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { explain } from './nag.ts';
import type { Names } from './names.ts';
import { type Options, removalPolicy } from './options.ts';

/** The settings that make every bucket of the stack private. */
export const PRIVATE = {
  blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
  encryption: BucketEncryption.S3_MANAGED,
  enforceSSL: true,
  minimumTLSVersion: 1.2,
  objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
} as const;

export class Storage extends Construct {
  readonly input: Bucket;
  readonly output: Bucket;

  constructor(scope: Construct, id: string, options: Options, names: Names) {
    super(scope, id);
    const common = {
      ...PRIVATE,
      removalPolicy: removalPolicy(options),
      autoDeleteObjects: options.removalPolicy === 'destroy',
    };
    const aborted: LifecycleRule = { id: 'aborted-uploads', abortIncompleteMultipartUploadAfter: Duration.days(1) };
    this.input = new Bucket(this, 'Input', {
      ...common,
      bucketName: names.inputBucket,
      // Only originals cannot be made again. The output bucket's leases and counts are rewritten for every picture.
      ...(options.versioning !== undefined && { versioned: true }),
      lifecycleRules: [aborted, ...expiring(['uploads/', 'inline/'], options.originalsDays), ...olderVersions(options.versioning)],
    });
    this.output = new Bucket(this, 'Output', {
      ...common,
      bucketName: names.outputBucket,
      lifecycleRules: [
        aborted,
        // Leases of processors that crashed, with the answers saved in them.
        ...expiring(['claims/'], 1),
        // The daily count of analyses.
        ...expiring(['spending/'], 7),
        // Codes with which guests take their pictures along. The API rejects them after ten minutes.
        ...(options.guests ? expiring(['handovers/'], 1) : []),
        ...expiring(['results/', 'thumbnails/'], options.resultsDays),
      ],
    });
    if (options.resultEvents) {
      // On the bucket resource itself: the CDK's custom resource would need a function with rights on the bucket's settings.
      (this.output.node.defaultChild as CfnBucket).notificationConfiguration = { eventBridgeConfiguration: { eventBridgeEnabled: true } };
    }
    for (const bucket of [this.input, this.output]) {
      explain(bucket, 'AwsSolutions-S1', 'Server access logs contain presigned URLs with their signatures, which Sightline never logs. Enable CloudTrail data events for the account instead.');
    }
  }

  /** Lets pages from these origins, and no others, use presigned URLs. */
  allowOrigins(origins: string[]): void {
    const rule = (allowedMethods: HttpMethods[], allowedHeaders: string[]): CorsRule => ({
      allowedOrigins: origins,
      allowedMethods,
      allowedHeaders,
      exposedHeaders: ['ETag'],
      maxAge: 3000,
    });
    // The headers that `POST /uploads` signs. A browser's preflight request asks for them.
    this.input.addCorsRule(rule([HttpMethods.PUT], ['content-type', 'if-none-match', 'x-amz-checksum-sha256', 'x-amz-meta-*']));
    this.input.addCorsRule(rule([HttpMethods.GET, HttpMethods.HEAD], ['range', 'if-none-match']));
    this.output.addCorsRule(rule([HttpMethods.GET, HttpMethods.HEAD], ['range', 'if-none-match']));
  }
}

/** A delete marker is removed when it hides no version any more. */
function olderVersions(days: number | undefined): LifecycleRule[] {
  if (days === undefined) return [];
  return [{ id: 'older-versions', noncurrentVersionExpiration: Duration.days(days), expiredObjectDeleteMarker: true }];
}

function expiring(prefixes: string[], days: number | undefined): LifecycleRule[] {
  if (days === undefined) return [];
  return prefixes.map((prefix) => ({ id: `expire-${prefix.replace('/', '')}`, prefix, expiration: Duration.days(days) }));
}
