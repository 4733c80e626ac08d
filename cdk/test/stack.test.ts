import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { describeFunctions } from '../lib/template.ts';
import { ROUTES, apiPaths, gatewayRoutes } from '../lib/routes.ts';
import { RETRIES } from '../lib/retries.ts';
import { type Synthesised, all, flat, only, synth } from './support.ts';

const owner = synth({ alarmEmail: 'ops@example.com' });
const unlisted = synth({ access: 'unlisted' });
const apiPatterns = apiPaths({ guests: false });
const routeKeys = gatewayRoutes({ guests: false, imageRequestRate: 1 }).map((route) => `${route.method} ${route.path}`);

describe('storage', () => {
  test('every bucket is private and encrypted, requires TLS and has no ACLs', () => {
    for (const bucket of all(owner, 'AWS::S3::Bucket')) {
      expect(bucket.PublicAccessBlockConfiguration).toEqual({ BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true });
      expect(bucket.BucketEncryption.ServerSideEncryptionConfiguration[0].ServerSideEncryptionByDefault.SSEAlgorithm).toBe('AES256');
      expect(bucket.OwnershipControls.Rules).toEqual([{ ObjectOwnership: 'BucketOwnerEnforced' }]);
    }
    const policies = all(owner, 'AWS::S3::BucketPolicy');
    expect(policies).toHaveLength(4);
    for (const { PolicyDocument } of policies) {
      expect(PolicyDocument.Statement).toContainEqual(expect.objectContaining({
        Effect: 'Deny', Action: 's3:*', Principal: { AWS: '*' }, Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      }));
      for (const statement of PolicyDocument.Statement) {
        if (statement.Effect === 'Allow') expect(JSON.stringify(statement.Principal)).not.toContain('*');
      }
    }
  });

  test('aborted uploads and leases expire; originals and results expire if configured', () => {
    const rules = (from: Synthesised, kind: string) =>
      Object.fromEntries(only(from, 'AWS::S3::Bucket', new RegExp(`-${kind}-`)).LifecycleConfiguration.Rules.map((rule: any) => [rule.Prefix ?? '', rule.ExpirationInDays ?? rule.AbortIncompleteMultipartUpload]));
    const aborted = { '': { DaysAfterInitiation: 1 } };
    expect(rules(owner, 'input')).toEqual(aborted);
    expect(rules(owner, 'output')).toEqual({ ...aborted, 'claims/': 1, 'spending/': 7 });
    const short = synth({ originalsDays: 3, resultsDays: 90 });
    expect(rules(short, 'input')).toEqual({ ...aborted, 'uploads/': 3, 'inline/': 3 });
    expect(rules(short, 'output')).toEqual({ ...aborted, 'claims/': 1, 'spending/': 7, 'results/': 90, 'thumbnails/': 90, 'previews/': 90 });
  });

  test('with versioning, the input bucket alone keeps older versions for a time, and the upload API may remove them', () => {
    for (const access of ['owner', 'unlisted'] as const) {
      const versioned = synth({ access, versioning: 30 });
      const bucket = only(versioned, 'AWS::S3::Bucket', /-input-/);
      expect(bucket.VersioningConfiguration).toEqual({ Status: 'Enabled' });
      expect(bucket.LifecycleConfiguration.Rules).toContainEqual({
        Id: 'older-versions', Status: 'Enabled', NoncurrentVersionExpiration: { NoncurrentDays: 30 }, ExpiredObjectDeleteMarker: true,
      });
      expect(only(versioned, 'AWS::S3::Bucket', /-output-/).VersioningConfiguration).toBeUndefined();
      const { uploadApi, processor } = describeFunctions(versioned.json as any, { account: '1', region: 'r' }).functions;
      expect(uploadApi.environment.DELETE_VERSIONS).toBe('on');
      const allowed = uploadApi.statements.filter(({ Action }) => Action.some((action) => action.includes('Version')));
      const objects = (access === 'owner' ? ['uploads', 'inline'] : ['inline']).map((prefix) => expect.stringMatching(new RegExp(`-input-.*/${prefix}/\\*$`)));
      expect(allowed.map(({ Action, Resource }) => [Action, Resource])).toEqual([
        [['s3:ListBucketVersions'], [expect.stringMatching(/-input-[^/]*$/)]],
        [['s3:DeleteObjectVersion'], objects],
      ]);
      expect(JSON.stringify(processor)).not.toMatch(/DeleteObjectVersion|DELETE_VERSIONS/);
    }
    expect(only(owner, 'AWS::S3::Bucket', /-input-/).VersioningConfiguration).toBeUndefined();
    expect(JSON.stringify(owner.json)).not.toMatch(/DeleteObjectVersion|ListBucketVersions|DELETE_VERSIONS/);
    expect(JSON.stringify(owner.json)).toContain('s3:GetObjectVersion');
  });

  test('only the site and the configured origins may PUT and GET', () => {
    const origins = (from: Synthesised, kind: string) =>
      only(from, 'AWS::S3::Bucket', new RegExp(`-${kind}-`)).CorsConfiguration.CorsRules.map((rule: any) => [rule.AllowedMethods.join(), rule.AllowedOrigins.map(flat)]);
    const site = expect.stringMatching(/^https:\/\/<WebsiteDistribution\w+\.DomainName>$/);
    expect(origins(owner, 'input')).toEqual([['PUT', [site]], ['GET,HEAD', [site]]]);
    expect(origins(owner, 'output')).toEqual([['GET,HEAD', [site]]]);
    expect(origins(synth({ allowedOrigins: 'https://a.example' }), 'output')).toEqual([['GET,HEAD', [site, 'https://a.example']]]);
    const [put] = only(owner, 'AWS::S3::Bucket', /-input-/).CorsConfiguration.CorsRules;
    expect(put.AllowedHeaders).toEqual(['content-type', 'if-none-match', 'x-amz-checksum-sha256', 'x-amz-meta-*']);
  });

  test('removalPolicy decides whether user data outlives the stack', () => {
    const policies = (from: Synthesised, type: string) =>
      (Object.values(from.json.Resources) as any[]).filter((resource) => resource.Type === type).map((resource) => [resource.DeletionPolicy, resource.UpdateReplacePolicy]).sort();
    // `RetainExceptOnCreate` deletes the resources of a first deployment that is rolled back, so that the next one can use their names.
    const kept = ['RetainExceptOnCreate', 'Retain'];
    const gone = ['Delete', 'Delete'];
    const destroyed = synth({ removalPolicy: 'destroy' });
    for (const type of ['AWS::Cognito::UserPool', 'AWS::DynamoDB::Table']) {
      expect(policies(owner, type)).toEqual([kept]);
      expect(policies(destroyed, type)).toEqual([gone]);
    }
    // The others hold the pages and the canary's reports.
    expect(policies(owner, 'AWS::S3::Bucket')).toEqual([gone, gone, kept, kept]);
    expect(policies(destroyed, 'AWS::S3::Bucket')).toEqual([gone, gone, gone, gone]);
    const others = (Object.values(owner.json.Resources) as any[]).filter((resource) => !['AWS::Cognito::UserPool', 'AWS::DynamoDB::Table', 'AWS::S3::Bucket'].includes(resource.Type));
    for (const resource of others) expect([undefined, 'Delete'], resource.Type).toContain(resource.DeletionPolicy);
    expect(only(owner, 'AWS::Cognito::UserPool').DeletionProtection).toBe('ACTIVE');
    expect(only(destroyed, 'AWS::Cognito::UserPool').DeletionProtection).toBe('INACTIVE');
  });
});

