/** The templates with parameters are the stack that the CDK deploys with the same options. */

import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { describe, expect, test } from 'vitest';
import { OptionError, readOptions } from '../lib/options.ts';
import { parameters, standInOptions } from '../lib/parameters.ts';
import { releaseTemplate, uploadedAssets } from '../lib/release-template.ts';
import { SightlineStack } from '../lib/sightline-stack.ts';

type Values = Record<string, string>;

const FLAGS = (JSON.parse(readFileSync(new URL('../cdk.json', import.meta.url), 'utf8')) as { context: Values }).context;

const made = Object.fromEntries((['owner', 'unlisted'] as const).map((access) => [
  access,
  releaseTemplate(access, mkdtempSync(join(tmpdir(), 'release-')), { assets: 'placeholder' }),
]));

const GUIDE = readFileSync(new URL('../../docs/deploy.md', import.meta.url), 'utf8');

const CERTIFICATE = 'arn:aws:acm:us-east-1:111122223333:certificate/01234567-89ab-cdef-0123-456789abcdef';
const WEB_ACL = 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/sightline/01234567-89ab-cdef-0123-456789abcdef';

/** The options that say what the parameters say. */
const SAMPLES: { access: 'owner' | 'unlisted'; values: Values; options: Values }[] = [
  {
    access: 'owner',
    values: { Stage: 'prod', AlarmEmail: 'ops@example.com', MaxDailyAnalyses: '2000', MaxDailyAnalysesPerOwner: '20', DomainName: 'pictures.example.com', CertificateArn: CERTIFICATE, WebAclArn: WEB_ACL, MonthlyBudgetUsd: '80', DailyCostUsd: '8', RekognitionTps: '120', SignUp: 'open', LogDays: '90', ApiRate: '70', ApiBurst: '140', OriginalsDays: '400', ResultsDays: '500', Architecture: 'x86_64' },
    options: { stage: 'prod', alarmEmail: 'ops@example.com', maxDailyAnalyses: '2000', maxDailyAnalysesPerOwner: '20', domainName: 'pictures.example.com', certificateArn: CERTIFICATE, webAclArn: WEB_ACL, monthlyBudgetUsd: '80', rekognitionTps: '120', signUp: 'open', logDays: '90', apiRate: '70', apiBurst: '140', originalsDays: '400', resultsDays: '500', architecture: 'x86_64' },
  },
  {
    access: 'unlisted',
    values: { MaxDailyAnalyses: '7', AlarmEmail: 'ops@example.com', MonthlyBudgetUsd: '0' },
    options: { maxDailyAnalyses: '7', alarmEmail: 'ops@example.com', monthlyBudgetUsd: 'none' },
  },
];

test.each(SAMPLES)('with values for the parameters, the template for $access is the stack that the CDK deploys', ({ access, values, options }) => {
  const app = new App({ context: { ...FLAGS, access, assets: 'placeholder', ...options }, builtinCloudFormationValidation: false });
  const stack = new SightlineStack(app, 'Sightline', readOptions(app.node, undefined), { synthesizer: uploadedAssets() });
  const expected = app.synth().getStackByName(stack.stackName).template;
  const { template } = made[access]!;
  const all = { AssetsBucket: 'files', AssetsPrefix: 'sightline/', ...defaults(template), ...values };
  const resources = (from: any) => comparable(resolve(from, all).Resources);
  expect(resources(template)).toEqual(resources(expected));
  expect(resolve(template, all).Outputs).toEqual(resolve(expected, all).Outputs);
});

