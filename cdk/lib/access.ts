/** Who may call: with `owner`, whoever has signed in to the user pool; with `unlisted`, everybody. */

import { Duration } from 'aws-cdk-lib';
import { HttpNoneAuthorizer, type IHttpRouteAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpJwtAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { FeaturePlan, Mfa, OAuthScope, UserPool, type UserPoolClient } from 'aws-cdk-lib/aws-cognito';
import { Construct } from 'constructs';
import { explain } from './nag.ts';
import type { Names } from './names.ts';
import { type Options, keeping } from './options.ts';

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
      // Who owns a picture is a `sub` of this pool, which no backup brings back. It stands in the way of a first deployment's
      // rollback too; docs/deploy.md says what to do then.
      deletionProtection: options.removalPolicy === 'retain',
      removalPolicy: keeping(options),
    });
    explain(this.userPool, 'AwsSolutions-COG2', 'A second factor is offered (TOTP) and left to each user: the pool guards pictures of their own, not an administration.');
    explain(this.userPool, 'AwsSolutions-COG8', 'The Plus plan is billed per user from the first; the Essentials plan has the sign-in that the page needs.');
    this.userPool.addDomain('SignIn', { cognitoDomain: { domainPrefix: names.signInPrefix } });
    this.client = this.userPool.addClient('Page', {
      // A page cannot keep a secret; PKCE stands in for it.
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

  /** Members of the page's `config.json`. */
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

/** Pages that somebody may come back to after signing in. */
const PAGES = ['', 'upload.html', 'gallery.html'];