describe('index', () => {
  test('the table matches the schema that the DynamoDB adapter describes', () => {
    const source = readFileSync(fileURLToPath(new URL('../../crates/aws/src/dynamo/mod.rs', import.meta.url)), 'utf8');
    const table = only(owner, 'AWS::DynamoDB::Table');
    expect(table.KeySchema).toEqual([{ AttributeName: 'pk', KeyType: 'HASH' }, { AttributeName: 'sk', KeyType: 'RANGE' }]);
    expect(table.BillingMode).toBe('PAY_PER_REQUEST');
    expect(table.TimeToLiveSpecification).toEqual({ AttributeName: 'expires', Enabled: true });
    expect(table.PointInTimeRecoverySpecification).toEqual({ PointInTimeRecoveryEnabled: true });
    const indexes = table.GlobalSecondaryIndexes.map((index: any) => [index.IndexName, ...index.KeySchema.map((key: any) => key.AttributeName), index.Projection.ProjectionType, index.Projection.NonKeyAttributes]);
    expect(indexes).toEqual([['by-owner-term', 'ownerTerm', 'position', 'INCLUDE', ['confidence', 'status']]]);
    for (const [name, partition, sort] of indexes) {
      for (const word of [name, partition, sort]) expect(source).toContain(word);
    }
    expect(JSON.stringify(table)).not.toContain('StreamSpecification');
  });

  test('rows end with their results: the output bucket reports the results that expire', () => {
    const queues = (from: Synthesised) => only(from, 'AWS::S3::Bucket', /-output-/).NotificationConfiguration.QueueConfigurations;
    expect(queues(owner)).toBeUndefined();
    expect(queues(synth({ access: 'unlisted', resultsDays: 90 }))).toBeUndefined();
    const expiring = synth({ resultsDays: 90 });
    const bucket = only(expiring, 'AWS::S3::Bucket', /-output-/);
    expect(bucket.NotificationConfiguration.EventBridgeConfiguration).toEqual({ EventBridgeEnabled: true });
    expect(queues(expiring)).toEqual([{
      Event: 's3:LifecycleExpiration:*', Filter: { S3Key: { Rules: [{ Name: 'prefix', Value: 'results/' }] } }, Queue: { 'Fn::GetAtt': [expect.stringMatching(/^ProcessingBackfillQueue/), 'Arn'] },
    }]);
    const { PolicyDocument } = only(expiring, 'AWS::SQS::QueuePolicy', /FromOutputBucket/);
    const allowed = PolicyDocument.Statement.find((statement: any) => statement.Sid === 'FromOutputBucket');
    expect(flat(allowed.Condition.ArnEquals['aws:SourceArn'])).toBe(`arn:<AWS::Partition>:s3:::${flat(bucket.BucketName)}`);
    const output = Object.values(expiring.json.Resources).find((resource) => resource.Properties === bucket) as any;
    expect(output.DependsOn).toContainEqual(expect.stringMatching(/^ProcessingBackfillQueuePolicy/));
  });

  test('both functions know who lists pictures, because the index follows it', () => {
    for (const [from, access] of [[owner, 'owner'], [unlisted, 'unlisted']] as const) {
      const { functions } = describeFunctions(from.json as any, { account: '111122223333', region: 'eu-west-1' });
      for (const { environment } of Object.values(functions)) expect(environment.ACCESS).toBe(access);
    }
  });

  test('unlisted has no search and therefore no table', () => {
    unlisted.template.resourceCountIs('AWS::DynamoDB::Table', 0);
    expect(JSON.stringify(unlisted.json)).not.toMatch(/dynamodb:|INDEX_TABLE/);
  });
});

