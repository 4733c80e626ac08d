/**
 * The secret that CloudFront adds to each request to the API, so that the API can reject requests that went around the distribution
 * and its web ACL. An HTTP API takes no web ACL itself, and its own address cannot be switched off while CloudFront uses it.
 *
 * Secrets Manager generates the values. The template has only dynamic references, which CloudFormation resolves in any resource
 * property, and resolves again only when the reference itself changes (AWS CloudFormation User Guide, "Get a secret or secret value from
 * Secrets Manager"). So each rotation has a secret of its own instead of a new value in the same one.
 */

import { RemovalPolicy } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { explain } from './nag.ts';

/** The request header. crates/upload-api/src/origin.rs checks it. */
export const ORIGIN_HEADER = 'x-sightline-origin';

export class OriginSecret extends Construct {
  /** What CloudFront sends. */
  readonly sent: string;
  /** What the API accepts, separated by commas. */
  readonly accepted: string;

  /**
   * The API accepts the secrets `current - 1`, `current` and `current + 1`. Raised by one, CloudFront sends the next one, which the API
   * accepts already, and the API still accepts the last one, which some edge locations send for minutes. So the order in which
   * CloudFormation updates the two does not matter. It could not be fixed either: the buckets' CORS rules need the distribution's
   * domain, and the function needs the buckets.
   */
  constructor(scope: Construct, id: string, current: number) {
    super(scope, id);
    const value = (number: number): string => {
      const secret = new Secret(this, `Value${number}`, {
        description: `Sightline: CloudFront shows the API that a request came through it, number ${number}`,
        // Letters and digits, because the list is separated by commas.
        generateSecretString: { passwordLength: 64, excludePunctuation: true },
        removalPolicy: RemovalPolicy.DESTROY,
      });
      explain(secret, 'AwsSolutions-SMG4', 'A function that rotates it could not update the distribution. Raising originSecret rotates it.');
      return secret.secretValue.unsafeUnwrap();
    };
    const previous = current > 1 ? [value(current - 1)] : [];
    this.sent = value(current);
    this.accepted = [...previous, this.sent, value(current + 1)].join(',');
  }
}
