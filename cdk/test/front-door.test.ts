/** What stands between anybody and the API: the origin secret, the web ACL, the throttles, the edge function and the site's domain. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { describeFunctions } from '../lib/template.ts';
import { type Synthesised, all, flat, only, synth } from './support.ts';

const CERTIFICATE = 'arn:aws:acm:us-east-1:111122223333:certificate/01234567-89ab-cdef-0123-456789abcdef';
const WEB_ACL = 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/sightline/01234567-89ab-cdef-0123-456789abcdef';

const owner = synth();
const unlisted = synth({ access: 'unlisted' });
const own = synth({
  domainName: 'pictures.example.com', certificateArn: CERTIFICATE, webAclArn: WEB_ACL, originSecret: 3, hostedZoneId: 'Z0123456789ABCDEFGHIJ',
  allowedOrigins: 'https://shop.example', callbackUrls: 'https://shop.example/signed-in.html',
});
const distribution = (from: Synthesised) => only(from, 'AWS::CloudFront::Distribution').DistributionConfig;
const headers = (from: Synthesised) => distribution(from).Origins.flatMap((origin: any) => origin.OriginCustomHeaders ?? []);

/** The variables of the upload API as the template has them, with references to secrets. */
const variables = (from: Synthesised) =>
  only(from, 'AWS::Lambda::Function', /issues upload URLs/).Environment.Variables as Record<string, unknown>;
/** `{{resolve:…}}` with the number of the secret. */
const numbers = (value: unknown) => [...flat(value).matchAll(/\{\{resolve:secretsmanager:<OriginSecretValue(\d+?)[0-9A-F]{8}>:SecretString:::\}\}/g)].map(([, number]) => Number(number));

describe('origin secret', () => {
  test('CloudFront sends a secret that the function accepts, and the template has no value', () => {
    for (const from of [owner, unlisted]) {
      const [header, ...others] = headers(from);
      expect(others).toEqual([]);
      expect(header.HeaderName).toBe('x-sightline-origin');
      expect(numbers(header.HeaderValue)).toEqual([1]);
      expect(numbers(variables(from).ORIGIN_SECRETS)).toEqual([1, 2]);
      const secrets = all(from, 'AWS::SecretsManager::Secret');
      expect(secrets).toHaveLength(2);
      // 64 letters and digits: no comma, which separates the values.
      for (const secret of secrets) expect(secret.GenerateSecretString).toEqual({ PasswordLength: 64, ExcludePunctuation: true });
      for (const secret of secrets) expect(secret).not.toHaveProperty('SecretString');
    }
  });

  test('a rotation changes what CloudFront sends to what the function accepted before, and keeps the last one', () => {
    const accepted = new Map([[1, owner], [2, synth({ originSecret: 2 })], [3, own]].map(([number, from]) => [number, numbers(variables(from as Synthesised).ORIGIN_SECRETS)]));
    expect([...accepted]).toEqual([[1, [1, 2]], [2, [1, 2, 3]], [3, [2, 3, 4]]]);
    expect(numbers(headers(own)[0].HeaderValue)).toEqual([3]);
    for (const next of [2, 3]) {
      // In whatever order CloudFormation updates the two, both functions accept both headers.
      for (const function_ of [next - 1, next]) expect(accepted.get(function_)).toEqual(expect.arrayContaining([next - 1, next]));
    }
  });

  test('originSecret=off has no secret, no header and no check', () => {
    const off = synth({ originSecret: 'off' });
    off.template.resourceCountIs('AWS::SecretsManager::Secret', 0);
    expect(headers(off)).toEqual([]);
    expect(variables(off)).not.toHaveProperty('ORIGIN_SECRETS');
  });

  test('the processor gets no secret, and neither function may read one', () => {
    const { functions } = describeFunctions(owner.json, { account: '111122223333', region: 'eu-west-1' });
    expect(functions.processor.environment).not.toHaveProperty('ORIGIN_SECRETS');
    expect(JSON.stringify(all(owner, 'AWS::IAM::Policy'))).not.toContain('secretsmanager');
    expect(JSON.stringify(owner.json.Outputs)).not.toContain('resolve:');
  });

  test('the tests send the value that the functions are given there', () => {
    const support = readFileSync(fileURLToPath(new URL('../../tests/support/invoke.rs', import.meta.url)), 'utf8');
    const { ORIGIN_SECRETS } = describeFunctions(owner.json, { account: '111122223333', region: 'eu-west-1' }).functions.uploadApi.environment;
    expect(support).toContain(`ORIGIN_SECRET: &str = "${ORIGIN_SECRETS!.split(',')[0]}"`);
  });
});