test('with no alarm address and no limits, what belongs to them is left out', () => {
  const { template } = made.owner!;
  const none = resolve(template, { ...defaults(template), AssetsBucket: 'files', AlarmEmail: 'none', MaxDailyAnalyses: '0', MonthlyBudgetUsd: '0' });
  const types = Object.values(none.Resources as Record<string, any>).map(({ Type }) => Type);
  expect(types).not.toContain('AWS::SNS::Subscription');
  expect(types).not.toContain('AWS::Budgets::Budget');
  expect(types).toContain('AWS::SNS::Topic');
  expect(JSON.stringify(none)).not.toMatch(/MAX_DAILY_ANALYSES"|NoValue|"Fn::If"/);
});

describe.each(['owner', 'unlisted'] as const)('the template for %s', (access) => {
  const { template, assets } = made[access]!;
  const text = JSON.stringify(template);

  test('needs no bootstrapped account', () => {
    expect(text).not.toMatch(/hnb659fds|cdk-bootstrap|CDKToolkit|BootstrapVersion/);
  });

  test('names the assets that are there, and no others', () => {
    const named = new Set([...text.matchAll(/[0-9a-f]{64}\.zip/g)].map(([name]) => name));
    expect([...named].sort()).toEqual(assets.map(({ name }) => name));
    expect(named.size).toBeGreaterThan(4);
    expect(text).not.toMatch(/"[0-9a-f]{64}\.zip"/);
  });

  test('has a reference in place of every stand-in and token', () => {
    const { Parameters, Mappings, ...rest } = template as Record<string, any>;
    for (const { standIn } of Object.values(parameters(access))) if (standIn !== undefined) expect(JSON.stringify(rest)).not.toContain(String(standIn));
    expect(JSON.stringify(template)).not.toMatch(/\$\{Token|#\{Token|e\+\d{3}/);
    for (const name of Object.keys(Parameters)) expect(JSON.stringify({ ...rest, Mappings }), name).toMatch(new RegExp(`"Ref":"${name}"|\\$\\{${name}\\}`));
  });

  test('needs the capability that the guide gives, CAPABILITY_IAM, and no more', () => {
    const named = Object.values(template.Resources as Record<string, any>).filter(({ Type, Properties }) => Type.startsWith('AWS::IAM::') && (Properties.RoleName ?? Properties.ManagedPolicyName));
    expect(named).toEqual([]);
    expect(template).not.toHaveProperty('Transform');
  });

  test('has parameters that the guide describes', () => {
    for (const name of Object.keys(template.Parameters as object)) expect(GUIDE).toContain(`\`${name}\``);
  });

  test('is small enough for CloudFormation to read from a bucket', () => {
    // Terraform's limit, below CloudFormation's 1 MB.
    expect(Buffer.byteLength(JSON.stringify(template, undefined, 1))).toBeLessThan(460_800);
    expect(Object.keys(template.Resources as object).length).toBeLessThan(500);
  });
});

/** Values for each parameter and its option: the first that are accepted, then those that are not. */
const RULES: Record<string, [option: string, accepted: string[], refused: string[]]> = {
  Stage: ['stage', ['dev', 'a', 'a-b', 'a23456789012'], ['', 'Dev', '1a', '-a', 'a-', 'a234567890123', 'a_b', 'myaws', 'cognito']],
  AlarmEmail: ['alarmEmail', ['a@b.c', 'first.last+tag@example.com'], ['a', 'a@b', 'a b@c.d', '@b.c']],
  MaxDailyAnalyses: ['maxDailyAnalyses', ['1', '9007199254740991'], ['-1', 'x']],
  MaxDailyAnalysesPerOwner: ['maxDailyAnalysesPerOwner', ['1', '9007199254740991'], ['-1', 'x']],
  WebAclArn: ['webAclArn', [WEB_ACL], ['x', WEB_ACL.replace('us-east-1', 'eu-west-1'), WEB_ACL.replace('global', 'regional')]],
  MonthlyBudgetUsd: ['monthlyBudgetUsd', ['1', '12.5', '10000000'], ['-1', '10000001', 'x']],
  RekognitionTps: ['rekognitionTps', ['5', '1000'], ['4', '0', 'x']],
  SignUp: ['signUp', ['open', 'closed'], ['on', 'Open']],
  Architecture: ['architecture', ['arm64', 'x86_64'], ['arm', 'x86']],
  OriginalsDays: ['originalsDays', ['1', '36500'], ['-1', '36501', 'x']],
  ResultsDays: ['resultsDays', ['1', '36500'], ['-1', '36501', 'x']],
  LogDays: ['logDays', ['1', '30', '3653'], ['0', '2', '31']],
  ApiRate: ['apiRate', ['1', '10000'], ['0', '10001', 'x']],
  ApiBurst: ['apiBurst', ['1', '5000'], ['0', '5001', 'x']],
};

test('a domain needs its certificate, and a certificate its domain', () => {
  const { Rules } = made.owner!.template as { Rules: Record<string, any> };
  const needs = (name: string) => ({ 'Fn::Not': [{ 'Fn::Equals': [{ Ref: name }, ''] }] });
  expect(Rules.DomainNameNeedsCertificateArn).toMatchObject({ RuleCondition: needs('DomainName'), Assertions: [{ Assert: needs('CertificateArn') }] });
  expect(Rules.CertificateArnNeedsDomainName).toMatchObject({ RuleCondition: needs('CertificateArn'), Assertions: [{ Assert: needs('DomainName') }] });
});

test.each(Object.entries(RULES))('%s has the rules of its option', (parameter, [option, accepted, refused]) => {
  const { allowedPattern, allowedValues, minValue = -Infinity, maxValue = Infinity, type } = parameters('owner')[parameter]!;
  const accepts = (value: string) =>
    (allowedPattern === undefined || new RegExp(allowedPattern).test(value)) &&
    (allowedValues === undefined || allowedValues.includes(value)) &&
    (type !== 'Number' || (Number(value) >= minValue && Number(value) <= maxValue));
  const optionAccepts = (value: string) => {
    try {
      readOptions(new App({ context: { ...standInOptions('owner'), [option]: value } }).node, undefined);
      return true;
    } catch (error) {
      expect(error).toBeInstanceOf(OptionError);
      return false;
    }
  };
  for (const value of accepted) expect([value, accepts(value), optionAccepts(value)]).toEqual([value, true, true]);
  for (const value of refused) expect([value, accepts(value)]).toEqual([value, false]);
});

test('every log retention that the option takes is among the values of the parameter', () => {
  const { allowedValues } = parameters('owner').LogDays!;
  const taken = Array.from({ length: 3653 }, (_, at) => String(at + 1)).filter((days) => {
    try {
      readOptions(new App({ context: { ...standInOptions('owner'), logDays: days } }).node, undefined);
      return true;
    } catch {
      return false;
    }
  });
  expect(allowedValues).toEqual(taken);
});

function defaults(template: any): Values {
  return Object.fromEntries(Object.entries<any>(template.Parameters).flatMap(([name, { Default }]) => (Default === undefined ? [] : [[name, String(Default)]])));
}

const GONE = Symbol('AWS::NoValue');

/** The template as CloudFormation reads it with these values. References to resources and pseudo parameters stay. */
function resolve(template: any, values: Values): any {
  const holds = (name: string): boolean => test(template.Conditions[name]);
  const test = (condition: any): boolean => {
    if (condition['Fn::Not']) return !test(condition['Fn::Not'][0]);
    if (condition['Fn::And']) return condition['Fn::And'].every(test);
    if (condition.Condition) return holds(condition.Condition);
    const [one, other] = condition['Fn::Equals'].map(read);
    return String(one) === String(other);
  };
  const read = (value: any): any => {
    if (Array.isArray(value)) return value.map(read).filter((item) => item !== GONE);
    if (typeof value !== 'object' || value === null) return value;
    if (value.Ref === 'AWS::NoValue') return GONE;
    if (value.Ref in values) return values[value.Ref];
    if (value['Fn::If']) return read(value['Fn::If'][holds(value['Fn::If'][0]) ? 1 : 2]);
    if (value['Fn::FindInMap']?.[0] === 'Throughput') return value['Fn::FindInMap'].map(read).slice(1).reduce((map: any, key: string) => map[key], template.Mappings.Throughput);
    if (typeof value['Fn::Sub'] === 'string') return value['Fn::Sub'].replace(/\$\{(\w+)\}/g, (all: string, name: string) => values[name] ?? all);
    if (value['Fn::Join']) return joined(value['Fn::Join'][0], value['Fn::Join'][1].map(read));
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, read(item)]).filter(([, item]) => item !== GONE));
  };
  const present = (entries: Record<string, any>) => {
    const kept = Object.entries(entries).filter(([, { Condition }]) => Condition === undefined || holds(Condition));
    return read(Object.fromEntries(kept.map(([name, { Condition: _, ...entry }]) => [name, entry])));
  };
  return { Resources: present(template.Resources), Outputs: present(template.Outputs) };
}

