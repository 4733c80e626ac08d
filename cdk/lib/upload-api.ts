/** The upload API: its function behind an HTTP API. */

import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  type CfnStage, CorsHttpMethod, HttpApi, HttpNoneAuthorizer, HttpRoute, HttpRouteKey, HttpStage, type IHttpRouteAuthorizer, LogGroupLogDestination,
  PayloadFormatVersion,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { encryptionKey, useKey } from './encryption.ts';
import { explain, explainPolicy } from './nag.ts';
import type { Options } from './options.ts';
import { type Resources, uploadApiStatements } from './permissions.ts';
import { type GatewayRoute, gatewayRoutes } from './routes.ts';
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

/** Headers of a request that a guest signed, besides `authorization`. */
const SIGNATURE_HEADERS = ['x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256'];

/**
 * The throttle of each public route, which replaces the stage's for that route (Amazon API Gateway Developer Guide, "Throttle requests to
 * your HTTP APIs", on route-level throttling). So anonymous callers cannot use up what signed-in users need.
 */
const PUBLIC_THROTTLE: Throttle = { rate: 5, burst: 10 };

/** The part of `apiRate` and `apiBurst` that each route for guests has. */
const GUESTS_SHARE = 0.2;

/** Requests a second, and the burst on top. */
interface Throttle {
  readonly rate: number;
  readonly burst: number;
}

export class UploadApi extends Construct {
  readonly api: HttpApi;
  /** The routes of the API. */
  readonly routes: readonly GatewayRoute[];
  readonly handler: RustFunction;
  readonly stage: HttpStage;

  constructor(scope: Construct, id: string, private readonly options: Options, resources: Resources, environment: Record<string, string>) {
    super(scope, id);
    this.routes = gatewayRoutes(options);
    this.handler = new RustFunction(this, 'Handler', options, {
      binary: 'sightline-upload-api',
      description: 'Sightline: issues upload URLs and serves results, thumbnails and previews',
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
          allowHeaders: ['authorization', 'content-type', 'if-none-match', ...(options.guests ? SIGNATURE_HEADERS : [])],
          // A guest whose clock is wrong takes the time of signatures from `Date`.
          exposeHeaders: ['etag', 'location', 'retry-after', 'x-request-id', ...(options.guests ? ['date'] : [])],
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
        format: AccessLogFormat.custom(JSON.stringify({ ...ACCESS_LOG_FIELDS, ...(options.guests && { guest: '$context.identity.cognitoIdentityId' }) })),
      },
    });
  }

  /** The host name of the API's own address. */
  get host(): string {
    const { region, urlSuffix } = Stack.of(this);
    return `${this.api.apiId}.execute-api.${region}.${urlSuffix}`;
  }

  /** Adds every route. Only callers that the authorizer accepts reach those of users, and only guests those of guests. */
  addRoutes(users: IHttpRouteAuthorizer): void {
    const integration = new HttpLambdaIntegration('Handler', this.handler.target, { payloadFormatVersion: PayloadFormatVersion.VERSION_2_0 });
    const authorizers = { everybody: new HttpNoneAuthorizer(), users, guests: new HttpIamAuthorizer() };
    for (const route of this.routes) {
      const httpRoute = new HttpRoute(this, `${route.method} ${route.path}`.replace(/[^A-Za-z]+/g, '-'), {
        httpApi: this.api,
        routeKey: HttpRouteKey.with(route.path, route.method),
        integration,
        authorizer: authorizers[route.callers],
      });
      this.throttle(httpRoute, route);
      if (route.callers === 'everybody') {
        explain(httpRoute, 'AwsSolutions-APIG4', 'The health check and the API description say nothing about any picture.');
      } else if (this.options.access === 'unlisted') {
        explain(httpRoute, 'AwsSolutions-APIG4', 'access=unlisted lets anyone who knows a key read its picture; the API refuses to list or delete.');
      }
    }
  }

  /** Gives the route a throttle of its own if it needs one. The throttle belongs to the stage, and its route must exist. */
  private throttle(httpRoute: HttpRoute, route: GatewayRoute): void {
    const throttle = this.throttleOf(route);
    if (!throttle) return;
    const stage = this.stage.node.defaultChild as CfnStage;
    const settings = { ThrottlingRateLimit: throttle.rate, ThrottlingBurstLimit: throttle.burst };
    stage.routeSettings = { ...(stage.routeSettings as object | undefined), [`${route.method} ${route.path}`]: settings };
    stage.node.addDependency(httpRoute);
  }

  private throttleOf({ callers, recognises }: GatewayRoute): Throttle | undefined {
    const { apiRate, apiBurst, guests, imageRequestRate = 0 } = this.options;
    if (recognises) {
      // Keeps its calls under Rekognition's quota. Users and guests have half each.
      const rate = guests ? imageRequestRate / 2 : imageRequestRate;
      return { rate, burst: Math.max(1, Math.floor(rate)) };
    }
    if (callers === 'everybody') return PUBLIC_THROTTLE;
    if (callers === 'guests') return { rate: apiRate * GUESTS_SHARE, burst: Math.max(1, Math.floor(apiBurst * GUESTS_SHARE)) };
    return undefined;
  }
}
