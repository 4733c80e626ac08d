/** The dashboard, the alarms with the topic that they notify, and the canary that asks for the site. */

import { Duration, Stack, Token } from 'aws-cdk-lib';
import { Alarm, type AlarmProps, ComparisonOperator, Dashboard, GraphWidget, type IMetric, MathExpression, Metric, SingleValueWidget, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { Canary } from './canary.ts';
import { encryptionKey } from './encryption.ts';
import type { Options } from './options.ts';
import { RETENTION, type Processor } from './processor.ts';
import { RETRIES } from './retries.ts';
import type { UploadApi } from './upload-api.ts';
import type { Website } from './website.ts';

/** The namespace of the functions' own metrics (crates/pipeline/src/metrics.rs), one for each stage. */
export function metricsNamespace({ stage }: Options): string {
  return `Sightline/${stage}`;
}

/**
 * The codes with which Rekognition throttles (Amazon Rekognition API Reference, "Common errors"). DynamoDB and S3 use some of the
 * same codes; in the metric theirs start with `Index.` or `S3.`.
 */
const THROTTLING_CODES = { a: 'ThrottlingException', b: 'ProvisionedThroughputExceededException' };

/**
 * The age at which a message is late: it has come again once after its function crashed, and once after the longest pause. SQS leaves
 * messages out of the age that were received three times or more (Amazon SQS Developer Guide, "Available CloudWatch metrics").
 */
export const LATE = Duration.seconds(RETRIES.visibilityTimeoutSeconds + RETRIES.longestPauseSeconds + RETRIES.batchSeconds);

/** How often an alarm's metric must exceed its threshold. */
type Rule = Pick<AlarmProps, 'metric' | 'threshold' | 'evaluationPeriods' | 'datapointsToAlarm' | 'comparisonOperator' | 'treatMissingData'>;

export class Observability extends Construct {
  readonly topic: Topic;
  /** The alarms that a new version of the functions must not raise. */
  readonly deploymentAlarms: Alarm[];
  readonly dashboard: Dashboard;

  constructor(scope: Construct, id: string, private readonly options: Options, processor: Processor, api: UploadApi, website: Website) {
    super(scope, id);
    const stack = Stack.of(this);
    this.topic = new Topic(this, 'Alarms', { displayName: `Sightline ${options.stage}`, enforceSSL: true, masterKey: encryptionKey(this, options) });
    if (options.alarmEmail) this.topic.addSubscription(new EmailSubscription(options.alarmEmail));
    // `enforceSSL` replaces the default policy, which would have let services of this account publish.
    this.topic.addToResourcePolicy(new PolicyStatement({
      sid: 'Alarms',
      principals: [new ServicePrincipal('cloudwatch.amazonaws.com'), new ServicePrincipal('budgets.amazonaws.com')],
      actions: ['sns:Publish'],
      resources: [this.topic.topicArn],
      conditions: { StringEquals: { 'aws:SourceAccount': stack.account } },
    }));

    const namespace = metricsNamespace(options);
    const five = { period: Duration.minutes(5) };
    const sum = { ...five, statistic: Stats.SUM };
    const { queue, backfillQueue, deadLetters } = processor;
    const processed = processor.processor.function;
    const handler = api.handler.function;
    const own = (metricName: string, statistic: string, props: { label?: string; period?: Duration; dimensionsMap?: Record<string, string> } = {}) =>
      new Metric({ namespace, metricName, statistic, ...five, ...props });
    const oldest = queue.metricApproximateAgeOfOldestMessage({ ...five, statistic: Stats.MAXIMUM });
    const oldestBackfill = backfillQueue.metricApproximateAgeOfOldestMessage({ ...five, statistic: Stats.MAXIMUM, label: 'backfill' });
    const dead = deadLetters.metricApproximateNumberOfMessagesVisible({ ...five, statistic: Stats.MAXIMUM });
    const serverErrors = api.api.metricServerError({ ...sum, label: '5xx' });
    const requests = api.api.metricCount({ ...sum, label: 'requests' });
    const throttled = new MathExpression({
      expression: 'FILL(api, 0) + FILL(processor, 0)',
      label: 'function throttles',
      usingMetrics: { api: handler.metricThrottles(sum), processor: processed.metricThrottles(sum) },
      ...five,
    });
    const errorRate = new MathExpression({
      // A rate over a handful of requests means nothing.
      expression: 'IF(requests >= 20, 100 * errors / requests, 0)',
      label: 'API 5xx, percent',
      usingMetrics: { errors: api.api.metricServerError(sum), requests: api.api.metricCount(sum) },
      ...five,
    });
    const processorErrors = processed.metricErrors({ ...sum, label: 'processor errors' });
    const apiErrors = handler.metricErrors({ ...sum, label: 'API function errors' });
    const daily = own('CostUsd', Stats.SUM, { period: Duration.days(1), label: 'Rekognition, US dollars a day' });
    const failures = (Service: string) => own('RetryableFailures', Stats.SUM, { dimensionsMap: { Service } });

    this.alarm('DeadLetters', 'Pictures are in the dead-letter queue. docs/deploy.md says how to inspect and redrive them.', {
      metric: dead, threshold: 0, evaluationPeriods: 1,
    });
    this.alarm('OldestMessage', `A picture has waited more than ${LATE.toMinutes()} minutes. The processor is behind, or Rekognition rejects calls.`, {
      metric: oldest, threshold: LATE.toSeconds(), evaluationPeriods: 2,
    });
    this.alarm('Backfill', `A message of a backfill has waited for half of the ${RETENTION.backfill.toDays()} days that its queue keeps messages. The backfill is behind.`, {
      metric: oldestBackfill, threshold: RETENTION.backfill.toSeconds() / 2, evaluationPeriods: 2,
    });
    this.alarm('RepairNeeded', 'Pictures wait for a repair of the deployment, such as a permission. The processor\'s log names it at level ERROR.', {
      metric: own('RepairsNeeded', Stats.SUM), threshold: 0, evaluationPeriods: 1,
    });
    // A picture that fails comes again at least every five minutes, so a disturbance shows in every period, with one picture too.
    const disturbed = { threshold: 0, evaluationPeriods: 3 };
    this.alarm('IndexFailures', 'The index has failed for 15 minutes. The pictures are retried.', { metric: failures('Index'), ...disturbed });
    this.alarm('BucketFailures', 'A bucket has failed for 15 minutes. The pictures are retried.', { metric: failures('S3'), ...disturbed });
    const deployed = [
      this.alarm('ApiErrorRate', 'More than 5 percent of API responses are 5xx errors.', { metric: errorRate, threshold: 5, evaluationPeriods: 2 }),
      this.alarm('ApiFunctionErrors', 'The API\'s function crashed or ran out of time. See its log.', { metric: apiErrors, threshold: 0, evaluationPeriods: 1 }),
      // After a crash, messages come again when their visibility time-out ends, which is longer than a period. So one message that
      // crashes the processor every time shows in two of three periods.
      this.alarm('ProcessorErrors', 'Processor invocations fail. See the function\'s log.', { metric: processorErrors, threshold: 0, evaluationPeriods: 3, datapointsToAlarm: 2 }),
    ];
    // With ten requests a day, of which all fail, it rings within five hours; a single failure of a busy day does not count.
    this.alarm('ApiErrors', 'The API answered with 5xx in two different hours of the last twelve.', {
      metric: api.api.metricServerError({ period: Duration.hours(1), statistic: Stats.SUM }), threshold: 0, evaluationPeriods: 12, datapointsToAlarm: 2,
    });
    this.alarm('Throttles', 'Lambda throttles invocations because the account\'s concurrency is used up.', { metric: throttled, threshold: 0, evaluationPeriods: 2 });
    this.alarm('RekognitionThrottles', 'Rekognition throttles calls. The pictures are retried later.', {
      metric: new MathExpression({
        expression: 'FILL(a, 0) + FILL(b, 0)',
        label: 'pictures throttled by Rekognition',
        usingMetrics: Object.fromEntries(Object.entries(THROTTLING_CODES).map(([id, Reason]) => [id, own('RetryableFailures', Stats.SUM, { dimensionsMap: { Reason } })])),
        ...five,
      }),
      threshold: 10,
      evaluationPeriods: 3,
    });
    const cloudFrontErrors = new Metric({
      namespace: 'AWS/CloudFront', metricName: '5xxErrorRate', statistic: Stats.AVERAGE, ...five, region: 'us-east-1', label: '5xx, percent',
      dimensionsMap: { DistributionId: website.distribution.distributionId, Region: 'Global' },
    });
    // CloudFront's metrics are in us-east-1 alone, and an alarm can watch only metrics of its own region.
    if (!Token.isUnresolved(stack.region) && stack.region === 'us-east-1') {
      this.alarm('SiteErrors', 'More than 5 percent of CloudFront\'s responses are 5xx errors.', { metric: cloudFrontErrors, threshold: 5, evaluationPeriods: 3, datapointsToAlarm: 2 });
    }
    if (options.canaryMinutes !== undefined) {
      const canary = new Canary(this, 'Canary', options, options.canaryMinutes, `${website.origin}/health`);
      this.alarm('Site', 'GET /health through CloudFront failed twice in a row, or was not asked for.', {
        metric: canary.success, threshold: 100, evaluationPeriods: 2, comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD, treatMissingData: TreatMissingData.BREACHING,
      });
    }
    this.deploymentAlarms = deployed;
    if (options.monthlyBudgetUsd !== undefined) {
      const limit = options.monthlyBudgetUsd / 10;
      this.alarm('DailyCost', `Rekognition has cost more than ${limit} US dollars today, a tenth of the monthly budget.`, {
        metric: daily, threshold: limit, evaluationPeriods: 1,
      });
    }

    // A namespace with characters other than letters and digits must be quoted (Amazon CloudWatch User Guide, "Search expression syntax").
    const search = (metricName: string, dimension: string) =>
      new MathExpression({ expression: `SEARCH('{"${namespace}",${dimension}} MetricName="${metricName}"', 'Sum', 300)`, label: '', usingMetrics: {}, ...five });
    const latencies = ['WaitedTime', 'PrepareTime', 'RecogniseTime', 'TotalTime'];
    this.dashboard = new Dashboard(this, 'Dashboard', {
      dashboardName: `Sightline-${options.stage}-${stack.region}`,
      defaultInterval: Duration.hours(12),
      widgets: [
        [
          this.graph('Uploads', [queue.metricNumberOfMessagesSent({ ...sum, label: 'pictures queued' })]),
          this.graph('Pictures by status', [search('ImagesByStatus', 'Status')]),
          this.graph('Analyses', [search('Analyses', 'Analysis')]),
        ],
        [
          this.graph('Failures by code', [search('Errors', 'Code')]),
          this.graph('Retryable failures by reason', [search('RetryableFailures', 'Reason')]),
          this.graph('Functions', [processorErrors, throttled, apiErrors]),
        ],
        [
          this.graph('Processing, p50 (ms)', latencies.map((name) => own(name, 'p50', { label: name }))),
          this.graph('Processing, p99 (ms)', latencies.map((name) => own(name, 'p99', { label: name }))),
          this.graph('Age of the oldest message (s)', [oldest, oldestBackfill]),
        ],
        [
          this.graph('API requests', [requests, api.api.metricClientError({ ...sum, label: '4xx' }), serverErrors]),
          this.graph('API (ms)', ['p50', 'p99'].map((statistic) => api.api.metricLatency({ ...five, statistic, label: statistic }))),
          this.graph('Messages', [queue.metricApproximateNumberOfMessagesVisible({ ...five, label: 'waiting' }), queue.metricApproximateNumberOfMessagesNotVisible({ ...five, label: 'in flight' }), dead]),
        ],
        [
          this.graph('Backfill', [
            backfillQueue.metricNumberOfMessagesSent({ ...sum, label: 'pictures queued' }),
            backfillQueue.metricNumberOfMessagesDeleted({ ...sum, label: 'pictures processed' }),
          ]),
          this.graph('Backfill, messages', [
            backfillQueue.metricApproximateNumberOfMessagesVisible({ ...five, label: 'waiting' }),
            backfillQueue.metricApproximateNumberOfMessagesNotVisible({ ...five, label: 'in flight' }),
          ]),
        ],
        [
          this.graph('Cost a day (US dollars, list price)', [daily]),
          this.graph('CloudFront', [cloudFrontErrors]),
          new SingleValueWidget({ title: 'Today', width: 8, height: 6, metrics: [own('Images', Stats.SUM, { period: Duration.days(1), label: 'pictures' }), own('BilledCalls', Stats.SUM, { period: Duration.days(1), label: 'billed calls' }), daily] }),
        ],
      ],
    });
  }

  private graph(title: string, left: IMetric[]): GraphWidget {
    return new GraphWidget({ title, left, width: 8, height: 6 });
  }

  /** Notifies the topic when the metric exceeds the threshold and when it recovers. */
  private alarm(id: string, description: string, rule: Rule): Alarm {
    const alarm = new Alarm(this, id, {
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      // No data means that nothing happened.
      treatMissingData: TreatMissingData.NOT_BREACHING,
      ...rule,
      alarmName: `Sightline-${this.options.stage}-${id}`,
      alarmDescription: description,
    });
    const notify = new SnsAction(this.topic);
    alarm.addAlarmAction(notify);
    alarm.addOkAction(notify);
    return alarm;
  }
}
