/**
 * Names that have to be known before the resources exist. The site's Content-Security-Policy names the buckets and the sign-in
 * pages, and buckets and sign-in pages name the site: with generated names, each would have to be made before the other.
 */

import { Aws } from 'aws-cdk-lib';

export class Names {
  readonly inputBucket: string;
  readonly outputBucket: string;
  /** For what the account has one list of in all regions. */
  readonly inAccount: string;
  /** What stands before `.auth.<region>.amazoncognito.com`. */
  readonly signInPrefix: string;

  constructor(stage: string) {
    this.inputBucket = `sightline-${stage}-input-${Aws.ACCOUNT_ID}-${Aws.REGION}`;
    this.outputBucket = `sightline-${stage}-output-${Aws.ACCOUNT_ID}-${Aws.REGION}`;
    this.inAccount = `sightline-${stage}-${Aws.REGION}`;
    this.signInPrefix = `sightline-${stage}-${Aws.ACCOUNT_ID}`;
  }

  /** `https://…` of a bucket as presigned addresses have it. */
  bucketOrigin(bucket: string): string {
    return `https://${bucket}.s3.${Aws.REGION}.${Aws.URL_SUFFIX}`;
  }

  /** `https://…` of the sign-in pages. */
  get signInOrigin(): string {
    return `https://${this.signInPrefix}.auth.${Aws.REGION}.amazoncognito.com`;
  }
}
