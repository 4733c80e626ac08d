/** The stack: composes the constructs. */

import { CfnOutput, Stack, type StackProps, Tags } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { Access } from './access.ts';
import { Budget } from './budget.ts';
import { Gradual } from './gradual.ts';
import { Guests } from './guests.ts';
import { IndexTable } from './index-table.ts';
import { Names } from './names.ts';
import { explainHelpers } from './nag.ts';
import { Observability, metricsNamespace } from './observability.ts';
import type { Options } from './options.ts';
import { OriginSecret } from './origin-secret.ts';
import { Processor } from './processor.ts';
import { Storage } from './storage.ts';
import { UploadApi } from './upload-api.ts';
import { Website } from './website.ts';

export class SightlineStack extends Stack {
  constructor(scope: Construct, id: string, options: Options, props: StackProps = {}) {
    super(scope, id, { description: 'Sightline: tells you what is in your pictures', ...props });
    const names = new Names(options, this);
    const storage = new Storage(this, 'Storage', options, names);
    const { input, output } = storage;
    // Search needs owners, so `unlisted` has no index.
    const table = options.access === 'owner' ? new IndexTable(this, 'Index', options).table : undefined;
    const resources = { input, output, table };
    const environment = {
      METRICS_NAMESPACE: metricsNamespace(options),
      // Decides which lists the index has, for the processor too.
      ACCESS: options.access,
      INPUT_BUCKET: input.bucketName,
      OUTPUT_BUCKET: output.bucketName,
      ...(table && { INDEX_TABLE: table.tableName }),
      ANALYSES: options.analyses.join(','),
      ...(options.customLabelsArn && { CUSTOM_LABELS_ARN: options.customLabelsArn }),
      ...(options.maxDailyAnalyses !== undefined && { MAX_DAILY_ANALYSES: String(options.maxDailyAnalyses) }),
      ...(options.maxDailyAnalysesPerOwner !== undefined && { MAX_DAILY_ANALYSES_PER_OWNER: String(options.maxDailyAnalysesPerOwner) }),
      ...options.settings.both,
    };

    const processor = new Processor(this, 'Processing', options, names, storage, resources, environment);
    const secret = options.originSecret === undefined ? undefined : new OriginSecret(this, 'OriginSecret', options.originSecret);
    const guests = options.guests ? new Guests(this, 'Guests', names) : undefined;
    const api = new UploadApi(this, 'UploadApi', options, resources, {
      ...environment,
      ...(secret && { ORIGIN_SECRETS: secret.accepted }),
      ...(guests && { GUEST_IDENTITY_POOL: guests.identityPoolId }),
    });
    const website = new Website(this, 'Website', options, names, { host: api.host, secret: secret?.sent });
    const access = new Access(this, 'Access', options, names, website.origin);
    api.addRoutes(access.authorizer);
    guests?.allow(api.api, api.routes.filter(({ callers }) => callers === 'guests'));
    storage.allowOrigins([website.origin, ...options.allowedOrigins]);
    const offer = { offers: options.analyses, gallery: options.access === 'owner' };
    website.publish({ api: '', ...offer, ...access.pageConfiguration(), ...guests?.pageConfiguration(api.host) });
    const { topic, deploymentAlarms } = new Observability(this, 'Observability', options, processor, api, website);
    if (options.gradual) new Gradual(this, 'Gradual', { Processor: processor.processor, UploadApi: api.handler }, deploymentAlarms);
    const budget = new Budget(this, 'Budget', options, names, {
      topic, roles: [processor.processor.role, api.handler.role], queues: [processor.queue, processor.backfillQueue],
    });
    explainHelpers(this, website.bucket);
    Tags.of(this).add('sightline:stage', options.stage);

    const outputs = {
      SiteUrl: website.origin,
      DistributionDomain: website.distribution.distributionDomainName,
      ApiUrl: api.api.apiEndpoint,
      InputBucket: input.bucketName,
      OutputBucket: output.bucketName,
      ...(table && { IndexTable: table.tableName }),
      DistributionId: website.distribution.distributionId,
      QueueArn: processor.queue.queueArn,
      QueueUrl: processor.queue.queueUrl,
      BackfillQueueArn: processor.backfillQueue.queueArn,
      BackfillQueueUrl: processor.backfillQueue.queueUrl,
      DeadLetterQueueArn: processor.deadLetters.queueArn,
      DeadLetterQueueUrl: processor.deadLetters.queueUrl,
      ...(access.signIn && { UserPoolId: access.signIn.id, UserPoolClientId: access.signIn.clientId, SignInUrl: access.signIn.signInDomain }),
      ...(guests && { IdentityPoolId: guests.identityPoolId }),
      ...storage.outputs(),
      ...(budget.action && { BudgetName: budget.action.budget, BudgetActionId: budget.action.id }),
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}