describe('throttles', () => {
  const settings = (from: Synthesised) => only(from, 'AWS::ApiGatewayV2::Stage').RouteSettings;
  test.each([['owner', owner], ['unlisted', unlisted]])('%s: the public routes have small throttles of their own', (_, from) => {
    for (const route of ['GET /health', 'GET /openapi.json']) expect(settings(from)[route]).toEqual({ ThrottlingRateLimit: 5, ThrottlingBurstLimit: 10 });
    const public_ = all(owner, 'AWS::ApiGatewayV2::Route').filter((route) => route.AuthorizationType === 'NONE').map((route) => route.RouteKey);
    for (const route of public_) expect(settings(owner)).toHaveProperty([route]);
  });

  test('every route with a throttle exists before the stage', () => {
    const stage = Object.values(owner.json.Resources).find(({ Type }) => Type === 'AWS::ApiGatewayV2::Stage') as any;
    const routes = Object.entries(owner.json.Resources).filter(([, { Type, Properties }]) => Type === 'AWS::ApiGatewayV2::Route' && settings(owner)[Properties!.RouteKey as string]);
    expect(routes).toHaveLength(3);
    for (const [id] of routes) expect(stage.DependsOn).toContain(id);
  });
});

describe('edge function', () => {
  const run = (from: Synthesised, uri: string, more: { method?: string; headers?: Record<string, { value: string }> } = {}) => {
    const { FunctionCode } = only(from, 'AWS::CloudFront::Function', /host name/);
    const handler = new Function(`${FunctionCode}; return handler;`)() as (event: object) => any;
    return handler({ request: { method: more.method ?? 'GET', uri, headers: { host: { value: 'd1.cloudfront.net' }, 'x-forwarded-host': { value: 'evil.example' }, ...more.headers } } });
  };
  const token = { authorization: { value: 'Bearer t' } };

  test('passes on the viewer\'s host name, and nothing that the viewer wrote in its place', () => {
    for (const from of [owner, unlisted]) {
      const request = run(from, '/uploads', { headers: token });
      expect(request.headers['x-forwarded-host']).toEqual({ value: 'd1.cloudfront.net' });
      expect(request.uri).toBe('/uploads');
    }
  });

  test('requests without credentials do not reach API Gateway, except for the public routes and preflight requests', () => {
    for (const path of ['/uploads', '/images', '/images/uploads/a.jpg', '/results/a', '/labels', '/health/x']) {
      const answer = run(owner, path, { headers: { origin: { value: 'https://evil.example' } } });
      expect(answer).toMatchObject({ statusCode: 401, headers: { 'cache-control': { value: 'no-store' } }, body: { data: '{"message":"Unauthorized"}' } });
      expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
      expect(run(owner, path, { method: 'OPTIONS' }).uri).toBe(path);
      expect(run(unlisted, path).uri).toBe(path);
    }
    for (const path of ['/health', '/openapi.json']) expect(run(owner, path).uri).toBe(path);
  });

  test('a page of an allowed origin can read the rejection', () => {
    const origin = { value: 'https://shop.example' };
    expect(run(own, '/uploads', { headers: { origin } }).headers['access-control-allow-origin']).toEqual(origin);
  });
});

