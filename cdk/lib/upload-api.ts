/** The upload API: its function behind an HTTP API. */

import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import {
  CorsHttpMethod, HttpApi, HttpMethod, HttpNoneAuthorizer, HttpRoute, HttpRouteKey, HttpStage, type IHttpRouteAuthorizer, LogGroupLogDestination,
  PayloadFormatVersion,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { explain, explainPolicy } from './nag.ts';
import type { Options } from './options.ts';
import { type Resources, uploadApiStatements } from './permissions.ts';
import { RustFunction } from './rust-function.ts';

/** Every operation of crates/upload-api/openapi.json, as API Gateway writes paths. A test holds the two together. */
export const ROUTES = [
  'POST /uploads', 'GET /results/{key+}', 'GET /thumbnails/{key+}', 'POST /images', 'GET /images', 'GET /images/{key+}', 'DELETE /images/{key+}', 'GET /labels',
  'GET /health', 'GET /openapi.json',
] as const;

/** What anybody may ask: neither says anything about a picture. */
const PUBLIC: readonly string[] = ['GET /health', 'GET /openapi.json'];

/** What stands in the access log: no query, in which addresses may be signed, and no header. */
const LOGGED = {
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
      description: 'Sightline: hands out upload addresses, answers and thumbnails',
      // POST /images decodes pictures within the same bounds as the processor.
      memoryMiB: 512,
      // API Gateway waits for 30 seconds.
      timeOut: Duration.seconds(29),
      environment: { ...environment, ACCESS: options.access },
      statements: uploadApiStatements(options, resources),
    });
    explainPolicy(this.handler.role, options, [resources.input, resources.output]);

    this.api = new HttpApi(this, 'Api', {
      apiName: `sightline-${options.stage}`,
      createDefaultStage: false,
      // The site calls under its own origin and needs none of this.
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
    const log = new LogGroup(this, 'AccessLog', { retention: options.logDays, removalPolicy: RemovalPolicy.DESTROY });
    this.stage = new HttpStage(this, 'Stage', {
      httpApi: this.api,
      stageName: '$default',
      autoDeploy: true,
      throttle: { rateLimit: options.apiRate, burstLimit: options.apiBurst },
      accessLogSettings: {
        destination: new LogGroupLogDestination(log),
        format: AccessLogFormat.custom(JSON.stringify(LOGGED)),
      },
    });
  }

  /** Opens the routes to those whom the authorizer lets pass. */
  addRoutes(authorizer: IHttpRouteAuthorizer): void {
    const integration = new HttpLambdaIntegration('Handler', this.handler.function, { payloadFormatVersion: PayloadFormatVersion.VERSION_2_0 });
    for (const name of ROUTES) {
      const [method, path] = name.split(' ') as [HttpMethod, string];
      const open = PUBLIC.includes(name);
      const route = new HttpRoute(this, name.replace(/[^A-Za-z]+/g, '-'), {
        httpApi: this.api,
        routeKey: HttpRouteKey.with(path, method),
        integration,
        authorizer: open ? new HttpNoneAuthorizer() : authorizer,
      });
      if (open) {
        explain(route, 'AwsSolutions-APIG4', 'The health check and the description of the API say nothing about a picture.');
      } else if (this.options.access === 'unlisted') {
        explain(route, 'AwsSolutions-APIG4', 'access=unlisted was chosen: whoever knows a key reads its picture, listing and deleting are refused.');
      }
    }
  }
}