describe('processing', () => {
  const [queue, backfill] = all(owner, 'AWS::SQS::Queue').filter((one) => one.RedrivePolicy) as [Record<string, any>, Record<string, any>];
  const mappings = (from: Synthesised) =>
    Object.fromEntries(all(from, 'AWS::Lambda::EventSourceMapping').map((one) => [plain(one.EventSourceArn).slice(1, -5).replace('Processing', ''), one]));
  const lanes = (from: Synthesised) => Object.entries(mappings(from)).map(([name, { BatchSize, ScalingConfig }]) => [name, BatchSize, ScalingConfig.MaximumConcurrency]);

  test('only the input bucket sends to the queue, for new objects under uploads/', () => {
    const bucket = only(owner, 'AWS::S3::Bucket', /-input-/);
    expect(bucket.NotificationConfiguration.EventBridgeConfiguration).toBeUndefined();
    expect(bucket.NotificationConfiguration.QueueConfigurations).toEqual([{
      Event: 's3:ObjectCreated:*', Filter: { S3Key: { Rules: [{ Name: 'prefix', Value: 'uploads/' }] } }, Queue: { 'Fn::GetAtt': [expect.stringMatching(/^ProcessingQueue/), 'Arn'] },
    }]);
    const policy = only(owner, 'AWS::SQS::QueuePolicy', /FromInputBucket/);
    const [allowed] = policy.PolicyDocument.Statement.filter((statement: any) => statement.Effect === 'Allow');
    expect(allowed).toMatchObject({ Action: 'sqs:SendMessage', Principal: { Service: 's3.amazonaws.com' }, Condition: { StringEquals: { 'aws:SourceAccount': '111122223333' } } });
    expect(flat(allowed.Condition.ArnEquals['aws:SourceArn'])).toBe(`arn:<AWS::Partition>:s3:::${flat(bucket.BucketName)}`);
    const input = Object.values(owner.json.Resources).find((resource) => resource.Properties === bucket) as any;
    expect(input.DependsOn).toContainEqual(expect.stringMatching(/^ProcessingQueuePolicy/));
  });

  test('the output bucket sends its events to EventBridge, unless resultEvents is off', () => {
    const configuration = (from: Synthesised) => only(from, 'AWS::S3::Bucket', /-output-/).NotificationConfiguration;
    expect(configuration(owner)).toEqual({ EventBridgeConfiguration: { EventBridgeEnabled: true } });
    expect(configuration(synth({ resultEvents: 'off' }))).toBeUndefined();
  });

  test('messages are kept for longer in the dead-letter queue, where SQS still counts from the first sending, than in the two others', () => {
    const days = all(owner, 'AWS::SQS::Queue').map((one) => one.MessageRetentionPeriod / 86_400);
    expect(days).toEqual([14, 4, 10]);
    expect(backfill.RedrivePolicy).toEqual(queue.RedrivePolicy);
    expect(backfill.VisibilityTimeout).toBe(queue.VisibilityTimeout);
  });

  test('all queues are encrypted and require TLS; a message that failed too often goes to the dead-letter queue', () => {
    for (const one of all(owner, 'AWS::SQS::Queue')) expect(one).toMatchObject({ SqsManagedSseEnabled: true });
    for (const { PolicyDocument } of all(owner, 'AWS::SQS::QueuePolicy')) {
      expect(PolicyDocument.Statement).toContainEqual(expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }));
    }
    expect(queue.RedrivePolicy.maxReceiveCount).toBe(RETRIES.maxReceiveCount);
  });

  test('a disturbance of hours is survived, and the processor may set the pause of every message', () => {
    const { firstPauseSeconds, longestPauseSeconds, survivedSeconds } = RETRIES;
    // Chance shortens a pause by at most half.
    const shortest = Array.from({ length: queue.RedrivePolicy.maxReceiveCount - 1 }, (_, failures) => Math.min(firstPauseSeconds * 2 ** failures, longestPauseSeconds) / 2);
    expect(shortest.reduce((sum, pause) => sum + pause, 0)).toBeGreaterThanOrEqual(survivedSeconds);
    expect(survivedSeconds).toBeGreaterThanOrEqual(6 * 3600);
    const statement = all(owner, 'AWS::IAM::Policy').flatMap(({ PolicyDocument }) => PolicyDocument.Statement).find(({ Sid }) => Sid === 'PauseMessages');
    const arns = [/^ProcessingQueue/, /^ProcessingBackfillQueue/].map((name) => ({ 'Fn::GetAtt': [expect.stringMatching(name), 'Arn'] }));
    expect(statement).toMatchObject({ Effect: 'Allow', Action: 'sqs:ChangeMessageVisibility', Resource: arns });
  });

  test('batches report failures by message and stay within the quota; the visibility timeout is six times the function\'s timeout', () => {
    for (const mapping of Object.values(mappings(owner))) expect(mapping.FunctionResponseTypes).toEqual(['ReportBatchItemFailures']);
    expect(lanes(owner)).toEqual([['Queue', 10, 3], ['BackfillQueue', 10, 2]]);
    const { Timeout } = only(owner, 'AWS::Lambda::Function', /sightline.*prepares pictures/i);
    expect(queue.VisibilityTimeout).toBeGreaterThanOrEqual(6 * Timeout);
    expect(lanes(synth({}, 'eu-central-1'))).toEqual([['Queue', 1, 2], ['BackfillQueue', 1, 2]]);
    expect(lanes(synth({ rekognitionTps: 80, processorConcurrency: 4, backfillConcurrency: 4 }))).toEqual([['Queue', 10, 4], ['BackfillQueue', 10, 4]]);
  });
});

