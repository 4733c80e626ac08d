/** Bucket -> queue -> processor, with a dead-letter queue. */

import { Duration, Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { EventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import type { CfnBucket } from 'aws-cdk-lib/aws-s3';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { explainPolicy, explain } from './nag.ts';
import type { Names } from './names.ts';
import type { Options } from './options.ts';
import { type Resources, processorStatements } from './permissions.ts';
import { RustFunction } from './rust-function.ts';

/** The time limit for one batch. */
const TIMEOUT = Duration.seconds(60);

export class Processor extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;
  readonly processor: RustFunction;

  constructor(scope: Construct, id: string, options: Options, names: Names, resources: Resources, environment: Record<string, string>) {
    super(scope, id);
    this.deadLetters = new Queue(this, 'DeadLetters', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    explain(this.deadLetters, 'AwsSolutions-SQS3', 'This is the dead-letter queue.');
    this.queue = new Queue(this, 'Queue', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
      // Six times the function's timeout (AWS Lambda Developer Guide, "Using Lambda with Amazon SQS").
      visibilityTimeout: Duration.seconds(6 * TIMEOUT.toSeconds()),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: 5 },
    });

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
        // Lambda's poller uses the function's role (AWSLambdaSQSQueueExecutionRole).
        new PolicyStatement({
          sid: 'Poll',
          actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
          resources: [this.queue.queueArn],
        }),
      ],
    });
    const mapping = new EventSourceMapping(this, 'Mapping', {
      target: this.processor.function,
      eventSourceArn: this.queue.queueArn,
      batchSize: options.batchSize,
      maxConcurrency: options.processorConcurrency,
      reportBatchItemFailures: true,
    });
    // Lambda checks the permissions when it creates the mapping.
    mapping.node.addDependency(this.processor.role);
    explainPolicy(this.processor.role, options, [resources.input, resources.output]);

    this.notify(names.inputBucket, resources);
    if (resources.table && options.resultsDays !== undefined) this.notifyOfExpiry(names.outputBucket, resources);
  }

  /**
   * Sets the notification on the bucket resource itself. The CDK's custom resource would need a function with rights on the bucket's
   * settings. The bucket's name is known in advance, so the queue's policy can name the bucket before it exists.
   */
  private notify(bucketName: string, { input }: Resources): void {
    this.queue.addToResourcePolicy(this.send('FromInputBucket', bucketName));
    const bucket = input.node.defaultChild as CfnBucket;
    bucket.notificationConfiguration = {
      queueConfigurations: [{
        event: 's3:ObjectCreated:*',
        filter: { s3Key: { rules: [{ name: 'prefix', value: 'uploads/' }] } },
        queue: this.queue.queueArn,
      }],
    };
    // S3 sends a test message to the queue when the notification is set.
    bucket.node.addDependency(this.queue.node.findChild('Policy'));
  }
  /** Lets the rows of the index end with their results: when the output bucket deletes an old result, it sends an event. */
  private notifyOfExpiry(bucketName: string, { output }: Resources): void {
    this.queue.addToResourcePolicy(this.send('FromOutputBucket', bucketName));
    const bucket = output.node.defaultChild as CfnBucket;
    bucket.addPropertyOverride('NotificationConfiguration.QueueConfigurations', [{
      Event: 's3:LifecycleExpiration:*',
      Filter: { S3Key: { Rules: [{ Name: 'prefix', Value: 'results/' }] } },
      Queue: Stack.of(this).resolve(this.queue.queueArn),
    }]);
    bucket.node.addDependency(this.queue.node.findChild('Policy'));
  }

  /** Lets a bucket send its events to the queue. */
  private send(sid: string, bucketName: string): PolicyStatement {
    const stack = Stack.of(this);
    return new PolicyStatement({
      sid,
      principals: [new ServicePrincipal('s3.amazonaws.com')],
      actions: ['sqs:SendMessage'],
      resources: [this.queue.queueArn],
      conditions: {
        ArnEquals: { 'aws:SourceArn': `arn:${stack.partition}:s3:::${bucketName}` },
        StringEquals: { 'aws:SourceAccount': stack.account },
      },
    });
  }
}
