/** Who may call the API: signed-in users of the user pool (`owner`), or everyone (`unlisted`). */

import { Duration } from 'aws-cdk-lib';
import { HttpNoneAuthorizer, type IHttpRouteAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpJwtAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { AccountRecovery, FeaturePlan, Mfa, OAuthScope, UserPool } from 'aws-cdk-lib/aws-cognito';
import { Construct } from 'constructs';
import { explain } from './nag.ts';
import type { Names } from './names.ts';
import { type ExistingUserPool, type Options, removalPolicy } from './options.ts';

/** A user pool, and the app client of the page. */
interface SignIn extends ExistingUserPool {
  /** The issuer of its tokens. */
  readonly issuer: string;
}

export class Access extends Construct {
  readonly authorizer: IHttpRouteAuthorizer;
  /** Undefined with `unlisted`. */
  readonly signIn: SignIn | undefined;

  constructor(scope: Construct, id: string, options: Options, names: Names, siteOrigin: string) {
    super(scope, id);
    if (options.access === 'unlisted') {
      this.authorizer = new HttpNoneAuthorizer();
      return;
    }
    this.signIn = options.existingUserPool ? existing(options.existingUserPool) : this.create(options, names, siteOrigin);
    this.authorizer = new HttpJwtAuthorizer('SignedIn', this.signIn.issuer, { jwtAudience: [this.signIn.clientId] });
  }

  private create(options: Options, names: Names, siteOrigin: string): SignIn {
    const userPool = new UserPool(this, 'Users', {
      userPoolName: names.signInPrefix,
      selfSignUpEnabled: options.signUp === 'open',
      signInAliases: { email: true },
      autoVerify: { email: true },
      // A pool without telephone numbers must not offer recovery by text message.
      accountRecovery: AccountRecovery.EMAIL_ONLY,
      featurePlan: FeaturePlan.ESSENTIALS,
      passwordPolicy: { minLength: 12, requireDigits: true, requireLowercase: true, requireUppercase: true, requireSymbols: true },
      mfa: { optional: Mfa.OPTIONAL, required: Mfa.REQUIRED, off: Mfa.OFF }[options.mfa],
      ...(options.mfa !== 'off' && { mfaSecondFactor: { sms: false, otp: true } }),
      // A picture's owner is a `sub` of this pool, and no backup restores those. The protection also blocks the rollback of a
      // first deployment; docs/deploy.md says what to do then.
      deletionProtection: options.removalPolicy === 'retain',
      removalPolicy: removalPolicy(options),
    });
    if (options.mfa !== 'required') {
      explain(userPool, 'AwsSolutions-COG2', 'An account protects only its user\'s own pictures. mfa=required demands a second factor.');
    }
    explain(userPool, 'AwsSolutions-COG8', 'The Plus plan bills every user; the Essentials plan has all that the page needs to sign in.');
    userPool.addDomain('SignIn', { cognitoDomain: { domainPrefix: names.signInPrefix } });
    const pages = [...PAGES.map((page) => `${siteOrigin}/${page}`), ...options.callbackUrls];
    const client = userPool.addClient('Page', {
      // A page cannot keep a secret, so it uses PKCE.
      generateSecret: false,
      // The page signs in with an authorization code alone. Without any flow here Cognito would allow three of its API's, and SRP is the
      // one of them that never sends the password (Amazon Cognito user pools API Reference, "CreateUserPoolClient", ExplicitAuthFlows).
      authFlows: { userSrp: true },
      oAuth: {
        flows: { authorizationCodeGrant: true },
        scopes: [OAuthScope.OPENID, OAuthScope.EMAIL],
        callbackUrls: pages,
        logoutUrls: pages,
      },
      preventUserExistenceErrors: true,
      enableTokenRevocation: true,
      accessTokenValidity: Duration.minutes(options.accessTokenMinutes),
      idTokenValidity: Duration.minutes(options.accessTokenMinutes),
      refreshTokenValidity: Duration.days(options.refreshTokenDays),
      // Each refresh token works once. The last one stays valid for a minute, the most that Cognito allows, in case an answer is lost.
      // It excludes ALLOW_REFRESH_TOKEN_AUTH (Amazon Cognito Developer Guide, "Refresh tokens").
      refreshTokenRotationGracePeriod: Duration.seconds(60),
    });
    return { id: userPool.userPoolId, clientId: client.userPoolClientId, signInDomain: names.signInOrigin, issuer: userPool.userPoolProviderUrl };
  }

  /** The sign-in members of the page's `config.json`. */
  pageConfiguration(): Record<string, unknown> {
    if (!this.signIn) return {};
    const { signInDomain, clientId } = this.signIn;
    return { auth: { domain: signInDomain, clientId, scopes: ['openid', 'email'] } };
  }
}

/** The `https://…` origin of the sign-in pages. */
export function signInOrigin({ existingUserPool }: Options, names: Names): string {
  return existingUserPool?.signInDomain ?? names.signInOrigin;
}

/** The pool's id begins with its region (Amazon Cognito Developer Guide, "Verifying JSON web tokens", on the issuer). */
function existing(pool: ExistingUserPool): SignIn {
  return { ...pool, issuer: `https://cognito-idp.${pool.id.split('_')[0]}.amazonaws.com/${pool.id}` };
}

/** The pages that sign-in and sign-out may redirect to. */
const PAGES = ['', 'upload.html', 'gallery.html'];
