/** The options that set the functions' variables, storage and encryption. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { App } from 'aws-cdk-lib';
import { describe, expect, test } from 'vitest';
import { OptionError, SETTINGS, readOptions } from '../lib/options.ts';
import { describeFunctions } from '../lib/template.ts';
import { EVERYTHING, KEY, type Synthesised, all, flat, only, synth } from './support.ts';

const read = (path: string) => readFileSync(fileURLToPath(new URL(path, import.meta.url)), 'utf8');
const environments = (from: Synthesised) => {
  const { uploadApi, processor } = describeFunctions(from.json, { account: '111122223333', region: 'eu-west-1' }).functions;
  return { uploadApi: uploadApi.environment, processor: processor.environment };
};

describe('settings of the functions', () => {
  test.each(Object.entries(SETTINGS))('%s reaches the functions that read it, and no other', (name, { variable, to, uploadApiOnly }) => {
    const { uploadApi, processor } = environments(synth({ [name]: to }));
    expect(uploadApi[variable]).toBe(String(to));
    expect(processor[variable]).toBe(uploadApiOnly ? undefined : String(to));
    expect(Object.keys({ ...environments(synth()).uploadApi, ...environments(synth()).processor })).not.toContain(variable);
  });

  test.each(Object.entries(SETTINGS))('%s has the range of the function\'s variable', (name, { variable, from, to }) => {
    const source = read('../../crates/pipeline/src/config.rs').replaceAll(/\/\/.*/g, '');
    const constants: Record<string, string> = { MAX_PUT_BYTES: '5368709120' };
    expect(source).toContain('const MAX_PUT_BYTES: u64 = 5 * 1024 * 1024 * 1024;');
    const range = new RegExp(`"${variable}",[^()]*\\((\\S+), (\\S+)\\)`).exec(source)!;
    expect([range[1], range[2]].map((text) => Number(constants[text!] ?? text!.replaceAll('_', '')))).toEqual([from, to]);
    const documented = new RegExp(`^\\| \`${variable}\` \\| (both|upload-api) \\|`, 'm').exec(read('../../docs/configuration.md'));
    expect(documented?.[1]).toBe(SETTINGS[name as keyof typeof SETTINGS].uploadApiOnly ? 'upload-api' : 'both');
  });

  test.each(Object.entries(SETTINGS).flatMap(([name, { from, to }]) => [[name, from - 1], [name, to + 1], [name, 'many']]))('%s=%s is refused', (name, value) => {
    expect(() => readOptions(new App({ context: { [name]: value } }).node, undefined)).toThrow(new RegExp(`^${name} is "${value}"; it must be a (whole )?number from \\d+ to \\d+\\.$`));
  });

  test('every variable of the functions in docs/configuration.md can be set, or is the stack\'s own decision', () => {
    const [, table] = /## The two Lambda functions(.*?)\n## /s.exec(read('../../docs/configuration.md'))!;
    const documented = [...table!.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, name]) => name!);
    const options = new Set([...Object.values(SETTINGS).map(({ variable }) => variable as string)]);
    const decided = Object.keys({ ...environments(synth({ ...EVERYTHING, imageRequests: 'off' })).uploadApi });
    // The stack sets ALLOWED_ORIGINS on API Gateway and CUSTOM_LABELS_ARN only with custom-labels; only the local mode has an endpoint.
    const others = ['ALLOWED_ORIGINS', 'CUSTOM_LABELS_ARN', 'AWS_ENDPOINT_URL'];
    expect(documented.filter((name) => !options.has(name) && !decided.includes(name) && !others.includes(name))).toEqual([]);
  });
});

describe('the guide', () => {
  test('lists every option', () => {
    const [, table] = /## Options\n(.*?)\n## /s.exec(read('../../docs/deploy.md'))!;
    const listed = [...table!.matchAll(/^\| ((?:`\w+`(?:, )?)+) \|/gm)].flatMap(([, names]) => names!.replaceAll('`', '').split(', '));
    const [, names] = /the options are (.*)\.$/.exec(refusal({ nothing: 1 }))!;
    // `assets` is for tests.
    expect(names!.split(', ').filter((name) => name !== 'assets' && !listed.includes(name))).toEqual([]);
  });
});

function refusal(context: Record<string, unknown>, region?: string): string {
  try {
    readOptions(new App({ context }).node, region);
  } catch (error) {
    expect(error).toBeInstanceOf(OptionError);
    return (error as Error).message;
  }
  throw new Error('accepted');
}

