/** Accepted cdk-nag findings, each with its reason. */

import { Stack, Token, Validations } from 'aws-cdk-lib';
import { Bucket, type CfnBucket, type IBucket } from 'aws-cdk-lib/aws-s3';
import type { IConstruct } from 'constructs';
import type { Options } from './options.ts';

/** Accepts a finding on a construct and its children. The templates with parameters, whose names hold references, need none. */
export function explain(scope: IConstruct, id: string, reason: string): void {
  if (Token.isUnresolved(id)) return;
  Validations.of(scope).acknowledge({ id, reason });
}

/** Accepts the known wildcards in a function's policy. Any other stays a finding. */
export function explainPolicy(role: IConstruct, options: Options, buckets: IBucket[]): void {
  const explainResource = (finding: string, reason: string) => explain(role, `AwsSolutions-IAM5[Resource::${finding}]`, reason);
  explainResource('*', options.tracing
    ? 'Rekognition\'s image operations and X-Ray support no narrower resource.'
    : 'Rekognition\'s image operations support no narrower resource.');
  for (const bucket of buckets) {
    const arn = bucket instanceof Bucket
      ? `<${Stack.of(bucket).getLogicalId(bucket.node.defaultChild as CfnBucket)}.Arn>`
      : `arn:<AWS::Partition>:s3:::${bucket.bucketName}`;
    for (const prefix of ['uploads', 'inline', 'results', 'thumbnails', 'previews', 'claims', 'spending', 'handovers', 'results/inline', 'thumbnails/inline', 'previews/inline']) {
      explainResource(`${arn}/${prefix}/*`, 'The keys of pictures are not known in advance; the prefix is the narrowest possible resource.');
    }
  }
}

/**
 * Accepts findings on the CDK's own custom resource functions, which copy the pages and empty buckets. The CDK defines their roles.
 * `files` is the bucket of the pages.
 */
export function explainHelpers(stack: Stack, files: IBucket): void {
  const assets = `cdk-${stack.synthesizer.bootstrapQualifier}-assets-<AWS::AccountId>-${Token.isUnresolved(stack.region) ? '<AWS::Region>' : stack.region}`;
  const account = Token.isUnresolved(stack.account) ? '<AWS::AccountId>' : stack.account;
  const findings = [
    'L1',
    'IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]',
    ...['s3:GetBucket*', 's3:GetObject*', 's3:List*', 's3:Abort*', 's3:DeleteObject*'].map((action) => `IAM5[Action::${action}]`),
    `IAM5[Resource::arn:<AWS::Partition>:s3:::${assets.replace('<AWS::AccountId>', account)}/*]`,
    `IAM5[Resource::<${stack.getLogicalId(files.node.defaultChild as CfnBucket)}.Arn>/*]`,
    'IAM5[Resource::*]',
  ];
  for (const helper of stack.node.children) {
    if (!helper.node.id.startsWith('Custom::')) continue;
    for (const finding of findings) {
      explain(helper, `AwsSolutions-${finding}`, 'A CDK custom resource. The CDK chooses its runtime and role, and it runs only while the stack is deployed or deleted.');
    }
  }
}
