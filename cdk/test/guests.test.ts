/** Guests: an identity pool whose unauthenticated role may call the guests' routes of the API and nothing else. */

import { describe, expect, test } from 'vitest';
import { ROUTES, type Route, apiPaths, gatewayRoutes } from '../lib/routes.ts';
import { describeFunctions } from '../lib/template.ts';
import { type Synthesised, all, flat, only, synth } from './support.ts';

const guests = synth({ guests: 'on' });
const without = synth();
const environment = { account: '111122223333', region: 'eu-west-1' };
const described = describeFunctions(guests.json, environment);

const keys = (from: Synthesised, type: string) => all(from, 'AWS::ApiGatewayV2::Route').filter((route) => route.AuthorizationType === type).map((route) => route.RouteKey as string);
const forGuests = ROUTES.filter((route) => route.guests !== undefined).map(({ method, path }) => `${method} /guest${path.replace('{key}', '{key+}')}`);

describe('guests=off', () => {
  test('there is no identity pool, no route and no permission for guests', () => {
    for (const type of ['AWS::Cognito::IdentityPool', 'AWS::Cognito::IdentityPoolRoleAttachment']) without.template.resourceCountIs(type, 0);
    expect(keys(without, 'AWS_IAM')).toEqual([]);
    expect(JSON.stringify(without.json)).not.toMatch(/guest|handovers|cognito-identity/i);
    expect(describeFunctions(without.json, environment).guests).toBeUndefined();
  });
});

