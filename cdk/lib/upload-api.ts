/** The upload API: its function behind an HTTP API. */

import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import {
  type CfnStage, CorsHttpMethod, HttpApi, HttpNoneAuthorizer, HttpRoute, HttpRouteKey, HttpStage, type IHttpRouteAuthorizer, LogGroupLogDestination,
  PayloadFormatVersion,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { encryptionKey, useKey } from './encryption.ts';
import { explain, explainPolicy } from './nag.ts';
import type { Options } from './options.ts';
import { type Resources, uploadApiStatements } from './permissions.ts';
import { ROUTES, type Route, gatewayPath } from './routes.ts';
import { RustFunction } from './rust-function.ts';

/** The fields of the access log. Queries are left out because they can hold signatures, headers because they hold tokens. */
const ACCESS_LOG_FIELDS = {
  time: '$context.requestTimeEpoch',
  requestId: '$context.requestId',
  ip: '$context.identity.sourceIp',
  route: '$context.routeKey',
  path: '$context.path',
  status: '$context.status',
  bytes: '$context.responseLength',
  milliseconds: '$context.responseLatency',
  sub: '$context.authorizer.claims.sub',
  authorizerError: '$context.authorizer.error',
  integrationError: '$context.integrationErrorMessage',
};

export class UploadApi extends Construct {
  readonly api: HttpApi;
  readonly handler: RustFunction;
  readonly stage: HttpStage;

  constructor(scope: Construct, id: string, private readonly options: Options, resources: Resources, environment: Record<string, string>) {
    super(scope, id);
    this.handler = new RustFunction(this, 'Handler', options, {
      binary: 'sightline-upload-api',
      description: 'Sightline: issues upload URLs and serves results and thumbnails',
      // POST /images decodes pictures under the same memory limit as the processor.
      memoryMiB: 512,
      // API Gateway waits for 30 seconds.
      timeout: Duration.seconds(29),
      environment: {
        ...environment,
        ...options.settings.uploadApi,
        ...(options.imageRequestRate === undefined && { IMAGE_REQUESTS: 'off' }),
        ...(options.versioning !== undefined && { DELETE_VERSIONS: 'on' }),
      },
      statements: [...uploadApiStatements(options, resources), ...useKey(options, 's3', ...(resources.table ? ['dynamodb' as const] : []))],
    });
    explainPolicy(this.handler.role, options, [resources.input, resources.output]);

    this.api = new HttpApi(this, 'Api', {
      apiName: `sightline-${options.stage}`,
      createDefaultStage: false,
      // The site and the API share an origin, so only other origins need CORS.
      ...(options.allowedOrigins.length > 0 && {
        corsPreflight: {
          allowOrigins: [...options.allowedOrigins],
          allowMethods: [CorsHttpMethod.GET, CorsHttpMethod.POST, CorsHttpMethod.DELETE],
          allowHeaders: ['authorization', 'content-type', 'if-none-match'],
          exposeHeaders: ['etag', 'location', 'retry-after', 'x-request-id'],
          maxAge: Duration.hours(1),
        },
      }),
    });
    const log = new LogGroup(this, 'AccessLog', { retention: options.logDays, removalPolicy: RemovalPolicy.DESTROY, encryptionKey: encryptionKey(this, options) });
    this.stage = new HttpStage(this, 'Stage', {
      httpApi: this.api,
      stageName: '$default',
      autoDeploy: true,
      throttle: { rateLimit: options.apiRate, burstLimit: options.apiBurst },
      accessLogSettings: {
        destination: new LogGroupLogDestination(log),
        format: AccessLogFormat.custom(JSON.stringify(ACCESS_LOG_FIELDS)),
      },
    });
  }

  /** Adds every route. Only callers that the authorizer accepts reach those that are not public. */
  addRoutes(authorizer: IHttpRouteAuthorizer): void {
    const integration = new HttpLambdaIntegration('Handler', this.handler.target, { payloadFormatVersion: PayloadFormatVersion.VERSION_2_0 });
    for (const route of ROUTES) {
      if (isImageRequest(route) && this.options.imageRequestRate === undefined) continue;
      const path = gatewayPath(route);
      const httpRoute = new HttpRoute(this, `${route.method} ${path}`.replace(/[^A-Za-z]+/g, '-'), {
        httpApi: this.api,
        routeKey: HttpRouteKey.with(path, route.method),
        integration,
        authorizer: route.public ? new HttpNoneAuthorizer() : authorizer,
      });
      if (isImageRequest(route)) this.limit(httpRoute, route);
      if (route.public) {
        explain(httpRoute, 'AwsSolutions-APIG4', 'The health check and the API description say nothing about any picture.');
      } else if (this.options.access === 'unlisted') {
        explain(httpRoute, 'AwsSolutions-APIG4', 'access=unlisted lets anyone who knows a key read its picture; the API refuses to list or delete.');
      }
    }
  }

  /** Keeps the calls of `POST /images` under Rekognition's quota. The limit belongs to the stage, and its route must exist. */
  private limit(httpRoute: HttpRoute, route: Route): void {
    const stage = this.stage.node.defaultChild as CfnStage;
    stage.routeSettings = {
      [`${route.method} ${gatewayPath(route)}`]: { ThrottlingRateLimit: this.options.imageRequestRate, ThrottlingBurstLimit: this.options.imageRequestRate },
    };
    stage.node.addDependency(httpRoute);
  }
}

/** Whether it is `POST /images`, which calls Rekognition within the request. */
function isImageRequest({ method, path }: Route): boolean {
  return method === 'POST' && path === '/images';
}
