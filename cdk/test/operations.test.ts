/** Running the stack: alarms, canary, budget, gradual deployment, and deploying again after a tear-down. */

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { neededConcurrency, verdict } from '../lib/account.ts';
import { SCRIPT } from '../lib/canary.ts';
import { LATE } from '../lib/observability.ts';
import { RETRIES } from '../lib/retries.ts';
import { describeFunctions } from '../lib/template.ts';
import { EVERYTHING, type Synthesised, all, flat, only, synth } from './support.ts';

const guide = readFileSync(fileURLToPath(new URL('../../docs/deploy.md', import.meta.url)), 'utf8');
const alarms = (from: Synthesised) => all(from, 'AWS::CloudWatch::Alarm').map(({ AlarmName }) => AlarmName.replace('Sightline-dev-', '') as string);
const resources = (from: Synthesised, type: string) => Object.entries(from.json.Resources).filter(([, { Type }]) => Type === type) as [string, any][];

describe('alarms', () => {
  test('the guide\'s table has every alarm, with its meaning and what to do, and no other', () => {
    const [, table] = /\| alarm \| meaning \| what to do \|\n\|---\|---\|---\|\n(.*?)\n\n/s.exec(guide)!;
    const rows = table!.split('\n').map((row) => row.split(' | '));
    for (const row of rows) expect(row, row.join()).toHaveLength(3);
    const listed = rows.flatMap(([names]) => names!.replace(/^\| /, '').split(', '));
    expect(listed.filter((name) => name !== 'budget').sort()).toEqual([...new Set([...alarms(synth()), ...alarms(synth({}, 'us-east-1'))])].sort());
  });

  test('a message is late when it is older than any single retry makes it', () => {
    expect(LATE.toSeconds()).toBeGreaterThan(RETRIES.visibilityTimeoutSeconds + RETRIES.longestPauseSeconds);
    expect(guide).toContain(`an uploaded picture has waited for ${LATE.toMinutes()} minutes`);
  });

  /** Whether an alarm rings if its metric exceeds the threshold in these periods. */
  const rings = (name: string, exceeded: number[]) => {
    const { EvaluationPeriods, DatapointsToAlarm = EvaluationPeriods } = only(synth(), 'AWS::CloudWatch::Alarm', new RegExp(`Sightline-dev-${name}"`));
    return exceeded.some((_, at) => exceeded.filter((period) => period <= exceeded[at]! && period > exceeded[at]! - EvaluationPeriods).length >= DatapointsToAlarm);
  };

  test('they ring for a deployment with ten requests a day', () => {
    // One request in 2.4 hours. The period of this alarm is an hour.
    expect(rings('ApiErrors', [0, 2])).toBe(true);
    expect(rings('ApiErrors', [0])).toBe(false);
    // One crash, or one message that waits for a repair.
    for (const name of ['ApiFunctionErrors', 'RepairNeeded', 'DeadLetters']) expect(rings(name, [0]), name).toBe(true);
    // One message that crashes the processor comes again after the visibility time-out. A period has 300 seconds.
    const crashes = [0, 1, 2].map((times) => Math.floor((times * RETRIES.visibilityTimeoutSeconds) / 300));
    expect(rings('ProcessorErrors', crashes)).toBe(true);
    expect(rings('ProcessorErrors', [0])).toBe(false);
    // One message that fails comes again after the longest pause at the latest.
    expect(RETRIES.longestPauseSeconds).toBeLessThanOrEqual(300);
    for (const name of ['IndexFailures', 'BucketFailures']) expect(rings(name, [0, 1, 2]), name).toBe(true);
  });

  test('CloudFront\'s errors have an alarm where their metric is, and a graph everywhere', () => {
    expect(alarms(synth())).not.toContain('SiteErrors');
    const alarm = only(synth({}, 'us-east-1'), 'AWS::CloudWatch::Alarm', /SiteErrors/);
    const { Metric, Stat } = alarm.Metrics[0].MetricStat;
    expect([Metric.Namespace, Metric.MetricName, Stat, alarm.Threshold]).toEqual(['AWS/CloudFront', '5xxErrorRate', 'Average', 5]);
    expect(Metric.Dimensions).toEqual([{ Name: 'DistributionId', Value: { Ref: expect.stringMatching(/^WebsiteDistribution/) } }, { Name: 'Region', Value: 'Global' }]);
    const { widgets } = JSON.parse(flat(only(synth(), 'AWS::CloudWatch::Dashboard').DashboardBody)) as { widgets: any[] };
    expect(JSON.stringify(widgets.find(({ properties }) => properties.title === 'CloudFront'))).toContain('"region":"us-east-1"');
  });
});

