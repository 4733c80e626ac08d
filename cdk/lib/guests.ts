/**
 * Guests: people without an account who act under a temporary identity. An identity pool gives each browser credentials of a role that
 * may call the guests' routes of the API and nothing else.
 *
 * In the enhanced flow, Cognito limits the credentials of unauthenticated identities further, to a list of services that includes
 * `execute-api` (Amazon Cognito Developer Guide, "IAM roles", on the session policies of unauthenticated identities). The classic flow,
 * which has no such limit, is off.
 */

import { Stack, Token } from 'aws-cdk-lib';
import { CfnIdentityPool, CfnIdentityPoolRoleAttachment } from 'aws-cdk-lib/aws-cognito';
import { FederatedPrincipal, PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';
import type { CfnApi, HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import { Construct } from 'constructs';
import { explain } from './nag.ts';
import type { Names } from './names.ts';
import type { GatewayRoute } from './routes.ts';

export class Guests extends Construct {
  readonly identityPoolId: string;
  private readonly role: Role;

  constructor(scope: Construct, id: string, private readonly names: Names) {
    super(scope, id);
    const pool = new CfnIdentityPool(this, 'Identities', {
      identityPoolName: names.accountWide,
      allowUnauthenticatedIdentities: true,
      allowClassicFlow: false,
    });
    explain(pool, 'AwsSolutions-COG7', 'Guests are the purpose of this pool. Their role may call the API\'s routes for guests and nothing else.');
    this.identityPoolId = pool.ref;
    // Amazon Cognito Developer Guide, "Role trust and permissions".
    this.role = new Role(this, 'Role', {
      description: 'Sightline: what guests may do',
      assumedBy: new FederatedPrincipal('cognito-identity.amazonaws.com', {
        StringEquals: { 'cognito-identity.amazonaws.com:aud': pool.ref },
        'ForAnyValue:StringLike': { 'cognito-identity.amazonaws.com:amr': 'unauthenticated' },
      }, 'sts:AssumeRoleWithWebIdentity'),
    });
    new CfnIdentityPoolRoleAttachment(this, 'Roles', { identityPoolId: pool.ref, roles: { unauthenticated: this.role.roleArn } });
  }

  /** Lets guests call these routes of the API, and no others. */
  allow(api: HttpApi, routes: readonly GatewayRoute[]): void {
    const stack = Stack.of(this);
    // `<api>/<stage>/<method>/<path>` (Amazon API Gateway Developer Guide, "Control access to HTTP APIs with IAM authorization").
    const paths = routes.map(({ method, path }) => `/$default/${method}${path.replace('{key+}', '*')}`);
    this.role.addToPolicy(new PolicyStatement({
      sid: 'CallTheApi',
      actions: ['execute-api:Invoke'],
      resources: paths.map((path) => `arn:${stack.partition}:execute-api:${stack.region}:${stack.account}:${api.apiId}${path}`),
    }));
    const known = (value: string, name: string) => (Token.isUnresolved(value) ? `<AWS::${name}>` : value);
    const shown = `arn:<AWS::Partition>:execute-api:${known(stack.region, 'Region')}:${known(stack.account, 'AccountId')}:<${stack.getLogicalId(api.node.defaultChild as CfnApi)}>`;
    for (const path of paths.filter((one) => one.endsWith('*'))) {
      explain(this.role, `AwsSolutions-IAM5[Resource::${shown}${path}]`, 'The keys of pictures are not known in advance; the API shows guests their own.');
    }
  }

  /** The member of the page's `config.json` with which it gets credentials and signs requests. */
  pageConfiguration(apiHost: string): Record<string, unknown> {
    return {
      guests: {
        identityPoolId: this.identityPoolId,
        region: Stack.of(this).region,
        // The host of the signature: CloudFront replaces the site's with it.
        apiHost,
        identityEndpoint: this.names.identityEndpoint,
      },
    };
  }
}
