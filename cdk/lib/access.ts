/** Who may call the API: signed-in users of the user pool (`owner`), or everyone (`unlisted`). */

import { Duration } from 'aws-cdk-lib';
import { HttpNoneAuthorizer, type IHttpRouteAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpJwtAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { FeaturePlan, Mfa, OAuthScope, UserPool, type UserPoolClient } from 'aws-cdk-lib/aws-cognito';
import { Construct } from 'constructs';
import { explain } from './nag.ts';
import type { Names } from './names.ts';
import { type Options, removalPolicy } from './options.ts';

export class Access extends Construct {
  readonly authorizer: IHttpRouteAuthorizer;
  readonly userPool: UserPool | undefined;
  readonly client: UserPoolClient | undefined;
  private readonly names: Names;

  constructor(scope: Construct, id: string, options: Options, names: Names, siteOrigin: string) {
    super(scope, id);
    this.names = names;
    if (options.access === 'unlisted') {
      this.authorizer = new HttpNoneAuthorizer();
      return;
    }
    this.userPool = new UserPool(this, 'Users', {
      userPoolName: names.signInPrefix,
      selfSignUpEnabled: options.signUp === 'open',
      signInAliases: { email: true },
      autoVerify: { email: true },
      featurePlan: FeaturePlan.ESSENTIALS,
      passwordPolicy: { minLength: 12, requireDigits: true, requireLowercase: true, requireUppercase: true, requireSymbols: true },
      mfa: Mfa.OPTIONAL,
      mfaSecondFactor: { sms: false, otp: true },
      // A picture's owner is a `sub` of this pool, and no backup restores those. The protection also blocks the rollback of a
      // first deployment; docs/deploy.md says what to do then.
      deletionProtection: options.removalPolicy === 'retain',
      removalPolicy: removalPolicy(options),
    });
    explain(this.userPool, 'AwsSolutions-COG2', 'TOTP is offered and optional: an account protects only its user\'s own pictures.');
    explain(this.userPool, 'AwsSolutions-COG8', 'The Plus plan bills every user; the Essentials plan has all that the page needs to sign in.');
    this.userPool.addDomain('SignIn', { cognitoDomain: { domainPrefix: names.signInPrefix } });
    this.client = this.userPool.addClient('Page', {
      // A page cannot keep a secret, so it uses PKCE.
      generateSecret: false,
      authFlows: {},
      oAuth: {
        flows: { authorizationCodeGrant: true },
        scopes: [OAuthScope.OPENID, OAuthScope.EMAIL],
        callbackUrls: PAGES.map((page) => `${siteOrigin}/${page}`),
        logoutUrls: PAGES.map((page) => `${siteOrigin}/${page}`),
      },
      preventUserExistenceErrors: true,
      enableTokenRevocation: true,
      accessTokenValidity: Duration.hours(1),
      idTokenValidity: Duration.hours(1),
      refreshTokenValidity: Duration.days(30),
    });
    this.authorizer = new HttpJwtAuthorizer('SignedIn', this.userPool.userPoolProviderUrl, {
      jwtAudience: [this.client.userPoolClientId],
    });
  }

  /** The sign-in members of the page's `config.json`. */
  pageConfiguration(): Record<string, unknown> {
    if (!this.client) return {};
    return {
      auth: {
        domain: this.names.signInOrigin,
        clientId: this.client.userPoolClientId,
        scopes: ['openid', 'email'],
      },
    };
  }
}

/** The pages that sign-in and sign-out may redirect to. */
const PAGES = ['', 'upload.html', 'gallery.html'];