describe('canary', () => {
  test('asks for the health of the site through CloudFront, and rings when it fails twice or does not run', () => {
    const canary = only(synth(), 'AWS::Synthetics::Canary');
    expect(flat(canary.RunConfig.EnvironmentVariables.ADDRESS)).toMatch(/^https:\/\/<WebsiteDistribution\w+\.DomainName>\/health$/);
    expect(canary).toMatchObject({ Schedule: { Expression: 'rate(30 minutes)' }, StartCanaryAfterCreation: true, ProvisionedResourceCleanup: 'AUTOMATIC' });
    expect(only(synth(), 'AWS::CloudWatch::Alarm', /dev-Site"/)).toMatchObject({
      MetricName: 'SuccessPercent', Namespace: 'CloudWatchSynthetics', Threshold: 100, ComparisonOperator: 'LessThanThreshold', Period: 1800, EvaluationPeriods: 2, TreatMissingData: 'breaching',
    });
    expect(only(synth({ canaryMinutes: 60 }), 'AWS::Synthetics::Canary').Schedule.Expression).toBe('rate(60 minutes)');
  });

  test('may store its reports for a week, and do nothing else', () => {
    const [statements] = all(synth(), 'AWS::IAM::Policy').map(({ PolicyDocument }) => PolicyDocument.Statement).filter((list) => JSON.stringify(list).includes('CloudWatchSynthetics'));
    expect(statements.map((one: any) => [one.Effect, one.Action, flat(one.Resource).replaceAll(/[0-9A-F]{8}/g, '')])).toEqual([
      ['Allow', 's3:PutObject', '<ObservabilityCanaryReports.Arn>/*'],
      ['Allow', 's3:GetBucketLocation', '<ObservabilityCanaryReports.Arn>'],
      ['Allow', 's3:ListAllMyBuckets', '*'],
      ['Allow', 'cloudwatch:PutMetricData', '*'],
      ['Allow', ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'], 'arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:/aws/lambda/cwsyn-sightline-dev-site-*'],
    ]);
    const [, reports] = resources(synth(), 'AWS::S3::Bucket').find(([id]) => id.startsWith('ObservabilityCanaryReports'))!;
    expect(reports.Properties.LifecycleConfiguration.Rules).toEqual([expect.objectContaining({ ExpirationInDays: 7 })]);
  });

  test('can be off, and then has no alarm', () => {
    const off = synth({ canaryMinutes: 'off' });
    off.template.resourceCountIs('AWS::Synthetics::Canary', 0);
    expect(alarms(off)).not.toContain('Site');
  });

  test('its script succeeds on 200 alone', async () => {
    // The script runs over an https that answers in memory.
    const run = (statusCode: number | Error): Promise<string> => {
      const listeners: Record<string, (value?: unknown) => void> = {};
      const request = { on: (name: string, listener: () => void) => ((listeners[name] = listener), request), destroy: (error: Error) => listeners.error!(error) };
      const https = {
        get: (address: string, _: object, answer: (response: object) => void) => {
          expect(address).toBe('https://site.example/health');
          queueMicrotask(() => (typeof statusCode === 'number' ? answer({ statusCode, resume: () => {}, on: (_name: string, end: () => void) => end() }) : listeners.error!(statusCode)));
          return request;
        },
      };
      const exports: { handler?: () => Promise<string> } = {};
      new Function('require', 'exports', 'process', SCRIPT)(() => https, exports, { env: { ADDRESS: 'https://site.example/health' } });
      return exports.handler!();
    };
    await expect(run(200)).resolves.toBe('ok');
    await expect(run(403)).rejects.toThrow('The site answered with 403');
    await expect(run(new Error('no route'))).rejects.toThrow('no route');
  });
});

describe('budget', () => {
  const made = synth();
  const roleOf = (id: RegExp) => resources(made, 'AWS::IAM::Role').find(([name]) => id.test(name))![0];
  const roles = [roleOf(/^ProcessingProcessorRole/), roleOf(/^UploadApiHandlerRole/)];

  test('at 100 percent an action denies both functions Rekognition and the queues', () => {
    const action = only(made, 'AWS::Budgets::BudgetsAction');
    const [[policyId, policy]] = resources(made, 'AWS::IAM::ManagedPolicy') as [[string, any]];
    expect(action).toMatchObject({
      ActionType: 'APPLY_IAM_POLICY', ApprovalModel: 'AUTOMATIC', NotificationType: 'ACTUAL', ActionThreshold: { Type: 'PERCENTAGE', Value: 100 },
      BudgetName: { Ref: resources(made, 'AWS::Budgets::Budget')[0]![0] },
      Definition: { IamActionDefinition: { PolicyArn: { Ref: policyId }, Roles: roles.map((Ref) => ({ Ref })) } },
      Subscribers: [{ Type: 'SNS', Address: { Ref: expect.stringMatching(/^ObservabilityAlarms/) } }],
    });
    const queues = all(made, 'AWS::Lambda::EventSourceMapping').map(({ EventSourceArn }) => EventSourceArn);
    expect(policy.Properties.PolicyDocument.Statement.map(({ Effect, Action, Resource }: any) => [Effect, Action, Resource])).toEqual([
      ['Deny', 'sqs:ReceiveMessage', queues], ['Deny', 'rekognition:*', '*'],
    ]);
    // Nobody has the policy until then.
    expect([policy.Properties.Roles, policy.Properties.Users, policy.Properties.Groups]).toEqual([undefined, undefined, undefined]);
    expect(JSON.stringify(all(made, 'AWS::IAM::Role'))).not.toContain(policyId);
  });

  test('AWS Budgets may attach this policy to these roles, and nothing else', () => {
    const [policyId] = resources(made, 'AWS::IAM::ManagedPolicy')[0]!;
    const { PolicyDocument } = only(made, 'AWS::IAM::Policy', /AttachRolePolicy/);
    expect(PolicyDocument.Statement).toEqual([{
      Effect: 'Allow', Action: ['iam:AttachRolePolicy', 'iam:DetachRolePolicy'], Resource: roles.map((id) => ({ 'Fn::GetAtt': [id, 'Arn'] })),
      Condition: { ArnEquals: { 'iam:PolicyARN': { Ref: policyId } } },
    }]);
    expect(only(made, 'AWS::IAM::Role', /budgets\.amazonaws\.com/).AssumeRolePolicyDocument.Statement).toEqual([
      { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'budgets.amazonaws.com' }, Condition: { StringEquals: { 'aws:SourceAccount': '111122223333' } } },
    ]);
  });

  test('the action changes no permission before it runs', () => {
    const statements = (from: Synthesised) => describeFunctions(from.json, { account: '111122223333', region: 'eu-west-1' }).functions;
    const none = synth({ budgetAction: 'none' });
    expect(statements(made)).toEqual(statements(none));
    for (const type of ['AWS::Budgets::BudgetsAction', 'AWS::IAM::ManagedPolicy'] as const) none.template.resourceCountIs(type, 0);
    none.template.resourceCountIs('AWS::Budgets::Budget', 1);
    expect([made, none].map(({ json }) => Object.keys(json.Outputs).filter((name) => name.startsWith('Budget')))).toEqual([['BudgetName', 'BudgetActionId'], []]);
  });
});

