/** cdk-nag's AwsSolutions rules: every finding is fixed, or accepted with a reason where it occurs. A deployment does not run them. */

import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type App, Validations } from 'aws-cdk-lib';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { AwsSolutionsChecks } from 'cdk-nag';
import { expect, test } from 'vitest';
import { EVERYTHING, app } from './support.ts';

/** Synthesises into a new folder and returns the report. Throws if there are findings. */
function report(context: Record<string, unknown>, change: (made: App) => void = () => {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'sightline-nag-'));
  try {
    const made = app(context, 'eu-west-1', folder);
    Validations.of(made).addPlugins(new AwsSolutionsChecks(made));
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
  ['every option on', EVERYTHING],
  ['another bootstrap qualifier', { '@aws-cdk/core:bootstrapQualifier': 'example' }],
  ['existing buckets', { inputBucketName: 'pictures-of-example', outputBucketName: 'results-of-example' }],
])('%s: no findings', (_, context) => {
  expect(JSON.parse(report(context))).toMatchObject({ pluginReports: [] });
});

test('a finding without a reason fails the synthesis', () => {
  expect(() => report({}, (made) => new Queue(made.node.findChild('Sightline-dev'), 'Open'))).toThrow('AwsSolutions-SQS4');
});

test('a deployment neither runs nor loads cdk-nag', () => {
  const folder = fileURLToPath(new URL('..', import.meta.url));
  for (const part of ['bin', 'lib']) {
    for (const name of readdirSync(join(folder, part))) expect(readFileSync(join(folder, part, name), 'utf8'), name).not.toMatch(/from 'cdk-nag'/);
  }
});

test('each finding of checkov that stays has a reason', () => {
  const lines = readFileSync(fileURLToPath(new URL('../checkov.yaml', import.meta.url)), 'utf8').split('\n');
  const skipped = lines.flatMap((line, at) => (/^  - CKV\w+$/.test(line) ? [[line.slice(4), lines[at - 1]!]] : []));
  expect(skipped.length).toBeGreaterThan(5);
  expect(new Set(skipped.map(([id]) => id)).size).toBe(skipped.length);
  for (const [id, reason] of skipped) expect(reason, id).toMatch(/^  # [A-Z].{30,}\.$/);
});
