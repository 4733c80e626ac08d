/** Bucket -> queue -> processor, with a second queue for what cannot be worked off. */

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

/** How long a batch may take. */
const TIME_OUT = Duration.seconds(60);

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
      // Six times the function's (AWS Lambda Developer Guide, "Using Lambda with Amazon SQS").
      visibilityTimeout: Duration.seconds(6 * TIME_OUT.toSeconds()),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: 5 },
    });

    this.processor = new RustFunction(this, 'Processor', options, {
      binary: 'sightline-processor',
      description: 'Sightline: prepares pictures, asks Rekognition, writes answers',
      // bench/processor.py measures 228 MiB, with ten pictures of 24 to 63 megapixels in a batch. The rest buys
      // processor time, which comes with it.
      memoryMiB: 1024,
      timeOut: TIME_OUT,
      environment,
      statements: [
        ...processorStatements(options, resources),
        // Lambda's poller does this in the function's name (AWSLambdaSQSQueueExecutionRole).
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
    // Lambda tries the permissions when the mapping is made.
    mapping.node.addDependency(this.processor.role);
    explainPolicy(this.processor.role, options, [resources.input, resources.output]);

    this.notify(names.inputBucket, resources);
  }

  /**
   * Wired on the bucket itself, without the CDK's custom resource, so that no function has to be trusted with the bucket's
   * settings. The bucket's name is known beforehand, so the queue can allow it before it is there.
   */
  private notify(bucketName: string, { input }: Resources): void {
    const stack = Stack.of(this);
    this.queue.addToResourcePolicy(new PolicyStatement({
      sid: 'FromInputBucket',
      principals: [new ServicePrincipal('s3.amazonaws.com')],
      actions: ['sqs:SendMessage'],
      resources: [this.queue.queueArn],
      conditions: {
        ArnEquals: { 'aws:SourceArn': `arn:${stack.partition}:s3:::${bucketName}` },
        StringEquals: { 'aws:SourceAccount': stack.account },
      },
    }));
    const bucket = input.node.defaultChild as CfnBucket;
    bucket.notificationConfiguration = {
      queueConfigurations: [{
        event: 's3:ObjectCreated:*',
        filter: { s3Key: { rules: [{ name: 'prefix', value: 'uploads/' }] } },
        queue: this.queue.queueArn,
      }],
    };
    // S3 sends a message to try the queue when it is told of it.
    bucket.node.addDependency(this.queue.node.findChild('Policy'));
  }
}
