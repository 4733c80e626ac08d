import { App } from 'aws-cdk-lib';
import { describe, expect, test } from 'vitest';
import { OptionError, readOptions } from '../lib/options.ts';

const ARN = 'arn:aws:rekognition:eu-west-1:111122223333:project/shelves/version/shelves.2026-01-01/1767225600000';

const CERTIFICATE = 'arn:aws:acm:us-east-1:111122223333:certificate/01234567-89ab-cdef-0123-456789abcdef';
const WEB_ACL = 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/sightline/01234567-89ab-cdef-0123-456789abcdef';
const POOL = { userPoolId: 'eu-west-1_AbCdEfGhI', userPoolClientId: '1example23456789', signInDomain: 'https://example.auth.eu-west-1.amazoncognito.com' };

function read(context: Record<string, unknown>, region: string | undefined = 'eu-central-1') {
  return readOptions(new App({ context: { alarmEmail: 'none', ...context } }).node, region);
}

/** The message of the error that this throws. */
function message(throws: () => unknown): string {
  try {
    throws();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('nothing was thrown');
}

describe('options', () => {
  test('have safe defaults', () => {
    expect(read({})).toEqual({
      stage: 'dev', access: 'owner', signUp: 'closed', guests: false, mfa: 'optional', accessTokenMinutes: 60, refreshTokenDays: 30, existingUserPool: undefined,
      allowedOrigins: [], callbackUrls: [], domain: undefined, webAclArn: undefined, originSecret: 1, maxDailyAnalysesPerOwner: undefined, analyses: ['labels', 'image-properties'], customLabelsArn: undefined,
      originalsDays: undefined, resultsDays: undefined, versioning: undefined, alarmEmail: undefined, rekognitionTps: 5, batchSize: 1, processorConcurrency: 2,
      backfillConcurrency: 2, imageRequestRate: 1, resultEvents: true,
      maxDailyAnalyses: undefined, monthlyBudgetUsd: 50, removalPolicy: 'retain', architecture: 'arm64', logDays: 30, tracing: false, apiRate: 50,
      apiBurst: 100, settings: { both: {}, uploadApi: {} }, bucketNames: 'global', inputBucketName: undefined, outputBucketName: undefined,
      indexTableName: undefined, originalsStorageClass: 'standard', kmsKeyArn: undefined, canaryMinutes: 30, budgetAction: 'stop', gradual: false, functions: expect.stringMatching(/\/cdk\/functions$/), assets: 'built',
    });
  });

  test('accept lists and comma-separated text', () => {
    expect(read({ analyses: ['labels', 'faces'] }).analyses).toEqual(['labels', 'faces']);
    expect(read({ analyses: 'labels, faces,labels' }).analyses).toEqual(['labels', 'faces']);
    expect(read({ allowedOrigins: 'https://a.example,http://localhost:3000' }).allowedOrigins).toEqual(['https://a.example', 'http://localhost:3000']);
    expect(read({ originalsDays: 30, resultsDays: 'forever', monthlyBudgetUsd: 'none', maxDailyAnalyses: '1000' })).toMatchObject({
      originalsDays: 30, resultsDays: undefined, monthlyBudgetUsd: undefined, maxDailyAnalyses: 1000,
    });
    expect(read({ analyses: 'custom-labels', customLabelsArn: ARN }).customLabelsArn).toBe(ARN);
  });

  test.each([
    [{ stage: 'Prod' }, 'stage is "Prod"; it must be'],
    [{ stage: 'a-very-long-stage' }, 'stage'],
    [{ access: 'public' }, 'access is "public"; it must be owner or unlisted.'],
    [{ access: 'unlisted', signUp: 'open' }, 'signUp has no effect with access=unlisted'],
    [{ access: 'unlisted', guests: 'on' }, 'guests=on has no effect with access=unlisted'],
    [{ access: 'unlisted', mfa: 'required' }, 'mfa has no effect with access=unlisted'],
    [{ access: 'unlisted', maxDailyAnalyses: 9, maxDailyAnalysesPerOwner: 5 }, 'maxDailyAnalysesPerOwner has no effect with access=unlisted'],
    [{ maxDailyAnalysesPerOwner: 'all' }, 'maxDailyAnalysesPerOwner is "all"; it must be a whole number from 1 to'],
    [{ guests: 'yes' }, 'guests is "yes"; it must be off or on.'],
    [{ mfa: 'on' }, 'mfa is "on"; it must be optional or required or off.'],
    [{ accessTokenMinutes: 4 }, 'accessTokenMinutes is "4"; it must be a whole number from 5 to 1440.'],
    [{ refreshTokenDays: 3651 }, 'refreshTokenDays is "3651"; it must be a whole number from 1 to 3650.'],
    [{ userPoolId: 'eu-west-1_AbC' }, 'userPoolId, userPoolClientId and signInDomain require each other; set all three or none.'],
    [{ ...POOL, userPoolId: 'AbC' }, 'userPoolId is "AbC"; it must be the ID of a user pool'],
    [{ ...POOL, userPoolClientId: 'a b' }, 'userPoolClientId is "a b"; it must be the ID of an app client'],
    [{ ...POOL, signInDomain: 'http://a.example' }, 'signInDomain is "http://a.example"; it must be the origin'],
    [{ ...POOL, signUp: 'closed' }, 'signUp has no effect with userPoolId'],
    [{ ...POOL, callbackUrls: 'https://a.example/', allowedOrigins: 'https://a.example' }, 'callbackUrls has no effect with userPoolId'],
    [{ callbackUrls: 'https://a.example/' }, 'callbackUrls is "https://a.example/"; it must be a page of an origin in allowedOrigins'],
    [{ callbackUrls: 'https://a.example.org/', allowedOrigins: 'https://a.example' }, 'callbackUrls is "https://a.example.org/"'],
    [{ callbackUrls: 'https://a.example/#x', allowedOrigins: 'https://a.example' }, 'callbackUrls is "https://a.example/#x"'],
    [{ domainName: 'a.example' }, 'domainName and certificateArn require each other; set both or neither.'],
    [{ certificateArn: CERTIFICATE }, 'domainName and certificateArn require each other; set both or neither.'],
    [{ domainName: 'https://a.example', certificateArn: CERTIFICATE }, 'domainName is "https://a.example"; it must be a domain name'],
    [{ domainName: 'a.example', certificateArn: CERTIFICATE.replace('us-east-1', 'eu-west-1') }, 'it must be the ARN of a certificate in us-east-1'],
    [{ hostedZoneId: 'Z1' }, 'hostedZoneId has no effect without domainName; set both, or remove it.'],
    [{ domainName: 'a.example', certificateArn: CERTIFICATE, hostedZoneId: 'a.example' }, 'hostedZoneId is "a.example"; it must be the ID of a hosted zone'],
    [{ webAclArn: WEB_ACL.replace('us-east-1', 'eu-west-1') }, 'it must be the ARN of a web ACL with the scope CLOUDFRONT, which is in us-east-1'],
    [{ webAclArn: WEB_ACL.replace('global', 'regional') }, 'it must be the ARN of a web ACL with the scope CLOUDFRONT'],
    [{ originSecret: 'on' }, 'originSecret is "on"; it must be a whole number from 1 to 1000000 or off.'],
    [{ signUp: 'maybe' }, 'signUp'],
    [{ allowedOrigins: 'https://a.example/page' }, 'allowedOrigins'],
    [{ allowedOrigins: '*' }, 'allowedOrigins'],
    [{ allowedOrigins: 'http://a.example' }, 'allowedOrigins'],
    [{ analyses: 'labels,cats' }, 'analyses is "cats"; it must be a comma-separated list of labels,'],
    [{ analyses: 'custom-labels' }, 'customLabelsArn and custom-labels'],
    [{ customLabelsArn: ARN }, 'customLabelsArn and custom-labels'],
    [{ analyses: 'custom-labels', customLabelsArn: 'shelves' }, 'customLabelsArn is "shelves"; it must be the ARN'],
    [{ versioning: 'on' }, 'versioning is "on"; it must be a whole number from 1 to 36500 (days) or off.'],
    [{ originalsDays: 0 }, 'originalsDays is "0"; it must be a whole number from 1 to 36500 (days) or forever.'],
    [{ resultsDays: '1.5' }, 'resultsDays'],
    [{ alarmEmail: 'ops' }, 'alarmEmail'],
    [{ processorConcurrency: 1 }, 'processorConcurrency is "1"; it must be a whole number from 2 to 1000.'],
    [{ processorConcurrency: 3 }, 'are 3 and 2, but 5 Rekognition calls a second allow at most 4 together; lower them, or raise the quota'],
    [{ backfillConcurrency: 1 }, 'backfillConcurrency is "1"; it must be a whole number from 2 to 1000.'],
    [{ imageRequests: 'no' }, 'imageRequests is "no"; it must be on or off.'],
    [{ resultEvents: 'no' }, 'resultEvents is "no"; it must be on or off.'],
    [{ rekognitionTps: 4 }, 'rekognitionTps'],
    [{ maxDailyAnalyses: 0 }, 'maxDailyAnalyses'],
    [{ monthlyBudgetUsd: 0 }, 'monthlyBudgetUsd is "0"; it must be a number from 1 to 10000000 or none.'],
    [{ removalPolicy: 'snapshot' }, 'removalPolicy is "snapshot"; it must be retain or destroy.'],
    [{ architecture: 'arm' }, 'architecture'],
    [{ logDays: 31 }, 'logDays is "31"; it must be one of 1, 3,'],
    [{ tracing: 'yes' }, 'tracing is "yes"; it must be off or on.'],
    [{ apiRate: 'fast' }, 'apiRate'],
    [{ assets: 'none' }, 'assets'],
    [{ retention: 30 }, 'Unknown option "retention"; the options are stage,'],
  ])('%j is rejected with one sentence', (context, sentence) => {
    expect(() => read(context)).toThrow(OptionError);
    const text = message(() => read(context));
    expect(text).toContain(sentence);
    expect(text).not.toContain('\n');
    expect(text.endsWith('.')).toBe(true);
  });

  const limit = { maxDailyAnalyses: 1000 };
  const address = { alarmEmail: 'ops@example.com' };
  const write = (option: string, names: string[]) => {
    const examples: Record<string, string> = { maxDailyAnalyses: 'maxDailyAnalyses=1000', alarmEmail: 'alarmEmail=you@example.com' };
    return `With ${option} anybody can upload at your cost, so ${names.join(' and ')} must be chosen; write ${names.map((name) => examples[name]).join(' and ')}, or ${names.map((name) => `${name}=none`).join(' and ')}.`;
  };
  test.each([
    [{}, 'alarmEmail is missing; write alarmEmail=you@example.com to get the alarms, or alarmEmail=none to go without.'],
    [limit, 'alarmEmail is missing; write alarmEmail=you@example.com to get the alarms, or alarmEmail=none to go without.'],
    ...[{ access: 'unlisted' }, { signUp: 'open' }, { guests: 'on' }].flatMap((open) => {
      const option = Object.entries(open)[0]!.join('=');
      return [
        [open, write(option, ['maxDailyAnalyses', 'alarmEmail'])],
        [{ ...open, ...limit }, write(option, ['alarmEmail'])],
        [{ ...open, ...address }, write(option, ['maxDailyAnalyses'])],
        [{ ...open, ...address, maxDailyAnalyses: '' }, write(option, ['maxDailyAnalyses'])],
      ] as [Record<string, unknown>, string][];
    }),
    // A limit for each owner does not limit the number of owners.
    [{ signUp: 'open', ...address, maxDailyAnalysesPerOwner: 5 }, write('signUp=open', ['maxDailyAnalyses'])],
    [POOL, write('userPoolId', ['maxDailyAnalyses', 'alarmEmail']).replace('anybody can', 'the existing pool decides who can')],
    [{ ...POOL, guests: 'on', ...address }, write('guests=on', ['maxDailyAnalyses'])],
    [{ signUp: 'open', guests: 'on' }, write('signUp=open and guests=on', ['maxDailyAnalyses', 'alarmEmail'])],
  ])('%j: nobody can spend without bound unless the deployment says so', (context, sentence) => {
    const chosen = (more: Record<string, unknown>) => readOptions(new App({ context: { ...context, ...more } }).node, 'eu-west-1');
    expect(() => chosen({})).toThrow(new OptionError(sentence));
    expect(chosen({ maxDailyAnalyses: 'none', alarmEmail: 'none' })).toMatchObject({ maxDailyAnalyses: undefined, alarmEmail: undefined });
    expect(chosen({ ...limit, ...address })).toMatchObject({ maxDailyAnalyses: 1000, alarmEmail: 'ops@example.com' });
  });

  test('an own domain, an existing user pool and further pages to sign in from', () => {
    expect(read({ domainName: 'pictures.example.com', certificateArn: CERTIFICATE, webAclArn: WEB_ACL, originSecret: 'off' })).toMatchObject({
      domain: { name: 'pictures.example.com', certificateArn: CERTIFICATE, hostedZoneId: undefined }, webAclArn: WEB_ACL, originSecret: undefined,
    });
    expect(read({ ...POOL, guests: 'on', maxDailyAnalyses: 9 })).toMatchObject({
      guests: true, existingUserPool: { id: 'eu-west-1_AbCdEfGhI', clientId: '1example23456789', signInDomain: POOL.signInDomain },
    });
    const callbackUrls = ['https://a.example/', 'http://localhost:3000/in.html'];
    expect(read({ allowedOrigins: 'https://a.example,http://localhost:3000', callbackUrls }).callbackUrls).toEqual(callbackUrls);
  });

  test('context that the CDK\'s own commands write to cdk.context.json is ignored', () => {
    // `npx cdk cli-telemetry --disable` and `npx cdk acknowledge 34892` write these.
    expect(read({ 'cli-telemetry': false, 'acknowledged-issue-numbers': [34892], 'availability-zones:account=1:region=r': ['r-a'] })).toEqual(read({}));
  });

  test.each([
    // context, region, quota, batch size, batches of uploads and of a backfill, requests with images
    [{}, 'eu-central-1', 5, 1, 2, 2, 1],
    [{}, undefined, 5, 1, 2, 2, 1],
    [{ imageRequests: 'off' }, 'eu-central-1', 5, 1, 3, 2, undefined],
    [{}, 'us-east-1', 50, 10, 3, 2, 10],
    [{ analyses: 'faces' }, 'eu-west-1', 100, 10, 7, 3, 20],
    [{ analyses: 'faces' }, 'eu-west-2', 25, 5, 2, 2, 5],
    [{ analyses: 'labels,ppe' }, 'us-west-2', 5, 1, 2, 2, 1],
    [{ rekognitionTps: 400 }, 'eu-central-1', 400, 10, 28, 12, 80],
    [{ rekognitionTps: 400, processorConcurrency: 20 }, 'eu-central-1', 400, 10, 20, 12, 80],
    [{ rekognitionTps: 400, backfillConcurrency: 30 }, 'eu-central-1', 400, 10, 10, 30, 80],
  ])('%j in %s: calls in flight stay under the quota', (context, region, tps, batch, uploads, backfill, requests) => {
    const options = read(context, region);
    expect(options).toMatchObject({ rekognitionTps: tps, batchSize: batch, processorConcurrency: uploads, backfillConcurrency: backfill });
    expect(options.imageRequestRate).toBe(requests);
    expect(Math.min(batch, 8) * (uploads + backfill) + (requests ?? 0)).toBeLessThanOrEqual(tps);
  });
});