describe('refused', () => {
  test.each([
    [{ kmsKeyArn: 'alias/mine' }, 'kmsKeyArn is "alias/mine"; it must be the ARN of a key, such as arn:aws:kms:'],
    [{ kmsKeyArn: KEY.replace('eu-west-1', 'us-east-1') }, 'it must be in the stack\'s region, eu-west-1.'],
    [{ inputBucketName: 'Pictures' }, 'inputBucketName is "Pictures"; it must be the name of a bucket, such as'],
    [{ inputBucketName: 'one', outputBucketName: 'one' }, 'inputBucketName and outputBucketName name the same bucket; use two buckets.'],
    [{ indexTableName: 'a b' }, 'indexTableName is "a b"; it must be the name of a DynamoDB table, such as'],
    [{ originalsStorageClass: 'glacier' }, 'originalsStorageClass is "glacier"; it must be standard or intelligent-tiering.'],
    [{ bucketNames: 'account' }, 'bucketNames is "account"; it must be global or regional.'],
    [{ canaryMinutes: 0 }, 'canaryMinutes is "0"; it must be a whole number from 1 to 60 or off.'],
    [{ budgetAction: 'warn' }, 'budgetAction is "warn"; it must be stop or none.'],
    [{ budgetAction: 'stop', monthlyBudgetUsd: 'none' }, 'budgetAction=stop has no effect with monthlyBudgetUsd=none; set a budget, or remove budgetAction.'],
    [{ gradual: 'yes' }, 'gradual is "yes"; it must be off or on.'],
  ])('%j', (context, sentence) => {
    const message = refusal(context, 'eu-west-1');
    expect(message).toContain(sentence);
    expect(message).toMatch(/^[^\n]*\.$/);
  });
});

describe('storage class', () => {
  test('intelligent-tiering moves originals on the first day, before they can expire', () => {
    const rules = (context: object) => only(synth({ ...context }), 'AWS::S3::Bucket', /-input-/).LifecycleConfiguration.Rules;
    const tiered = rules({ originalsStorageClass: 'intelligent-tiering', originalsDays: 30 });
    for (const prefix of ['uploads/', 'inline/']) {
      expect(tiered).toContainEqual({ Id: `tier-${prefix.slice(0, -1)}`, Prefix: prefix, Status: 'Enabled', Transitions: [{ StorageClass: 'INTELLIGENT_TIERING', TransitionInDays: 0 }] });
      expect(tiered).toContainEqual(expect.objectContaining({ Prefix: prefix, ExpirationInDays: 30 }));
    }
    expect(JSON.stringify(rules({}))).not.toContain('Transitions');
    expect(JSON.stringify(only(synth({ originalsStorageClass: 'intelligent-tiering' }), 'AWS::S3::Bucket', /-output-/))).not.toContain('Transitions');
  });
});

describe('a customer-managed key', () => {
  const made = synth({ kmsKeyArn: KEY });

  test('encrypts everything that has user data', () => {
    for (const kind of ['input', 'output']) {
      expect(only(made, 'AWS::S3::Bucket', new RegExp(`-${kind}-`)).BucketEncryption.ServerSideEncryptionConfiguration).toEqual([
        { BucketKeyEnabled: true, ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: KEY } },
      ]);
    }
    expect(only(made, 'AWS::DynamoDB::Table').SSESpecification).toEqual({ KMSMasterKeyId: KEY, SSEEnabled: true, SSEType: 'KMS' });
    for (const queue of all(made, 'AWS::SQS::Queue')) expect(queue).toMatchObject({ KmsMasterKeyId: KEY });
    for (const topic of all(made, 'AWS::SNS::Topic')) expect(topic).toMatchObject({ KmsMasterKeyId: KEY });
    for (const group of all(made, 'AWS::Logs::LogGroup')) expect(group).toMatchObject({ KmsKeyId: KEY });
    expect(all(made, 'AWS::SQS::Queue').length + all(made, 'AWS::SNS::Topic').length + all(made, 'AWS::Logs::LogGroup').length).toBe(7);
  });

  test('may be used by the functions through the services that hold the data, and in no other way', () => {
    const statements = (from: Synthesised) => all(from, 'AWS::IAM::Policy').flatMap(({ PolicyDocument }) => PolicyDocument.Statement).filter((one: any) => JSON.stringify(one.Action).includes('kms:'));
    const services = statements(made).map((one: any) => {
      expect(one).toMatchObject({ Sid: 'UseKey', Effect: 'Allow', Action: ['kms:Decrypt', 'kms:GenerateDataKey'], Resource: KEY });
      return [one.Condition.StringEquals['kms:ViaService']].flat().map(flat);
    });
    const via = (...names: string[]) => names.map((name) => `${name}.<AWS::Region>.amazonaws.com`);
    expect(services).toEqual([via('s3', 'sqs', 'dynamodb'), via('s3', 'dynamodb')]);
    expect(statements(synth())).toEqual([]);
    expect(JSON.stringify(synth({ access: 'unlisted', kmsKeyArn: KEY }).json)).not.toContain('dynamodb.');
  });

  test('needs the statements of the guide in its policy, which name every service that acts by itself', () => {
    const [, policy] = /## Your own key.*?```json\n(.*?)```/s.exec(read('../../docs/deploy.md'))!;
    const statements = JSON.parse(policy!) as { Principal: { Service: string }; Action: string[]; Condition: object }[];
    expect(statements.map(({ Principal, Action }) => [Principal.Service, Action])).toEqual([
      [['s3.amazonaws.com', 'cloudwatch.amazonaws.com', 'budgets.amazonaws.com'], ['kms:Decrypt', 'kms:GenerateDataKey']],
      ['logs.eu-west-1.amazonaws.com', ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey']],
    ]);
    for (const { Condition } of statements) expect(JSON.stringify(Condition)).toContain('111122223333');
  });
});