describe('functions', () => {
  const functions = (from: Synthesised) => all(from, 'AWS::Lambda::Function').filter((one) => /^Sightline/.test(one.Description ?? ''));

  test('run on arm64 or x86_64, with X-Ray only if enabled', () => {
    expect(functions(owner)).toHaveLength(2);
    for (const one of functions(owner)) {
      expect(one).toMatchObject({ Runtime: 'provided.al2023', Architectures: ['arm64'], Handler: 'bootstrap' });
      expect(one.TracingConfig).toBeUndefined();
    }
    expect(JSON.stringify(owner.json)).not.toContain('xray:');
    const other = synth({ architecture: 'x86_64', tracing: 'on' });
    for (const one of functions(other)) expect(one).toMatchObject({ Architectures: ['x86_64'], TracingConfig: { Mode: 'Active' } });
    expect(JSON.stringify(other.json)).toContain('xray:PutTraceSegments');
  });

  test('get exactly the environment variables that they read', () => {
    const { functions: { uploadApi, processor } } = describeFunctions(synth({ maxDailyAnalyses: 500, maxDailyAnalysesPerOwner: 50 }).json, { account: '111122223333', region: 'eu-west-1' });
    const common = {
      METRICS_NAMESPACE: 'Sightline/dev', INPUT_BUCKET: 'sightline-dev-input-111122223333-eu-west-1', OUTPUT_BUCKET: 'sightline-dev-output-111122223333-eu-west-1',
      ACCESS: 'owner', INDEX_TABLE: expect.stringMatching(/^IndexTable/), ANALYSES: 'labels,image-properties', MAX_DAILY_ANALYSES: '500', MAX_DAILY_ANALYSES_PER_OWNER: '50', RUST_LOG: 'info', MALLOC_MMAP_THRESHOLD_: '1048576',
    };
    expect(processor.environment).toEqual(common);
    expect(uploadApi.environment).toEqual({ ...common, ORIGIN_SECRETS: 'known-to-the-tests-alone,known-to-the-tests-alone' });
    // docs/configuration.md describes every variable except glibc's.
    const described = readFileSync(fileURLToPath(new URL('../../docs/configuration.md', import.meta.url)), 'utf8');
    for (const name of Object.keys(uploadApi.environment)) {
      if (name !== 'MALLOC_MMAP_THRESHOLD_') expect(described).toContain(`\`${name}\``);
    }
  });

  test('may call Rekognition for the configured analyses only', () => {
    const actions = (context: Record<string, unknown>) => {
      const described = describeFunctions(synth(context).json, { account: '111122223333', region: 'eu-west-1' }).functions;
      return Object.values(described).map(({ statements }) => statements.flatMap(({ Action, Resource }) => Action.filter((name) => name.startsWith('rekognition:')).map((name) => `${name} ${Resource}`)));
    };
    expect(actions({})).toEqual(Array(2).fill(['rekognition:DetectLabels *']));
    const arn = 'arn:aws:rekognition:eu-west-1:111122223333:project/shelves/version/v/1';
    expect(actions({ analyses: 'faces,text,moderation,celebrities,ppe,custom-labels', customLabelsArn: arn })).toEqual(Array(2).fill([
      'rekognition:DetectFaces *', 'rekognition:DetectText *', 'rekognition:DetectModerationLabels *', 'rekognition:RecognizeCelebrities *',
      'rekognition:DetectProtectiveEquipment *', `rekognition:DetectCustomLabels ${arn}`,
    ]));
  });

  test('keep their logs for logDays', () => {
    expect(all(owner, 'AWS::Logs::LogGroup').map((group) => group.RetentionInDays)).toEqual([30, 30, 30]);
    expect(all(synth({ logDays: 7 }), 'AWS::Logs::LogGroup').map((group) => group.RetentionInDays)).toEqual([7, 7, 7]);
  });

  test('a deployment without built functions fails and names the command to run', () => {
    const functions = mkdtempSync(join(tmpdir(), 'functions-'));
    const built = (architecture: string) => synth({ assets: 'built', functions, architecture });
    expect(() => built('x86_64')).toThrow('sightline-processor is not built for x86_64; run `npm run functions -- x86_64` in cdk/ first.');
    for (const binary of ['sightline-processor', 'sightline-upload-api']) {
      mkdirSync(join(functions, 'x86_64', binary), { recursive: true });
      writeFileSync(join(functions, 'x86_64', binary, 'bootstrap.zip'), binary);
    }
    const keys = all(built('x86_64'), 'AWS::Lambda::Function').filter((one) => one.Runtime === 'provided.al2023').map((one) => one.Code.S3Key);
    expect(new Set(keys).size).toBe(2);
    for (const key of keys) expect(key).toMatch(/\.zip$/);
    expect(() => built('arm64')).toThrow('npm run functions -- arm64');
  });
});

