/** Findings of cdk-nag that stay, each with its reason. */

import { DefaultStackSynthesizer, Stack, Token, Validations } from 'aws-cdk-lib';
import type { CfnBucket, IBucket } from 'aws-cdk-lib/aws-s3';
import type { IConstruct } from 'constructs';
import type { Options } from './options.ts';

/** Acknowledges one finding on a construct and what is in it. */
export function explain(scope: IConstruct, id: string, reason: string): void {
  Validations.of(scope).acknowledge({ id, reason });
}

/** The wildcards in a function's policy. Every other one stays a finding. */
export function explainPolicy(role: IConstruct, options: Options, buckets: IBucket[]): void {
  const explainResource = (finding: string, reason: string) => explain(role, `AwsSolutions-IAM5[Resource::${finding}]`, reason);
  explainResource('*', options.tracing
    ? 'Rekognition\'s image operations and X-Ray know no narrower resource.'
    : 'Rekognition\'s image operations know no narrower resource.');
  for (const bucket of buckets) {
    const name = Stack.of(bucket).getLogicalId(bucket.node.defaultChild as CfnBucket);
    for (const prefix of ['uploads', 'inline', 'results', 'thumbnails', 'claims', 'spending', 'results/inline', 'thumbnails/inline']) {
      explainResource(`<${name}.Arn>/${prefix}/*`, 'The keys of pictures are not known beforehand; the prefix is as narrow as they are.');
    }
  }
}

/**
 * The functions that the CDK itself brings along, to copy the pages and to empty buckets. Their roles are not ours to write.
 * `files` is the bucket of the pages.
 */
export function explainHelpers(stack: Stack, files: IBucket): void {
  const assets = `cdk-${DefaultStackSynthesizer.DEFAULT_QUALIFIER}-assets-<AWS::AccountId>-${Token.isUnresolved(stack.region) ? '<AWS::Region>' : stack.region}`;
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
      explain(helper, `AwsSolutions-${finding}`, 'A helper of the CDK, which chooses its runtime and role; it runs while the stack is deployed or removed, never in between.');
    }
  }
}
