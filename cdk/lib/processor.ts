/** Bucket -> queue -> processor, with a queue of its own for backfills and a dead-letter queue of both. */

import { Duration, Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { EventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { encryptionKey, useKey } from './encryption.ts';
import { explainPolicy, explain } from './nag.ts';
import type { Names } from './names.ts';
import type { Options } from './options.ts';
import { type Resources, pauseMessages, processorStatements } from './permissions.ts';
import { RETRIES } from './retries.ts';
import { RustFunction } from './rust-function.ts';
import type { Storage } from './storage.ts';

/**
 * How long messages are kept. SQS counts from the first time a message was sent, in the dead-letter queue too (Amazon SQS Developer Guide,
 * "Using dead-letter queues"), so the two queues must leave it time there. A backfill that takes longer than its queue keeps messages is
 * refused by `sightline backfill`.
 */
export const RETENTION = { uploads: Duration.days(4), backfill: Duration.days(10), deadLetters: Duration.days(14) };

/** The time limit for one batch. */
const TIMEOUT = Duration.seconds(RETRIES.batchSeconds);

export class Processor extends Construct {
  readonly queue: Queue;
  readonly backfillQueue: Queue;
  readonly deadLetters: Queue;
  readonly processor: RustFunction;

  constructor(scope: Construct, id: string, options: Options, names: Names, storage: Storage, resources: Resources, environment: Record<string, string>) {
    super(scope, id);
    const key = encryptionKey(this, options);
    const common = {
      ...(key ? { encryption: QueueEncryption.KMS, encryptionMasterKey: key } : { encryption: QueueEncryption.SQS_MANAGED }),
      enforceSSL: true,
    };
    this.deadLetters = new Queue(this, 'DeadLetters', {
      ...common,
      retentionPeriod: RETENTION.deadLetters,
    });
    explain(this.deadLetters, 'AwsSolutions-SQS3', 'This is the dead-letter queue.');
    const redelivery = {
      // The processor shortens it for messages that failed.
      visibilityTimeout: Duration.seconds(RETRIES.visibilityTimeoutSeconds),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: RETRIES.maxReceiveCount },
    };
    const queue = (name: string, retentionPeriod: Duration) =>
      new Queue(this, name, { ...common, retentionPeriod, ...redelivery });
    this.queue = queue('Queue', RETENTION.uploads);
    // A backlog in it holds up no upload.
    this.backfillQueue = queue('BackfillQueue', RETENTION.backfill);

    this.processor = new RustFunction(this, 'Processor', options, {
      binary: 'sightline-processor',
      description: 'Sightline: prepares pictures, calls Rekognition, writes results',
      // bench/processor.py measures 228 MiB for a batch of ten pictures of 24 to 63 megapixels. The rest buys processor time, which
      // Lambda allots by memory.
      memoryMiB: 1024,
      timeout: TIMEOUT,
      environment,
      statements: [
        ...processorStatements(options, resources),
        ...useKey(options, 's3', 'sqs', ...(resources.table ? ['dynamodb' as const] : [])),
        pauseMessages(this.queue, this.backfillQueue),
        // Lambda's poller uses the function's role (AWSLambdaSQSQueueExecutionRole).
        new PolicyStatement({
          sid: 'Poll',
          actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
          resources: [this.queue.queueArn, this.backfillQueue.queueArn],
        }),
      ],
    });
    this.poll('Mapping', this.queue, options.batchSize, options.processorConcurrency);
    this.poll('BackfillMapping', this.backfillQueue, options.batchSize, options.backfillConcurrency);
    explainPolicy(this.processor.role, options, [resources.input, resources.output]);

    // The buckets' names are known in advance, so the queues' policies can name them before they exist.
    this.queue.addToResourcePolicy(this.send(this.queue, 'FromInputBucket', names.inputBucket));
    storage.notify('input', { queue: this.queue, event: 's3:ObjectCreated:*', prefix: 'uploads/' });
    if (resources.table && options.resultsDays !== undefined) {
      // Lets the rows of the index end with their results. S3 deletes a day's results at once, so the events go to the queue of
      // backfills, where no upload waits behind them.
      this.backfillQueue.addToResourcePolicy(this.send(this.backfillQueue, 'FromOutputBucket', names.outputBucket));
      storage.notify('output', { queue: this.backfillQueue, event: 's3:LifecycleExpiration:*', prefix: 'results/' });
    }
  }

  private poll(id: string, queue: Queue, batchSize: number, maxConcurrency: number): void {
    const mapping = new EventSourceMapping(this, id, {
      target: this.processor.target,
      eventSourceArn: queue.queueArn,
      batchSize,
      maxConcurrency,
      reportBatchItemFailures: true,
    });
    // Lambda checks the permissions when it creates the mapping.
    mapping.node.addDependency(this.processor.role);
  }

  /** Lets a bucket send its events to a queue. */
  private send(queue: Queue, sid: string, bucketName: string): PolicyStatement {
    const stack = Stack.of(this);
    return new PolicyStatement({
      sid,
      principals: [new ServicePrincipal('s3.amazonaws.com')],
      actions: ['sqs:SendMessage'],
      resources: [queue.queueArn],
      conditions: {
        ArnEquals: { 'aws:SourceArn': `arn:${stack.partition}:s3:::${bucketName}` },
        StringEquals: { 'aws:SourceAccount': stack.account },
      },
    });
  }
}
