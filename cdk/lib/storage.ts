/** The two buckets: one for uploaded pictures, one for results, thumbnails and previews. Either may exist already. */

import { Duration, Stack } from 'aws-cdk-lib';
import {
  BlockPublicAccess, Bucket, BucketEncryption, type CfnBucket, type CorsRule, HttpMethods, type IBucket, ObjectOwnership, type LifecycleRule, StorageClass,
} from 'aws-cdk-lib/aws-s3';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { encryptionKey } from './encryption.ts';
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

/** What a queue hears of a bucket. */
export interface Notification {
  readonly queue: IQueue;
  readonly event: 's3:ObjectCreated:*' | 's3:LifecycleExpiration:*';
  readonly prefix: string;
}

interface HolderProps {
  readonly name: string;
  /** Whether the bucket is there already and stays outside the stack. */
  readonly existing: boolean;
  readonly rules: LifecycleRule[];
  /** Whether it sends its events to EventBridge. */
  readonly events: boolean;
  readonly versioned: boolean;
}

/** One of the two buckets with its settings. */
class Holder {
  readonly bucket: IBucket;
  private readonly cors: CorsRule[] = [];
  private notification: Notification | undefined;

  constructor(scope: Construct, id: string, private readonly options: Options, private readonly props: HolderProps) {
    const { name, existing, rules, events, versioned } = props;
    if (existing) {
      this.bucket = Bucket.fromBucketName(scope, id, name);
      return;
    }
    const key = encryptionKey(new Construct(scope, `${id}Encryption`), options);
    const bucket = new Bucket(scope, id, {
      ...PRIVATE,
      // A bucket key makes one request to KMS serve many objects.
      ...(key && { encryption: BucketEncryption.KMS, encryptionKey: key, bucketKeyEnabled: true }),
      removalPolicy: removalPolicy(options),
      autoDeleteObjects: options.removalPolicy === 'destroy',
      bucketName: name,
      ...(versioned && { versioned }),
      lifecycleRules: rules,
    });
    // The CDK's own property for it takes no whole name, which an import of the retained bucket needs.
    if (options.bucketNames === 'regional') (bucket.node.defaultChild as CfnBucket).bucketNamespace = 'account-regional';
    // On the bucket resource itself: the CDK's custom resource would need a function with rights on the bucket's settings.
    if (events) (bucket.node.defaultChild as CfnBucket).notificationConfiguration = { eventBridgeConfiguration: { eventBridgeEnabled: true } };
    explain(bucket, 'AwsSolutions-S1', 'Server access logs contain presigned URLs with their signatures, which Sightline never logs. Enable CloudTrail data events for the account instead.');
    this.bucket = bucket;
  }

  allow(rule: CorsRule): void {
    if (this.bucket instanceof Bucket) this.bucket.addCorsRule(rule);
    this.cors.push(rule);
  }

  notify(notification: Notification): void {
    this.notification = notification;
    if (!(this.bucket instanceof Bucket)) return;
    const bucket = this.bucket.node.defaultChild as CfnBucket;
    const { queue, event, prefix } = notification;
    bucket.addPropertyOverride('NotificationConfiguration.QueueConfigurations', [{
      Event: event,
      Filter: { S3Key: { Rules: [{ Name: 'prefix', Value: prefix }] } },
      Queue: Stack.of(bucket).resolve(queue.queueArn),
    }]);
    // S3 sends a test message to the queue when the notification is set.
    bucket.node.addDependency(queue.node.findChild('Policy'));
  }

