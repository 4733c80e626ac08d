import { readFileSync } from 'node:fs';
import { App } from 'aws-cdk-lib';
import { describe, expect, test } from 'vitest';
import { OptionError, readOptions } from '../lib/options.ts';
import { python } from './python.ts';
import { EVERYTHING, all, only, synth } from './support.ts';

const regions = JSON.parse(readFileSync(new URL('../regions.json', import.meta.url), 'utf8')) as { rekognition: string[]; missing: Record<string, string[]> };

describe('regions', () => {
  test('are those in which botocore knows Rekognition', () => {
    const known = python<string[]>('import json, botocore.session; print(json.dumps(botocore.session.get_session().get_available_regions("rekognition")))');
    if (known) expect(regions.rekognition).toEqual(known);
  });

  test('the list of missing resource types is that of cfn-lint, for every type that the stack can have', () => {
    const everything = [synth(), synth(EVERYTHING)];
    const types = [...new Set(everything.flatMap(({ json }) => Object.values(json.Resources).map(({ Type }) => Type)))].filter((type) => type.startsWith('AWS::'));
    const missing = python<Record<string, string[]>>(`
import json, os, cfnlint
folder = os.path.join(os.path.dirname(cfnlint.__file__), 'data/schemas/providers')
missing = {}
for region in ${JSON.stringify(regions.rekognition)}:
    known = json.load(open(f'{folder}/{region}.json'))
    for type in ${JSON.stringify(types)}:
        if type not in known:
            missing.setdefault(type, []).append(region)
print(json.dumps(missing))`);
    if (missing) expect(missing).toEqual(regions.missing);
  });

  test.each([
    ['eu-north-1', 'Amazon Rekognition does not exist in eu-north-1; deploy to a region near it, such as eu-central-1, eu-south-2, eu-west-1, eu-west-2.'],
    ['ap-northeast-3', 'such as ap-northeast-1, ap-northeast-2, ap-south-1, ap-southeast-1, ap-southeast-2.'],
    ['ca-west-1', 'such as ca-central-1.'],
    ['af-south-1', 'such as eu-south-2, eu-west-1.'],
    ['me-central-1', 'such as il-central-1, ap-south-1.'],
    ['mx-central-1', 'such as us-west-1, us-east-1.'],
    ['us-gov-west-1', 'The region us-gov-west-1 is outside the standard partition of AWS'],
    ['cn-north-1', 'The region cn-north-1 is outside the standard partition of AWS'],
  ])('%s is refused before the synthesis', (region, sentence) => {
    const refused = () => readOptions(new App().node, region);
    expect(refused).toThrow(OptionError);
    expect(refused).toThrow(sentence);
  });

  // The stack depends on the region in nothing else but Rekognition's quotas.
  test.each([...new Set(Object.values(regions.missing).flat()), 'eu-west-1', 'us-east-1', 'eu-central-1'])('%s: the stack has no resource that the region lacks, and the alarms all the same', (region) => {
    const made = synth({}, region);
    const types = Object.values(made.json.Resources).map(({ Type }) => Type);
    for (const [type, where] of Object.entries(regions.missing)) expect(types.includes(type), type).toBe(!where.includes(region));
    expect(all(made, 'AWS::CloudWatch::Alarm').map(({ AlarmName }) => AlarmName)).toContain('Sightline-dev-DailyCost');
  });

  test('a region without budgets says so, and what limits the cost there', () => {
    const warnings = (region: string, context = {}) => synth(context, region).warnings.filter((text) => text.includes('budget'));
    expect(warnings('eu-south-2')).toEqual([expect.stringMatching(/^AWS Budgets cannot be created from eu-south-2\. .*maxDailyAnalyses/)]);
    expect(warnings('eu-south-2', { monthlyBudgetUsd: 'none' })).toEqual([]);
    expect(warnings('eu-west-1')).toEqual([]);
  });
});

describe('names', () => {
  test.each(['aws', 'my-aws-1', 'amazon', 'cognito-x', 'xcognito'])('stage=%s contains a word that Cognito reserves', (stage) => {
    expect(() => readOptions(new App({ context: { stage } }).node, undefined)).toThrow(/^stage is "[\w-]+"; it must not contain (aws|amazon|cognito), which Cognito does not allow in the sign-in address\.$/);
  });

  test('bucketNames=regional puts both buckets into the namespace of the account, in at most 63 characters', () => {
    const longest = synth({ bucketNames: 'regional', stage: 'twelve-chars' }, 'ap-southeast-2');
    for (const kind of ['input', 'output']) {
      const bucket = only(longest, 'AWS::S3::Bucket', new RegExp(`-${kind}-`));
      expect(bucket).toMatchObject({ BucketName: `sightline-twelve-chars-${kind}-111122223333-ap-southeast-2-an`, BucketNamespace: 'account-regional' });
      expect(bucket.BucketName.length).toBeLessThanOrEqual(63);
    }
    for (const bucket of all(synth(), 'AWS::S3::Bucket')) expect(bucket.BucketNamespace).toBeUndefined();
    expect(only(synth(), 'AWS::S3::Bucket', /-input-/).BucketName).toBe('sightline-dev-input-111122223333-eu-west-1');
  });
});