describe('guests=on', () => {
  test('the identity pool has guests only, and no classic flow', () => {
    const pool = only(guests, 'AWS::Cognito::IdentityPool');
    expect(pool).toMatchObject({ AllowUnauthenticatedIdentities: true, AllowClassicFlow: false });
    for (const name of ['CognitoIdentityProviders', 'SamlProviderARNs', 'OpenIdConnectProviderARNs']) expect(pool).not.toHaveProperty(name);
    const { Roles } = only(guests, 'AWS::Cognito::IdentityPoolRoleAttachment');
    expect(Object.keys(Roles)).toEqual(['unauthenticated']);
  });

  test('only unauthenticated identities of this pool get the role', () => {
    const { AssumeRolePolicyDocument } = only(guests, 'AWS::IAM::Role', /what guests may do/);
    expect(AssumeRolePolicyDocument.Statement).toEqual([{
      Effect: 'Allow', Action: 'sts:AssumeRoleWithWebIdentity', Principal: { Federated: 'cognito-identity.amazonaws.com' },
      Condition: {
        StringEquals: { 'cognito-identity.amazonaws.com:aud': { Ref: expect.stringMatching(/^GuestsIdentities/) } },
        'ForAnyValue:StringLike': { 'cognito-identity.amazonaws.com:amr': 'unauthenticated' },
      },
    }]);
  });

  test('the role may call the routes for guests and nothing else', () => {
    const api = Object.keys(guests.json.Resources).find((id) => guests.json.Resources[id]!.Type === 'AWS::ApiGatewayV2::Api');
    expect(described.guests!.statements).toEqual([{
      Sid: 'CallTheApi', Effect: 'Allow', Action: ['execute-api:Invoke'],
      Resource: forGuests.map((key) => `arn:aws:execute-api:eu-west-1:111122223333:${api}/$default/${key.replace(' ', '').replace('{key+}', '*')}`),
    }]);
    for (const arn of described.guests!.statements.flatMap(({ Resource }) => Resource)) expect(arn).toMatch(/\/\$default\/(GET|POST|DELETE)\/guest\//);
    const role = Object.values(guests.json.Resources).find(({ Type, Properties }) => Type === 'AWS::IAM::Role' && Properties?.Description === 'Sightline: what guests may do');
    expect(role!.Properties).not.toHaveProperty('ManagedPolicyArns');
  });

  test('each route for guests takes signed requests alone, and users keep theirs', () => {
    expect(keys(guests, 'AWS_IAM').sort()).toEqual([...forGuests].sort());
    const users = ROUTES.filter((route) => !route.public).map(({ method, path }) => `${method} ${path.replace('{key}', '{key+}')}`);
    expect(keys(guests, 'JWT').sort()).toEqual(users.sort());
    expect(keys(guests, 'NONE')).toEqual(['GET /health', 'GET /openapi.json']);
  });

  test('a route of the handover exists only with guests, and then for both', () => {
    const routes = [{ method: 'POST', path: '/handovers', public: false, guests: 'handover' }] as unknown as Route[];
    const made = (on: boolean) => gatewayRoutes({ guests: on, imageRequestRate: 1 }, routes).map(({ method, path, callers }) => `${method} ${path} ${callers}`);
    expect(made(true)).toEqual(['POST /handovers users', 'POST /guest/handovers guests']);
    expect(made(false)).toEqual([]);
    expect(apiPaths({ guests: true }, routes)).toEqual(['/handovers', '/guest/*']);
    expect(apiPaths({ guests: false }, routes)).toEqual([]);
  });

  test('guests cannot use up the throttle of users, and both together keep to Rekognition\'s quota', () => {
    const settings = only(guests, 'AWS::ApiGatewayV2::Stage').RouteSettings;
    for (const key of keys(guests, 'AWS_IAM')) {
      expect(settings[key], key).toEqual(key === 'POST /guest/images' ? settings['POST /images'] : { ThrottlingRateLimit: 10, ThrottlingBurstLimit: 20 });
    }
    expect(settings['POST /images'].ThrottlingRateLimit * 2).toBe(10);
    expect(only(synth({ guests: 'on' }, 'eu-central-1'), 'AWS::ApiGatewayV2::Stage').RouteSettings['POST /guest/images']).toEqual({ ThrottlingRateLimit: 0.5, ThrottlingBurstLimit: 1 });
    const off = only(synth({ guests: 'on', imageRequests: 'off' }), 'AWS::ApiGatewayV2::Stage').RouteSettings;
    expect(Object.keys(off).filter((key) => key.startsWith('POST') && key.endsWith('images'))).toEqual([]);
  });

  test('CloudFront forwards their routes, and the page may get credentials', () => {
    const patterns = only(guests, 'AWS::CloudFront::Distribution').DistributionConfig.CacheBehaviors.map((one: any) => one.PathPattern);
    expect(patterns).toContain('/guest/*');
    const { ContentSecurityPolicy } = only(guests, 'AWS::CloudFront::ResponseHeadersPolicy').ResponseHeadersPolicyConfig.SecurityHeadersConfig.ContentSecurityPolicy;
    expect(flat(ContentSecurityPolicy)).toMatch(/connect-src [^;]* https:\/\/cognito-identity\.<AWS::Region>\.<AWS::URLSuffix>;/);
    // The ids are filled in at deployment.
    const markers = only(guests, 'Custom::CDKBucketDeployment').SourceMarkers.flatMap(Object.values).map(flat);
    expect(markers).toEqual(expect.arrayContaining([expect.stringMatching(/^<GuestsIdentities\w+>$/), expect.stringMatching(/^<UploadApi\w+>$/)]));
    expect(flat(guests.json.Outputs.IdentityPoolId!.Value)).toMatch(/^<GuestsIdentities\w+>$/);
  });

  test('pages of other origins may send signed requests', () => {
    const { AllowHeaders, ExposeHeaders } = only(synth({ guests: 'on', allowedOrigins: 'https://a.example' }), 'AWS::ApiGatewayV2::Api').CorsConfiguration;
    expect(AllowHeaders).toEqual(['authorization', 'content-type', 'if-none-match', 'x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256']);
    expect(ExposeHeaders).toContain('date');
  });

  test('the upload API knows the pool, keeps codes for at most a day, and alone may read and write them', () => {
    const { uploadApi, processor } = described.functions;
    expect(uploadApi.environment.GUEST_IDENTITY_POOL).toMatch(/^eu-west-1:[0-9a-f-]{36}$/);
    expect(uploadApi.statements).toContainEqual({
      Sid: 'HandOver', Effect: 'Allow', Action: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'], Resource: [expect.stringMatching(/-output-[^/]*\/handovers\/\*$/)],
    });
    expect(JSON.stringify(processor)).not.toMatch(/handovers|GUEST/);
    expect(only(guests, 'AWS::S3::Bucket', /-output-/).LifecycleConfiguration.Rules).toContainEqual({ Id: 'expire-handovers', Prefix: 'handovers/', ExpirationInDays: 1, Status: 'Enabled' });
  });
});
