/**
 * Names that must be known before the resources exist. The site's Content-Security-Policy names the buckets and the sign-in pages,
 * which in turn name the site. Generated names would make a dependency cycle.
 */

import { Aws } from 'aws-cdk-lib';

export class Names {
  readonly inputBucket: string;
  readonly outputBucket: string;
  /** For resources whose names are shared by all regions of the account. */
  readonly accountWide: string;
  /** The domain prefix in `<prefix>.auth.<region>.amazoncognito.com`. */
  readonly signInPrefix: string;

  constructor(stage: string) {
    this.inputBucket = `sightline-${stage}-input-${Aws.ACCOUNT_ID}-${Aws.REGION}`;
    this.outputBucket = `sightline-${stage}-output-${Aws.ACCOUNT_ID}-${Aws.REGION}`;
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