  /** The settings that the owner of an existing bucket has to make, as `aws s3api` takes them. */
  ownersSettings(): Record<'Cors' | 'Notifications' | 'Lifecycle', object> | undefined {
    if (this.bucket instanceof Bucket) return undefined;
    const { notification } = this;
    return {
      Cors: {
        CORSRules: this.cors.map(({ allowedOrigins, allowedMethods, allowedHeaders, exposedHeaders, maxAge }) => ({
          AllowedOrigins: allowedOrigins, AllowedMethods: allowedMethods, AllowedHeaders: allowedHeaders, ExposeHeaders: exposedHeaders, MaxAgeSeconds: maxAge,
        })),
      },
      Notifications: {
        ...(this.props.events && { EventBridgeConfiguration: {} }),
        ...(notification && {
          QueueConfigurations: [{
            Id: `sightline-${this.options.stage}`, QueueArn: notification.queue.queueArn, Events: [notification.event],
            Filter: { Key: { FilterRules: [{ Name: 'prefix', Value: notification.prefix }] } },
          }],
        }),
      },
      Lifecycle: {
        Rules: this.props.rules.map((rule) => ({
          ID: rule.id, Status: 'Enabled', Filter: { Prefix: rule.prefix ?? '' },
          ...(rule.abortIncompleteMultipartUploadAfter && { AbortIncompleteMultipartUpload: { DaysAfterInitiation: rule.abortIncompleteMultipartUploadAfter.toDays() } }),
          ...(rule.transitions && { Transitions: rule.transitions.map(({ storageClass, transitionAfter }) => ({ StorageClass: storageClass.value, Days: transitionAfter?.toDays() })) }),
          ...(rule.expiration && { Expiration: { Days: rule.expiration.toDays() } }),
          ...(rule.expiredObjectDeleteMarker && { Expiration: { ExpiredObjectDeleteMarker: true } }),
          ...(rule.noncurrentVersionExpiration && { NoncurrentVersionExpiration: { NoncurrentDays: rule.noncurrentVersionExpiration.toDays() } }),
        })),
      },
    };
  }
}

export class Storage extends Construct {
  readonly input: IBucket;
  readonly output: IBucket;
  private readonly holders: { readonly input: Holder; readonly output: Holder };

  constructor(scope: Construct, id: string, options: Options, names: Names) {
    super(scope, id);
    const aborted: LifecycleRule = { id: 'aborted-uploads', abortIncompleteMultipartUploadAfter: Duration.days(1) };
    this.holders = {
      // Only originals cannot be made again. The output bucket's leases and counts are rewritten for every picture.
      input: new Holder(this, 'Input', options, {
        name: names.inputBucket,
        existing: options.inputBucketName !== undefined,
        rules: [
          aborted,
          ...tiering(options),
          ...expiring(['uploads/', 'inline/'], options.originalsDays),
          ...olderVersions(options.versioning),
        ],
        events: false,
        versioned: options.versioning !== undefined,
      }),
      output: new Holder(this, 'Output', options, {
        name: names.outputBucket,
        existing: options.outputBucketName !== undefined,
        rules: [
          aborted,
          // Leases of processors that crashed, with the answers saved in them.
          ...expiring(['claims/'], 1),
          // The daily count of analyses.
          ...expiring(['spending/'], 7),
          // Codes with which guests take their pictures along. The API rejects them after ten minutes.
          ...(options.guests ? expiring(['handovers/'], 1) : []),
          ...expiring(['results/', 'thumbnails/', 'previews/'], options.resultsDays),
        ],
        events: options.resultEvents,
        versioned: false,
      }),
    };
    this.input = this.holders.input.bucket;
    this.output = this.holders.output.bucket;
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
    const { input, output } = this.holders;
    // The headers that `POST /uploads` signs. A browser's preflight request asks for them.
    input.allow(rule([HttpMethods.PUT], ['content-type', 'if-none-match', 'x-amz-checksum-sha256', 'x-amz-meta-*']));
    input.allow(rule([HttpMethods.GET, HttpMethods.HEAD], ['range', 'if-none-match']));
    output.allow(rule([HttpMethods.GET, HttpMethods.HEAD], ['range', 'if-none-match']));
  }

  /** Sends a bucket's events to a queue, whose policy must allow it already. */
  notify(bucket: 'input' | 'output', notification: Notification): void {
    this.holders[bucket].notify(notification);
  }

  /** The stack's outputs for the owner of existing buckets. */
  outputs(): Record<string, string> {
    const stack = Stack.of(this);
    return Object.fromEntries(Object.entries({ InputBucket: this.holders.input, OutputBucket: this.holders.output }).flatMap(([name, holder]) =>
      Object.entries(holder.ownersSettings() ?? {}).map(([kind, settings]) => [name + kind, stack.toJsonString(settings)])));
  }
}

/** Moves originals to S3 Intelligent-Tiering as soon as a lifecycle rule can. */
function tiering({ originalsStorageClass }: Options): LifecycleRule[] {
  if (originalsStorageClass === 'standard') return [];
  return ['uploads/', 'inline/'].map((prefix) => ({
    id: `tier-${prefix.replace('/', '')}`, prefix, transitions: [{ storageClass: StorageClass.INTELLIGENT_TIERING, transitionAfter: Duration.days(0) }],
  }));
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