describe('gradual deployment', () => {
  const gradual = synth({ gradual: 'on' });
  const aliases = resources(gradual, 'AWS::Lambda::Alias');

  test('the API and the queues invoke the aliases, which CodeDeploy moves in two steps', () => {
    expect(aliases.map(([id]) => id.replace(/[0-9A-F]{8}$/, ''))).toEqual(['ProcessingProcessorLive', 'UploadApiHandlerLive']);
    const [[processor], [api]] = aliases as [[string, any], [string, any]];
    // Where a name is needed, it is taken from the alias's ARN and ends with the alias.
    const names = (alias: string, name: unknown) => JSON.stringify(name).includes(alias) && (flat(name) === `<${alias}>` || flat(name).endsWith(':live'));
    for (const { FunctionName } of all(gradual, 'AWS::Lambda::EventSourceMapping')) expect(names(processor, FunctionName)).toBe(true);
    expect(names(api, only(gradual, 'AWS::ApiGatewayV2::Integration').IntegrationUri)).toBe(true);
    for (const { FunctionName } of all(gradual, 'AWS::Lambda::Permission')) expect(names(api, FunctionName)).toBe(true);
    const groups = all(gradual, 'AWS::CodeDeploy::DeploymentGroup');
    expect(groups).toHaveLength(2);
    for (const group of groups) {
      expect(group.DeploymentConfigName).toBe('CodeDeployDefault.LambdaCanary10Percent15Minutes');
      expect(group.AutoRollbackConfiguration).toEqual({ Enabled: true, Events: expect.arrayContaining(['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_ALARM']) });
      const rolledBack = group.AlarmConfiguration.Alarms.map(({ Name }: any) => Name.Ref.replace(/^Observability|[0-9A-F]{8}$/g, ''));
      expect(rolledBack).toEqual(['ApiErrorRate', 'ApiFunctionErrors', 'ProcessorErrors']);
    }
    for (const [, alias] of aliases) expect(alias.UpdatePolicy.CodeDeployLambdaAliasUpdate.DeploymentGroupName.Ref).toMatch(/^Gradual/);
  });

  test('each change of a function makes a new version', () => {
    const versions = (context: object) => resources(synth({ gradual: 'on', ...context }), 'AWS::Lambda::Version').map(([id]) => id);
    const before = versions({});
    expect(before).toHaveLength(2);
    for (const context of [{ minConfidence: 60 }, { architecture: 'x86_64' }, { tracing: 'on' }]) {
      for (const id of versions(context)) expect(before, JSON.stringify(context)).not.toContain(id);
    }
  });

  test('is off unless asked for', () => {
    for (const type of ['AWS::Lambda::Alias', 'AWS::Lambda::Version', 'AWS::CodeDeploy::DeploymentGroup'] as const) synth().template.resourceCountIs(type, 0);
  });
});