/** A join with neighbouring texts put together, and inner joins dissolved. */
function joined(separator: string, parts: any[]): any {
  if (separator !== '') return { 'Fn::Join': [separator, parts] };
  const flat = parts.flatMap((part) => part?.['Fn::Join']?.[0] === '' ? part['Fn::Join'][1] : [part]);
  const together: any[] = [];
  for (const part of flat) {
    const last = together.at(-1);
    if (typeof part === 'object' || typeof last !== 'string') together.push(typeof part === 'object' ? part : String(part));
    else together[together.length - 1] = last + String(part);
  }
  return together.length === 1 && typeof together[0] === 'string' ? together[0] : { 'Fn::Join': ['', together] };
}

/**
 * Numbers as texts, since CloudFormation makes no difference. Two things may differ: the name of the subscription, which has the address
 * in it, and the file of the pages' configuration, in which a reference stands for the stage.
 */
function comparable(resources: Record<string, any>): any {
  const entries = Object.entries(resources).map(([name, { Metadata: _, ...resource }]) => {
    if (resource.Type === 'AWS::SNS::Subscription') return ['Subscription', resource];
    if (resource.Type !== 'Custom::CDKBucketDeployment') return [name, resource];
    const { SourceMarkers, SourceMarkersConfig, SourceObjectKeys, ...properties } = resource.Properties;
    return [name, { ...resource, Properties: { ...properties, files: SourceObjectKeys.length } }];
  });
  return JSON.parse(JSON.stringify(Object.fromEntries(entries), (_, value) => (typeof value === 'number' ? String(value) : value)));
}
