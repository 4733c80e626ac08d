/** The user pool: how people sign in, for how long, and with which pool. */

import { describe, expect, test } from 'vitest';
import { type Synthesised, all, flat, only, synth } from './support.ts';

const POOL = { userPoolId: 'eu-central-1_AbCdEfGhI', userPoolClientId: '1example23456789', signInDomain: 'https://login.example.com' };

const owner = synth();
const strict = synth({ mfa: 'required', accessTokenMinutes: 5, refreshTokenDays: 1 });
const pool = (from: Synthesised) => only(from, 'AWS::Cognito::UserPool');
const client = (from: Synthesised) => only(from, 'AWS::Cognito::UserPoolClient');

describe('user pool', () => {
  test('an account is recovered by its verified e-mail address alone', () => {
    expect(pool(owner).AccountRecoverySetting).toEqual({ RecoveryMechanisms: [{ Name: 'verified_email', Priority: 1 }] });
  });

  test('a second factor is optional, required or off, and always a code of an app', () => {
    expect([pool(owner).MfaConfiguration, pool(owner).EnabledMfas]).toEqual(['OPTIONAL', ['SOFTWARE_TOKEN_MFA']]);
    expect([pool(strict).MfaConfiguration, pool(strict).EnabledMfas]).toEqual(['ON', ['SOFTWARE_TOKEN_MFA']]);
    const off = pool(synth({ mfa: 'off' }));
    expect([off.MfaConfiguration, off.EnabledMfas]).toEqual(['OFF', undefined]);
  });

  test('the page signs in with an authorization code; no flow of the API takes a password or renews a token', () => {
    expect(client(owner)).toMatchObject({ AllowedOAuthFlows: ['code'], ExplicitAuthFlows: ['ALLOW_USER_SRP_AUTH'] });
  });

  test('refresh tokens work once, with a minute in which the last one still does; rotation needs the Essentials plan', () => {
    expect(client(owner).RefreshTokenRotation).toEqual({ Feature: 'ENABLED', RetryGracePeriodSeconds: 60 });
    expect(pool(owner).UserPoolTier).toBe('ESSENTIALS');
  });

  test('tokens are valid for as long as configured', () => {
    const validity = (from: Synthesised) => {
      const { AccessTokenValidity, IdTokenValidity, RefreshTokenValidity, TokenValidityUnits } = client(from);
      expect(TokenValidityUnits).toEqual({ AccessToken: 'minutes', IdToken: 'minutes', RefreshToken: 'minutes' });
      return [AccessTokenValidity, IdTokenValidity, RefreshTokenValidity / (24 * 60)];
    };
    expect(validity(owner)).toEqual([60, 60, 30]);
    expect(validity(strict)).toEqual([5, 5, 1]);
  });
});

describe('existing user pool', () => {
  const existing = synth(POOL);

  test('nothing of Cognito is created', () => {
    for (const type of ['UserPool', 'UserPoolClient', 'UserPoolDomain']) expect(all(existing, `AWS::Cognito::${type}`)).toEqual([]);
  });

  test('the API accepts its tokens alone, in the region that its id names', () => {
    expect(only(existing, 'AWS::ApiGatewayV2::Authorizer').JwtConfiguration).toEqual({
      Audience: ['1example23456789'], Issuer: 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI',
    });
    const open = all(existing, 'AWS::ApiGatewayV2::Route').filter((route) => route.AuthorizationType !== 'JWT').map((route) => route.RouteKey);
    expect(open).toEqual(['GET /health', 'GET /openapi.json']);
  });

  test('the page signs in at its domain', () => {
    const { ContentSecurityPolicy } = only(existing, 'AWS::CloudFront::ResponseHeadersPolicy').ResponseHeadersPolicyConfig.SecurityHeadersConfig.ContentSecurityPolicy;
    expect(flat(ContentSecurityPolicy)).toMatch(/connect-src [^;]* https:\/\/login\.example\.com;/);
    expect(flat(ContentSecurityPolicy)).not.toContain('amazoncognito.com');
    const outputs = Object.fromEntries(Object.entries(existing.json.Outputs).map(([name, { Value }]) => [name, flat(Value)]));
    expect(outputs).toMatchObject({ UserPoolId: POOL.userPoolId, UserPoolClientId: POOL.userPoolClientId, SignInUrl: POOL.signInDomain });
  });
});
