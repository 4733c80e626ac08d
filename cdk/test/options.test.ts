import { App } from 'aws-cdk-lib';
import { describe, expect, test } from 'vitest';
import { OptionError, readOptions } from '../lib/options.ts';

const ARN = 'arn:aws:rekognition:eu-west-1:111122223333:project/shelves/version/shelves.2026-01-01/1767225600000';

function read(context: Record<string, unknown>, region: string | undefined = 'eu-central-1') {
  return readOptions(new App({ context }).node, region);
}

describe('options', () => {
  test('have safe defaults', () => {
    expect(read({})).toEqual({
      stage: 'dev', access: 'owner', signUp: 'closed', allowedOrigins: [], analyses: ['labels', 'image-properties'], customLabelsArn: undefined,
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
    try {
      read(context);
    } catch (error) {
      const { message } = error as Error;
      expect(message).toContain(sentence);
      expect(message).not.toContain('\n');
      expect(message.endsWith('.')).toBe(true);
    }
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
