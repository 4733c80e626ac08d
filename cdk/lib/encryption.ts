/** The customer-managed key (`kmsKeyArn`). docs/deploy.md has the statements that its policy needs. */

import { Aws } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import type { Options } from './options.ts';

/** The key; undefined if AWS's own keys encrypt. */
export function encryptionKey(scope: Construct, { kmsKeyArn }: Options): IKey | undefined {
  return kmsKeyArn === undefined ? undefined : Key.fromKeyArn(scope, 'Key', kmsKeyArn);
}

/** Lets a function use the key through these services, and in no other way. */
export function useKey({ kmsKeyArn }: Options, ...services: ('s3' | 'sqs' | 'dynamodb')[]): PolicyStatement[] {
  if (kmsKeyArn === undefined) return [];
  return [
    new PolicyStatement({
      sid: 'UseKey',
      actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
      resources: [kmsKeyArn],
      conditions: { StringEquals: { 'kms:ViaService': services.map((service) => `${service}.${Aws.REGION}.amazonaws.com`) } },
    }),
  ];
}