describe('API', () => {
  test('the routes are the operations of the OpenAPI document, and API Gateway has exactly these', () => {
    const { paths } = JSON.parse(readFileSync(fileURLToPath(new URL('../../crates/upload-api/openapi.json', import.meta.url)), 'utf8')) as { paths: Record<string, object> };
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).filter((method) => /^(get|post|put|delete|patch)$/.test(method)).map((method) => `${method.toUpperCase()} ${path}`));
    // The stream of events is in the local mode alone.
    // The document describes the routes for guests once, except the one that users do not have.
    const routes = ROUTES.flatMap(({ method, path, guests }) => [`${method} ${path}`, ...(guests === 'handover' ? [`${method} /guest${path}`] : [])]);
    expect(routes.sort()).toEqual(operations.filter((operation) => operation !== 'GET /events').sort());
    expect(all(owner, 'AWS::ApiGatewayV2::Route').map((route) => route.RouteKey)).toEqual(routeKeys);
    expect(only(owner, 'AWS::ApiGatewayV2::Integration').PayloadFormatVersion).toBe('2.0');
  });

  test('owner: every route requires a token of the user pool, except the two that say nothing about pictures', () => {
    for (const route of all(owner, 'AWS::ApiGatewayV2::Route')) {
      expect(route.AuthorizationType).toBe(['GET /health', 'GET /openapi.json'].includes(route.RouteKey) ? 'NONE' : 'JWT');
    }
    const authorizer = only(owner, 'AWS::ApiGatewayV2::Authorizer');
    expect(authorizer).toMatchObject({ AuthorizerType: 'JWT', IdentitySource: ['$request.header.Authorization'] });
    expect(flat(authorizer.JwtConfiguration.Issuer)).toMatch(/^<AccessUsers\w+\.ProviderURL>$/);
    expect(only(owner, 'AWS::Cognito::UserPoolClient')).toMatchObject({ GenerateSecret: false, AllowedOAuthFlows: ['code'], AllowedOAuthScopes: ['openid', 'email'] });
    expect(only(owner, 'AWS::Cognito::UserPool').AdminCreateUserConfig.AllowAdminCreateUserOnly).toBe(true);
    expect(only(synth({ signUp: 'open' }), 'AWS::Cognito::UserPool').AdminCreateUserConfig.AllowAdminCreateUserOnly).toBe(false);
  });

  test('owner: sign-in and sign-out redirect only to pages of the site', () => {
    const { CallbackURLs, LogoutURLs } = only(owner, 'AWS::Cognito::UserPoolClient');
    const pages = ['', 'upload.html', 'gallery.html'].map((page) => expect.stringMatching(new RegExp(`^https://<WebsiteDistribution\\w+\\.DomainName>/${page}$`)));
    expect([CallbackURLs.map(flat), LogoutURLs.map(flat)]).toEqual([pages, pages]);
  });

  test('unlisted: no sign-in, and the function gets ACCESS=unlisted', () => {
    for (const route of all(unlisted, 'AWS::ApiGatewayV2::Route')) expect(route.AuthorizationType).toBe('NONE');
    unlisted.template.resourceCountIs('AWS::Cognito::UserPool', 0);
    expect(describeFunctions(unlisted.json, { account: '1', region: 'r' }).functions.uploadApi.environment.ACCESS).toBe('unlisted');
  });

  test('is throttled, and logged without queries and headers', () => {
    const stage = only(owner, 'AWS::ApiGatewayV2::Stage');
    expect(stage.DefaultRouteSettings).toMatchObject({ ThrottlingRateLimit: 50, ThrottlingBurstLimit: 100 });
    // Per-route metrics cost extra, and the dashboard does not show them.
    expect(stage.DefaultRouteSettings.DetailedMetricsEnabled).toBeUndefined();
    const format = JSON.parse(stage.AccessLogSettings.Format) as Record<string, string>;
    expect(format.status).toBe('$context.status');
    expect(Object.values(format).join()).not.toMatch(/query|header|authorization|token/i);
  });

  test('POST /images has a throttle of its own, a fifth of Rekognition\'s quota, after the route exists', () => {
    const stage = (context: Record<string, unknown>, region?: string) =>
      Object.values(synth(context, region).json.Resources).find(({ Type }) => Type === 'AWS::ApiGatewayV2::Stage') as any;
    const limit = (rate: number) => ({ ThrottlingRateLimit: rate, ThrottlingBurstLimit: rate });
    const { Properties, DependsOn } = stage({});
    expect(Properties.RouteSettings['POST /images']).toEqual(limit(10));
    expect(DependsOn).toContainEqual(expect.stringMatching(/^UploadApiPOSTimages[0-9A-F]{8}$/));
    expect(stage({}, 'eu-central-1').Properties.RouteSettings['POST /images']).toEqual(limit(1));
    expect(stage({ rekognitionTps: 200 }).Properties.RouteSettings['POST /images']).toEqual(limit(40));
  });

  test.each(['owner', 'unlisted'])('imageRequests=off, %s: no route, no permission to call Rekognition or to store pictures', (access) => {
    const off = synth({ access, imageRequests: 'off', maxDailyAnalyses: 500 });
    expect(all(off, 'AWS::ApiGatewayV2::Route').map((route) => route.RouteKey)).toEqual(routeKeys.filter((key) => key !== 'POST /images'));
    expect(only(off, 'AWS::ApiGatewayV2::Stage').RouteSettings).not.toHaveProperty('POST /images');
    const { environment, statements } = describeFunctions(off.json, { account: '111122223333', region: 'eu-west-1' }).functions.uploadApi;
    expect(environment.IMAGE_REQUESTS).toBe('off');
    expect(readFileSync(fileURLToPath(new URL('../../docs/configuration.md', import.meta.url)), 'utf8')).toContain('`IMAGE_REQUESTS`');
    expect(JSON.stringify(statements)).not.toMatch(/rekognition:|spending/);
    const stored = statements.filter(({ Action }) => Action.includes('s3:PutObject')).flatMap(({ Resource }) => Resource);
    expect(stored).toEqual(['arn:aws:s3:::sightline-dev-input-111122223333-eu-west-1/uploads/*']);
  });

  test('CORS allows only the configured origins', () => {
    expect(only(owner, 'AWS::ApiGatewayV2::Api').CorsConfiguration).toBeUndefined();
    expect(only(synth({ allowedOrigins: 'https://a.example' }), 'AWS::ApiGatewayV2::Api').CorsConfiguration).toMatchObject({
      AllowOrigins: ['https://a.example'], AllowMethods: ['GET', 'POST', 'DELETE'], AllowHeaders: ['authorization', 'content-type', 'if-none-match'],
      ExposeHeaders: ['etag', 'location', 'retry-after', 'x-request-id'],
    });
  });
});