describe('deploying again after a tear-down', () => {
  /** The types whose identifier CloudFormation reads from the template (AWS CloudFormation User Guide, "Import AWS resources automatically"). */
  const named: Record<string, string> = { 'AWS::S3::Bucket': 'BucketName', 'AWS::DynamoDB::Table': 'TableName' };
  const retained = (from: Synthesised) => Object.values(from.json.Resources).filter((resource: any) => /^Retain/.test(resource.DeletionPolicy)) as any[];

  test.each([{ bucketNames: 'global' }, { bucketNames: 'regional' }])('%j: what was kept has what an import needs: its policy, and a literal name', (context) => {
    const made = retained(synth({ ...context, indexTableName: 'Sightline-dev-IndexTable1A2B3C' }));
    expect(made.map(({ Type }) => Type).sort()).toEqual(['AWS::Cognito::UserPool', 'AWS::DynamoDB::Table', 'AWS::S3::Bucket', 'AWS::S3::Bucket']);
    for (const { Type, DeletionPolicy, Properties } of made) {
      expect(DeletionPolicy).toMatch(/^Retain(ExceptOnCreate)?$/);
      // A user pool's id is generated, so no template can name it.
      if (Type !== 'AWS::Cognito::UserPool') expect(typeof Properties[named[Type]!], Type).toBe('string');
    }
  });

  test('nothing is kept with removalPolicy=destroy', () => {
    expect(retained(synth(EVERYTHING))).toEqual([]);
  });
});

describe('the account\'s Lambda concurrency', () => {
  test('is compared with the batches of both queues and the requests at the throttles', () => {
    // Three and two batches, 50 requests a second of 50 ms, ten with images of 2 s.
    expect(neededConcurrency(synth().json)).toBe(3 + 2 + Math.ceil(2.5 + 20));
    expect(neededConcurrency(synth({ imageRequests: 'off' }, 'eu-central-1').json)).toBe(3 + 2 + 3);
    expect(verdict(10, 10)).toEqual({ enough: true, sentence: 'The stack needs a Lambda concurrency of 10; this account and region have 10.' });
    expect(verdict(28, 10)).toEqual({ enough: false, sentence: expect.stringContaining('Ask for more in Service Quotas') });
  });

  test.each([['1000', 0], ['10', 1]])('with %s the command exits with %d', (limit, code) => {
    const folder = mkdtempSync(join(tmpdir(), 'account-'));
    writeFileSync(join(folder, 'aws'), `#!/bin/sh\necho ${limit}\n`);
    chmodSync(join(folder, 'aws'), 0o755);
    // What an earlier synthesis of another stage left.
    writeFileSync(join(folder, 'Sightline-a.template.json'), '{"Resources": {}}');
    writeFileSync(join(folder, 'Sightline-dev.template.json'), JSON.stringify(synth().json));
    const artifacts = { 'Sightline-dev': { type: 'aws:cloudformation:stack', properties: { templateFile: 'Sightline-dev.template.json' } } };
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ artifacts }));
    const command = fileURLToPath(new URL('../node_modules/.bin/tsx', import.meta.url));
    const { status, stdout } = spawnSync(command, [fileURLToPath(new URL('../bin/check-account.ts', import.meta.url)), folder], { encoding: 'utf8', env: { PATH: `${folder}:${process.env.PATH}` } });
    expect([status, stdout]).toEqual([code, expect.stringContaining(`this account and region have ${limit}.`)]);
  });
});
