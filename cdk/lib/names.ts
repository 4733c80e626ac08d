/**
 * Names that must be known before the resources exist. The site's Content-Security-Policy names the buckets and the sign-in pages,
 * which in turn name the site. Generated names would make a dependency cycle.
 */

import { Aws, type Stack } from 'aws-cdk-lib';
import type { Options } from './options.ts';

export class Names {
  readonly inputBucket: string;
  readonly outputBucket: string;
  /** For resources whose names are shared by all regions of the account. */
  readonly accountWide: string;
  /** The domain prefix in `<prefix>.auth.<region>.amazoncognito.com`. */
  readonly signInPrefix: string;

  constructor(options: Options, stack: Stack) {
    const { stage, bucketNames, inputBucketName, outputBucketName } = options;
    // Names in the account's regional namespace end with `-an` (Amazon S3 User Guide, "Namespaces for general purpose buckets"). Account
    // and region are literal where the stack knows them: CloudFormation imports retained resources by literal names alone.
    const suffix = `${stack.account}-${stack.region}${bucketNames === 'regional' ? '-an' : ''}`;
    this.inputBucket = inputBucketName ?? `sightline-${stage}-input-${suffix}`;
    this.outputBucket = outputBucketName ?? `sightline-${stage}-output-${suffix}`;
    this.accountWide = `sightline-${stage}-${Aws.REGION}`;
    this.signInPrefix = `sightline-${stage}-${Aws.ACCOUNT_ID}`;
  }

  /** The `https://…` origin of a bucket's presigned URLs. */
  bucketOrigin(bucket: string): string {
    return `https://${bucket}.s3.${Aws.REGION}.${Aws.URL_SUFFIX}`;
  }

  /** The `https://…` origin of the sign-in pages. */
  get signInOrigin(): string {
    return `https://${this.signInPrefix}.auth.${Aws.REGION}.amazoncognito.com`;
  }

  /** Where guests get their identities and credentials. */
  get identityEndpoint(): string {
    return `https://cognito-identity.${Aws.REGION}.${Aws.URL_SUFFIX}`;
  }
}