describe('website', () => {
  const distribution = only(owner, 'AWS::CloudFront::Distribution').DistributionConfig;
  const policy = (from: Synthesised) => only(from, 'AWS::CloudFront::ResponseHeadersPolicy').ResponseHeadersPolicyConfig.SecurityHeadersConfig;

  test('only CloudFront reads the files, through origin access control', () => {
    const files = distribution.Origins.filter((origin: any) => origin.S3OriginConfig);
    expect(files).toHaveLength(1);
    expect(files[0].OriginAccessControlId).toEqual({ 'Fn::GetAtt': [expect.stringMatching(/^WebsiteReadFiles/), 'Id'] });
    expect(only(owner, 'AWS::CloudFront::OriginAccessControl').OriginAccessControlConfig).toMatchObject({ OriginAccessControlOriginType: 's3', SigningBehavior: 'always', SigningProtocol: 'sigv4' });
    const { PolicyDocument } = only(owner, 'AWS::S3::BucketPolicy', /cloudfront\.amazonaws\.com/);
    const allowed = PolicyDocument.Statement.filter((one: any) => JSON.stringify(one.Principal).includes('cloudfront'));
    expect(allowed.map((one: any) => one.Action)).toEqual(['s3:GetObject', 's3:ListBucket']);
    for (const statement of allowed) {
      expect(JSON.stringify(statement.Condition)).toMatch(/SourceArn/);
    }
  });

  test('the Content-Security-Policy allows only this site, the buckets and the sign-in pages', () => {
    const csp = (from: Synthesised) => Object.fromEntries(flat(policy(from).ContentSecurityPolicy.ContentSecurityPolicy).split('; ').map((part) => part.split(/ (.*)/s).slice(0, 2)));
    const bucket = (kind: string) => `https://sightline-dev-${kind}-111122223333-eu-west-1.s3.<AWS::Region>.<AWS::URLSuffix>`;
    const expected = {
      'default-src': "'none'", 'script-src': "'self'", 'style-src': "'self'", 'base-uri': "'none'", 'form-action': "'none'", 'frame-ancestors': "'none'",
      'img-src': `'self' blob: ${bucket('input')} ${bucket('output')}`,
      'connect-src': `'self' ${bucket('input')} ${bucket('output')}`,
    };
    expect(csp(unlisted)).toEqual(expected);
    expect(csp(owner)).toEqual({ ...expected, 'connect-src': `${expected['connect-src']} https://sightline-dev-<AWS::AccountId>.auth.<AWS::Region>.amazoncognito.com` });
    expect(JSON.stringify(policy(owner))).not.toMatch(/unsafe|\*/);
  });

  test('the other security headers are set', () => {
    expect(policy(owner)).toMatchObject({
      ContentTypeOptions: { Override: true }, FrameOptions: { FrameOption: 'DENY' }, ReferrerPolicy: { ReferrerPolicy: 'no-referrer' },
      StrictTransportSecurity: { AccessControlMaxAgeSec: 31_536_000 },
    });
  });

  test('the API has the same origin, is not cached and learns the viewer\'s host name', () => {
    const behaviours = (distribution.CacheBehaviors as any[]).filter(({ PathPattern }) => PathPattern !== '/docs');
    expect(behaviours.map((behaviour) => behaviour.PathPattern)).toEqual(apiPatterns);
    for (const behaviour of behaviours) {
      expect(behaviour).toMatchObject({ ViewerProtocolPolicy: 'https-only', CachePolicyId: '4135ea2d-6df8-44a3-9df3-4b5a84be39ad', OriginRequestPolicyId: 'b689b0a8-53d0-40ab-baf2-68738e2966ac' });
      expect(behaviour.FunctionAssociations).toHaveLength(1);
    }
    for (const route of ROUTES.filter(({ guests }) => guests !== 'handover')) {
      const path = route.path.replace('{key}', 'uploads/a b.jpg');
      expect(apiPatterns.some((pattern) => new RegExp(`^${pattern.replaceAll('.', '\\.').replace('*', '.*')}$`).test(path)), path).toBe(true);
    }
    // No page has a path of the API.
    for (const page of ['/upload.html', '/gallery.html', '/config.json', '/js/upload/main.js', '/img/favicon.svg', '/styles/page.css']) {
      expect(apiPatterns.some((pattern) => new RegExp(`^${pattern.replace('*', '.*')}$`).test(page)), page).toBe(false);
    }
  });

  test('the deployment writes config.json', () => {
    const deployment = only(owner, 'Custom::CDKBucketDeployment');
    expect(deployment).toMatchObject({ Prune: true, DistributionId: { Ref: expect.stringMatching(/^WebsiteDistribution/) } });
    const client = Object.keys(owner.json.Resources).find((id) => owner.json.Resources[id]!.Type === 'AWS::Cognito::UserPoolClient');
    // The client id is filled in at deployment.
    expect(deployment.SourceMarkers.filter((markers: object) => Object.keys(markers).length > 0).flatMap(Object.values).map(flat)).toContain(`<${client}>`);
    expect(only(unlisted, 'Custom::CDKBucketDeployment').SourceMarkers ?? []).not.toContainEqual(expect.objectContaining({ '<<marker:0xbaba:0>>': expect.anything() }));
  });
});