describe('/docs', () => {
  test('is the page of the API, from the bucket of the pages, and needs no credentials', () => {
    for (const from of [owner, unlisted]) {
      const { FunctionCode } = only(from, 'AWS::CloudFront::Function', /docs/);
      const handler = new Function(`${FunctionCode}; return handler;`)() as (event: object) => any;
      expect(handler({ request: { method: 'GET', uri: '/docs', headers: {} } }).uri).toBe('/docs.html');
      const { CacheBehaviors, DefaultCacheBehavior } = distribution(from) as any;
      const behaviors = CacheBehaviors.filter(({ PathPattern }: { PathPattern: string }) => PathPattern === '/docs');
      expect(behaviors).toHaveLength(1);
      expect(behaviors[0].TargetOriginId).toBe(DefaultCacheBehavior.TargetOriginId);
      expect(behaviors[0].ResponseHeadersPolicyId).toEqual(DefaultCacheBehavior.ResponseHeadersPolicyId);
    }
  });
});

describe('web ACL', () => {
  test('guards the distribution if one is given', () => {
    expect(distribution(own).WebACLId).toBe(WEB_ACL);
    expect(distribution(owner)).not.toHaveProperty('WebACLId');
  });
});

describe('own domain', () => {
  const SITE = 'https://pictures.example.com';
  const pages = ['', 'upload.html', 'gallery.html'];

  test('what else is under it may still use HTTP', () => {
    const [covers, spares] = [owner, own].map((stack) => only(stack, 'AWS::CloudFront::ResponseHeadersPolicy').ResponseHeadersPolicyConfig.SecurityHeadersConfig.StrictTransportSecurity.IncludeSubdomains);
    expect([covers, spares]).toEqual([true, false]);
  });

  test('the distribution has it, with its certificate and TLS 1.2 as the least', () => {
    expect(distribution(own)).toMatchObject({
      Aliases: ['pictures.example.com'], ViewerCertificate: { AcmCertificateArn: CERTIFICATE, MinimumProtocolVersion: 'TLSv1.2_2021', SslSupportMethod: 'sni-only' },
    });
    expect(distribution(owner)).not.toHaveProperty('Aliases');
    expect(own.json.Outputs.SiteUrl!.Value).toBe(SITE);
    expect(flat(own.json.Outputs.DistributionDomain!.Value)).toMatch(/^<WebsiteDistribution\w+\.DomainName>$/);
  });

  test('Route 53 points it at the distribution if the zone is given', () => {
    const records = all(own, 'AWS::Route53::RecordSet').map(({ Type, Name, HostedZoneId, AliasTarget }) => [Type, Name, HostedZoneId, flat(AliasTarget.DNSName)]);
    const target = expect.stringMatching(/^<WebsiteDistribution\w+\.DomainName>$/);
    expect(records).toEqual(['A', 'AAAA'].map((type) => [type, 'pictures.example.com.', 'Z0123456789ABCDEFGHIJ', target]));
    owner.template.resourceCountIs('AWS::Route53::RecordSet', 0);
  });

  test('sign-in returns to it, and to the further pages, and the buckets accept it', () => {
    const { CallbackURLs, LogoutURLs } = only(own, 'AWS::Cognito::UserPoolClient');
    const expected = [...pages.map((page) => `${SITE}/${page}`), 'https://shop.example/signed-in.html'];
    expect([CallbackURLs, LogoutURLs]).toEqual([expected, expected]);
    const rules = all(own, 'AWS::S3::Bucket').flatMap((bucket) => bucket.CorsConfiguration?.CorsRules ?? []);
    expect(rules.map((rule: any) => rule.AllowedOrigins)).toEqual(Array(3).fill([SITE, 'https://shop.example']));
    // Only the records need CloudFront's own name.
    const named = Object.values(own.json.Resources).filter((resource) => /"WebsiteDistribution\w+","DomainName"/.test(JSON.stringify(resource)));
    expect(named.map(({ Type }) => Type)).toEqual(Array(2).fill('AWS::Route53::RecordSet'));
  });

  test('a page of another site learns from the outputs how people sign in', () => {
    expect(flat(own.json.Outputs.SignInUrl!.Value)).toBe('https://sightline-dev-<AWS::AccountId>.auth.<AWS::Region>.amazoncognito.com');
    expect(flat(own.json.Outputs.UserPoolClientId!.Value)).toMatch(/^<AccessUsersPage\w+>$/);
  });
});
