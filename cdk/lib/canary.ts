/** A canary that asks for an address at intervals, as a user outside AWS would. */

import { Aws, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Canary as Synthetic, Code, Runtime, Schedule, Test } from 'aws-cdk-lib/aws-synthetics';
import { Construct } from 'constructs';
import { explain } from './nag.ts';
import type { Options } from './options.ts';
import { PRIVATE } from './storage.ts';

/** Days for which reports of checks are kept. */
const KEPT_DAYS = 7;

/** Asks for the address in the environment, and fails unless the answer is 200. It needs no library of Synthetics. */
export const SCRIPT = `const https = require('https');
exports.handler = () => new Promise((resolve, reject) => {
  const request = https.get(process.env.ADDRESS, { timeout: 20000 }, (response) => {
    response.resume();
    response.on('end', () => response.statusCode === 200 ? resolve('ok') : reject(new Error('The site answered with ' + response.statusCode)));
  });
  request.on('timeout', () => request.destroy(new Error('The site did not answer within 20 seconds')));
  request.on('error', reject);
});
`;

export class Canary extends Construct {
  /** The percentage of checks that succeeded, a value for each check. */
  readonly success: Metric;

  constructor(scope: Construct, id: string, options: Options, minutes: number, address: string) {
    super(scope, id);
    const reports = new Bucket(this, 'Reports', {
      ...PRIVATE,
      removalPolicy: RemovalPolicy.DESTROY,
      autoDeleteObjects: true,
      lifecycleRules: [{ id: 'expire-reports', expiration: Duration.days(KEPT_DAYS), abortIncompleteMultipartUploadAfter: Duration.days(1) }],
    });
    explain(reports, 'AwsSolutions-S1', 'It holds only reports of checks, for a week.');
    // Names of canaries have at most 255 characters of a-z, 0-9, - and _.
    const canaryName = `sightline-${options.stage}-site`;
    // The permissions that the Amazon CloudWatch User Guide asks for, "Required roles and permissions for CloudWatch canaries".
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com'), description: 'Sightline: asks whether the site answers' });
    const allow = (sid: string, actions: string[], resource: string, conditions: Record<string, object> = {}) =>
      role.addToPolicy(new PolicyStatement({ sid, actions, resources: [resource], conditions }));
    allow('StoreReports', ['s3:PutObject'], reports.arnForObjects('*'));
    allow('FindBucket', ['s3:GetBucketLocation'], reports.bucketArn);
    allow('ListBuckets', ['s3:ListAllMyBuckets'], '*');
    allow('CountChecks', ['cloudwatch:PutMetricData'], '*', { StringEquals: { 'cloudwatch:namespace': 'CloudWatchSynthetics' } });
    allow('Logs', ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'], `arn:${Aws.PARTITION}:logs:${Aws.REGION}:${Aws.ACCOUNT_ID}:log-group:/aws/lambda/cwsyn-${canaryName}-*`);
    explain(role, `AwsSolutions-IAM5[Resource::<${Stack.of(this).getLogicalId(reports.node.defaultChild as never)}.Arn>/*]`, 'Synthetics chooses the keys of its reports; the bucket holds nothing else.');
    explain(role, 'AwsSolutions-IAM5[Resource::*]', 'Both actions support no narrower resource; a condition limits the metrics to those of Synthetics.');
    explain(role, `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:/aws/lambda/cwsyn-${canaryName}-*]`, 'Synthetics adds an id to the name of the log group.');
    const canary = new Synthetic(this, 'Check', {
      canaryName,
      role,
      // Without a browser.
      runtime: Runtime.SYNTHETICS_NODEJS_3_1,
      test: Test.custom({ code: Code.fromInline(SCRIPT), handler: 'index.handler' }),
      environmentVariables: { ADDRESS: address },
      schedule: Schedule.rate(Duration.minutes(minutes)),
      artifactsBucketLocation: { bucket: reports },
      successRetentionPeriod: Duration.days(KEPT_DAYS),
      failureRetentionPeriod: Duration.days(KEPT_DAYS),
      timeout: Duration.seconds(30),
      // Its function goes with it.
      provisionedResourceCleanup: true,
    });
    this.success = canary.metricSuccessPercent({ period: Duration.minutes(minutes) });
  }
}