describe('existing buckets', () => {
  const context = { inputBucketName: 'pictures-of-example', outputBucketName: 'results-of-example', resultsDays: 90, originalsDays: 30, versioning: 7, originalsStorageClass: 'intelligent-tiering' };
  const made = synth(context);
  const own = synth({ ...context, inputBucketName: '', outputBucketName: '' });
  const output = (name: string) => JSON.parse(flat(made.json.Outputs[name]!.Value)) as any;

  test('stay outside the stack, and everything names them', () => {
    expect(all(made, 'AWS::S3::Bucket').filter(({ BucketName }) => BucketName)).toEqual([]);
    expect(environments(made).uploadApi).toMatchObject({ INPUT_BUCKET: 'pictures-of-example', OUTPUT_BUCKET: 'results-of-example' });
    const text = JSON.stringify(made.json);
    expect(text).not.toContain('sightline-dev-input');
    expect(text).not.toContain('sightline-dev-output');
    const queue = only(made, 'AWS::SQS::QueuePolicy', /FromInputBucket/);
    const sends = queue.PolicyDocument.Statement.find((one: any) => one.Sid === 'FromInputBucket');
    expect(flat(sends.Condition.ArnEquals['aws:SourceArn'])).toBe('arn:<AWS::Partition>:s3:::pictures-of-example');
    expect(flat(only(made, 'AWS::CloudFront::ResponseHeadersPolicy').ResponseHeadersPolicyConfig.SecurityHeadersConfig.ContentSecurityPolicy.ContentSecurityPolicy)).toContain('https://pictures-of-example.s3.');
  });

  test('get the settings that the stack would have made from its outputs', () => {
    const bucket = (kind: string) => only(own, 'AWS::S3::Bucket', new RegExp(`-${kind}-`));
    for (const [name, kind] of [['InputBucket', 'input'], ['OutputBucket', 'output']] as const) {
      const { CorsConfiguration, LifecycleConfiguration, NotificationConfiguration } = bucket(kind);
      expect(output(`${name}Cors`).CORSRules.map((rule: any) => ({ ...rule, AllowedOrigins: expect.anything() }))).toEqual(
        CorsConfiguration.CorsRules.map(({ AllowedMethods, AllowedHeaders, ExposedHeaders, MaxAge }: any) => ({ AllowedMethods, AllowedHeaders, ExposeHeaders: ExposedHeaders, MaxAgeSeconds: MaxAge, AllowedOrigins: expect.anything() })),
      );
      const lifecycle = output(`${name}Lifecycle`).Rules;
      expect(lifecycle.map(({ ID, Filter }: any) => [ID, Filter.Prefix])).toEqual(LifecycleConfiguration.Rules.map(({ Id, Prefix }: any) => [Id, Prefix ?? '']));
      expect(lifecycle.map(({ Expiration }: any) => Expiration?.Days)).toEqual(LifecycleConfiguration.Rules.map(({ ExpirationInDays }: any) => ExpirationInDays));
      const [queue] = output(`${name}Notifications`).QueueConfigurations;
      const [expected] = NotificationConfiguration.QueueConfigurations;
      expect([queue.Events, queue.Filter.Key.FilterRules]).toEqual([[expected.Event], expected.Filter.S3Key.Rules]);
    }
    expect(output('OutputBucketNotifications').EventBridgeConfiguration).toEqual({});
    expect(output('InputBucketLifecycle').Rules).toContainEqual({ ID: 'older-versions', Status: 'Enabled', Filter: { Prefix: '' }, Expiration: { ExpiredObjectDeleteMarker: true }, NoncurrentVersionExpiration: { NoncurrentDays: 7 } });
    expect(output('InputBucketLifecycle').Rules).toContainEqual({ ID: 'tier-uploads', Status: 'Enabled', Filter: { Prefix: 'uploads/' }, Transitions: [{ StorageClass: 'INTELLIGENT_TIERING', Days: 0 }] });
    expect(Object.keys(own.json.Outputs).filter((name) => /Cors|Lifecycle|Notifications/.test(name))).toEqual([]);
  });
});
