/** cdk-nag's AwsSolutions rules: every finding is fixed, or accepted with a reason where it occurs. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { App } from 'aws-cdk-lib';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { expect, test } from 'vitest';
import { app } from './support.ts';

/** Synthesises into a new folder and returns the report. Throws if there are findings. */
function report(context: Record<string, unknown>, change: (made: App) => void = () => {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'sightline-nag-'));
  try {
    const made = app(context, 'eu-west-1', folder);
    change(made);
    made.synth();
    return readFileSync(join(folder, 'validation-report.json'), 'utf8');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test.each([
  ['owner', {}],
  ['own domain, existing user pool, no origin secret', {
    domainName: 'pictures.example.com', certificateArn: 'arn:aws:acm:us-east-1:111122223333:certificate/01234567-89ab-cdef-0123-456789abcdef',
    webAclArn: 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/sightline/01234567-89ab-cdef-0123-456789abcdef', originSecret: 'off',
    userPoolId: 'eu-west-1_AbCdEfGhI', userPoolClientId: '1example23456789', signInDomain: 'https://login.example.com',
  }],
  ['guests, a second factor, a rotated origin secret', { guests: 'on', mfa: 'required', originSecret: 2 }],
  ['unlisted', { access: 'unlisted' }],
  ['every option on', { tracing: 'on', signUp: 'open', maxDailyAnalyses: 9, removalPolicy: 'destroy', originalsDays: 1, resultsDays: 1, versioning: 1, allowedOrigins: 'https://a.example' }],
])('%s: no findings', (_, context) => {
  expect(JSON.parse(report(context))).toMatchObject({ pluginReports: [] });
});

test('a finding without a reason fails the synthesis', () => {
  expect(() => report({}, (made) => new Queue(made.node.findChild('Sightline-dev'), 'Open'))).toThrow('AwsSolutions-SQS4');
});