describe('observability', () => {
  const alarms = (from: Synthesised) => all(from, 'AWS::CloudWatch::Alarm').map((alarm) => alarm.AlarmName.replace('Sightline-dev-', '')).sort();

  test('alarms notify the topic and the configured e-mail address', () => {
    expect(alarms(owner)).toEqual([
      'ApiErrorRate', 'ApiErrors', 'ApiFunctionErrors', 'Backfill', 'BucketFailures', 'DailyCost', 'DeadLetters', 'IndexFailures', 'OldestMessage', 'ProcessorErrors',
      'RekognitionThrottles', 'RepairNeeded', 'Site', 'Throttles',
    ]);
    const topic = { Ref: expect.stringMatching(/^ObservabilityAlarms/) };
    for (const alarm of all(owner, 'AWS::CloudWatch::Alarm')) {
      expect(alarm.AlarmActions).toEqual([topic]);
      expect(alarm.OKActions).toEqual([topic]);
      expect(alarm.AlarmDescription.length).toBeGreaterThan(20);
    }
    expect(only(owner, 'AWS::SNS::Subscription')).toMatchObject({ Protocol: 'email', Endpoint: 'ops@example.com' });
    unlisted.template.resourceCountIs('AWS::SNS::Subscription', 0);
    const { Statement } = only(owner, 'AWS::SNS::TopicPolicy').PolicyDocument;
    expect(Statement).toContainEqual(expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }));
    expect(Statement).toContainEqual(expect.objectContaining({ Action: 'sns:Publish', Principal: { Service: ['cloudwatch.amazonaws.com', 'budgets.amazonaws.com'] } }));
  });

  const queue = (id: string, name: string) => `AWS/SQS ${name} QueueName=<${id}.QueueName>, Maximum of 300 s`;
  const api = (name: string) => `AWS/ApiGateway ${name} ApiId=<UploadApi>, Sum of 300 s`;
  const lambda = (id: string, name: string) => `AWS/Lambda ${name} FunctionName=<${id}>, Sum of 300 s`;
  const retryable = (reason: string) => `Sightline/dev RetryableFailures Reason=${reason}, Sum of 300 s`;
  const failing = (service: string) => [`Sightline/dev RetryableFailures Service=${service}, Sum of 300 s`];
  test.each([
    ['DeadLetters', [queue('ProcessingDeadLetters', 'ApproximateNumberOfMessagesVisible')], 0, 1],
    // Once after a crash (360 seconds), once after the longest pause (300), and a batch (60).
    ['OldestMessage', [queue('ProcessingQueue', 'ApproximateAgeOfOldestMessage')], 720, 2],
    ['Backfill', [queue('ProcessingBackfillQueue', 'ApproximateAgeOfOldestMessage')], 5 * 86_400, 2],
    ['RepairNeeded', ['Sightline/dev RepairsNeeded, Sum of 300 s'], 0, 1],
    ['IndexFailures', failing('Index'), 0, 3],
    ['BucketFailures', failing('S3'), 0, 3],
    ['ApiErrorRate', ['IF(requests >= 20, 100 * errors / requests, 0)', `errors: ${api('5xx')}`, `requests: ${api('Count')}`], 5, 2],
    ['ApiErrors', [api('5xx').replace('300', '3600')], 0, 12, 2],
    ['ApiFunctionErrors', [lambda('UploadApiHandlerFunction', 'Errors')], 0, 1],
    ['ProcessorErrors', [lambda('ProcessingProcessorFunction', 'Errors')], 0, 3, 2],
    ['Throttles', ['FILL(api, 0) + FILL(processor, 0)', `api: ${lambda('UploadApiHandlerFunction', 'Throttles')}`, `processor: ${lambda('ProcessingProcessorFunction', 'Throttles')}`], 0, 2],
    ['RekognitionThrottles', ['FILL(a, 0) + FILL(b, 0)', `a: ${retryable('ThrottlingException')}`, `b: ${retryable('ProvisionedThroughputExceededException')}`], 10, 3],
    ['DailyCost', ['Sightline/dev CostUsd, Sum of 86400 s'], 5, 1],
  ])('%s alarms when %j exceeds %d in its periods', (name, metrics, threshold, periods, of = periods) => {
    const alarm = only(owner, 'AWS::CloudWatch::Alarm', new RegExp(`Sightline-dev-${name}"`));
    expect(watched(alarm)).toEqual(metrics);
    expect(alarm).toMatchObject({ ComparisonOperator: 'GreaterThanThreshold', Threshold: threshold, EvaluationPeriods: periods, TreatMissingData: 'notBreaching' });
    expect(alarm.DatapointsToAlarm ?? periods).toBe(of);
  });

  test('the daily cost alarm\'s threshold is a tenth of the budget', () => {
    expect(only(synth({ monthlyBudgetUsd: 200 }), 'AWS::CloudWatch::Alarm', /DailyCost/).Threshold).toBe(20);
  });

  test('the budget notifies the topic at 80 and 100 percent, and at a forecast of 100 percent', () => {
    const budget = only(synth({ monthlyBudgetUsd: 200 }), 'AWS::Budgets::Budget');
    expect(budget.Budget.BudgetLimit).toEqual({ Amount: 200, Unit: 'USD' });
    expect(budget.NotificationsWithSubscribers.map((one: any) => [one.Notification.NotificationType, one.Notification.Threshold])).toEqual([['ACTUAL', 80], ['ACTUAL', 100], ['FORECASTED', 100]]);
    const none = synth({ monthlyBudgetUsd: 'none' });
    none.template.resourceCountIs('AWS::Budgets::Budget', 0);
    expect(alarms(none)).not.toContain('DailyCost');
  });

  test('the dashboard shows the metrics that the functions write', () => {
    const body = flat(only(owner, 'AWS::CloudWatch::Dashboard').DashboardBody);
    const shown = new Map((JSON.parse(body).widgets as any[]).map(({ properties }) => [properties.title, properties.metrics.map((metric: any[]) => plain(metric.filter((part) => typeof part === 'string').join(' ')))]));
    expect(shown.get('Uploads')).toEqual(['AWS/SQS NumberOfMessagesSent QueueName <ProcessingQueue.QueueName>']);
    expect(shown.get('API requests')).toEqual(['Count', '4xx', '5xx'].map((name) => `AWS/ApiGateway ${name} ApiId <UploadApi>`));
    expect(shown.get('Processing, p99 (ms)')).toEqual(['WaitedTime', 'PrepareTime', 'RecogniseTime', 'TotalTime'].map((name) => `Sightline/dev ${name}`));
    expect(shown.get('Age of the oldest message (s)')).toEqual(['ProcessingQueue', 'ProcessingBackfillQueue'].map((name) => `AWS/SQS ApproximateAgeOfOldestMessage QueueName <${name}.QueueName>`));
    expect(shown.get('Backfill')).toEqual(['NumberOfMessagesSent', 'NumberOfMessagesDeleted'].map((name) => `AWS/SQS ${name} QueueName <ProcessingBackfillQueue.QueueName>`));
    expect(shown.get('Backfill, messages')).toEqual(['ApproximateNumberOfMessagesVisible', 'ApproximateNumberOfMessagesNotVisible'].map((name) => `AWS/SQS ${name} QueueName <ProcessingBackfillQueue.QueueName>`));
    expect(shown.get('Cost a day (US dollars, list price)')).toEqual(['Sightline/dev CostUsd']);
    const searched = [...body.matchAll(/SEARCH\('(.*?)'/g)].map(([, what]) => what!.replaceAll('\\"', '"'));
    expect(searched).toEqual([['Status', 'ImagesByStatus'], ['Analysis', 'Analyses'], ['Code', 'Errors'], ['Reason', 'RetryableFailures']].map(([by, name]) => `{"Sightline/dev",${by}} MetricName="${name}"`));
    const source = readFileSync(fileURLToPath(new URL('../../crates/pipeline/src/metrics.rs', import.meta.url)), 'utf8');
    for (const name of ['Images', 'ImagesByStatus', 'Analyses', 'Errors', 'RetryableFailures', 'WaitedTime', 'PrepareTime', 'RecogniseTime', 'TotalTime', 'BilledCalls', 'CostUsd']) {
      expect(body, name).toContain(name);
      expect(source, name).toContain(`"${name}"`);
    }
    expect(source).toContain('"RepairsNeeded"');
    // Only Rekognition's codes have no prefix.
    const reasons = readFileSync(fileURLToPath(new URL('../../crates/pipeline/src/service_error.rs', import.meta.url)), 'utf8');
    for (const prefix of ['Index.', 'S3.']) expect(reasons).toContain(`"${prefix}{}"`);
  });
});

/** A template value as text, without the hashes at the end of logical names. */
function plain(value: unknown): string {
  return flat(value).replaceAll(/(<\w+?)[0-9A-F]{8}(?=[.>])/g, '$1');
}

/** What an alarm watches: its expression, if any, and each metric with dimensions, statistic and period. */
function watched(alarm: Record<string, any>): string[] {
  const metric = ({ Namespace, MetricName, Dimensions = [] }: any, statistic: string, period: number) =>
    `${[Namespace, MetricName, ...Dimensions.map(({ Name, Value }: any) => `${Name}=${plain(Value)}`)].join(' ')}, ${statistic} of ${period} s`;
  if (!alarm.Metrics) return [metric(alarm, alarm.Statistic, alarm.Period)];
  return alarm.Metrics.map(({ Id, Expression, MetricStat, ReturnData }: any) => {
    if (!MetricStat) return Expression;
    return `${ReturnData ? '' : `${Id}: `}${metric(MetricStat.Metric, MetricStat.Stat, MetricStat.Period)}`;
  });
}

describe('several deployments', () => {
  test('two stages share no name and no metrics namespace', () => {
    const stage = (from: Synthesised) => JSON.stringify(from.json).match(/[Ss]ightline[-/](dev|prod)\b/g) ?? [];
    const named = stage(owner);
    expect(named).toEqual(expect.arrayContaining(['Sightline/dev', 'sightline-dev', 'Sightline-dev']));
    expect(stage(synth({ stage: 'prod', alarmEmail: 'ops@example.com' }))).toEqual(named.map((name) => name.replace('dev', 'prod')));
  });

  test('one stage in two regions shares no account-wide name', () => {
    const names = (type: string, name: (properties: any) => unknown) => all(owner, type).map((properties) => flat(name(properties)));
    const accountWide = [
      ...names('AWS::Budgets::Budget', ({ Budget }) => Budget.BudgetName),
      ...names('AWS::CloudFront::CachePolicy', ({ CachePolicyConfig }) => CachePolicyConfig.Name),
      ...names('AWS::CloudFront::Function', ({ Name }) => Name),
      ...names('AWS::CloudFront::OriginAccessControl', ({ OriginAccessControlConfig }) => OriginAccessControlConfig.Name),
      ...names('AWS::CloudFront::ResponseHeadersPolicy', ({ ResponseHeadersPolicyConfig }) => ResponseHeadersPolicyConfig.Name),
      ...names('AWS::S3::Bucket', ({ BucketName }) => BucketName).filter((name) => name !== 'undefined'),
    ];
    expect(accountWide).toHaveLength(8);
    for (const name of accountWide) expect(name).toMatch(/<AWS::Region>|eu-west-1/);
    // CloudFormation generates the other names.
    for (const [type, name] of [['AWS::IAM::Role', 'RoleName'], ['AWS::IAM::ManagedPolicy', 'ManagedPolicyName']] as const) {
      for (const properties of all(owner, type)) expect(properties[name]).toBeUndefined();
    }
  });
});
