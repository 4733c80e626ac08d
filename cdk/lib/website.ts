/**
 * The pages on CloudFront, with the API under the same origin. The page then needs no CORS, its Content-Security-Policy names no API,
 * and it can read responses that API Gateway itself sends (401, 429).
 */

import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import {
  AllowedMethods, CacheCookieBehavior, CacheHeaderBehavior, CachePolicy, CacheQueryStringBehavior, CachedMethods, Distribution, Function as EdgeFunction,
  FunctionCode, FunctionEventType, FunctionRuntime, HeadersFrameOption, HeadersReferrerPolicy, HttpVersion, OriginRequestPolicy, PriceClass, ResponseHeadersPolicy,
  S3OriginAccessControl, ViewerProtocolPolicy,
} from 'aws-cdk-lib/aws-cloudfront';
import { HttpOrigin, S3BucketOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { BucketDeployment, CacheControl, Source } from 'aws-cdk-lib/aws-s3-deployment';
import { Construct } from 'constructs';
import { explain } from './nag.ts';
import type { Names } from './names.ts';
import type { Options } from './options.ts';
import { API_PATHS } from './routes.ts';
import { PRIVATE } from './storage.ts';

const FRONTEND = fileURLToPath(new URL('../../frontend', import.meta.url));

/**
 * Passes the viewer's host name on to the API, whose responses contain URLs of its own. `Host` must stay API Gateway's own name.
 */
const FORWARD_HOST = `function handler(event) {
  var request = event.request;
  request.headers['x-forwarded-host'] = { value: request.headers.host.value };
  return request;
}`;

export class Website extends Construct {
  readonly bucket: Bucket;
  readonly distribution: Distribution;
  /** `https://…` */
  readonly origin: string;

  constructor(scope: Construct, id: string, options: Options, names: Names, api: HttpApi) {
    super(scope, id);
    this.bucket = new Bucket(this, 'Files', { ...PRIVATE, removalPolicy: RemovalPolicy.DESTROY, autoDeleteObjects: true });
    explain(this.bucket, 'AwsSolutions-S1', 'It holds only public pages, and only CloudFront reads it.');

    const headers = new ResponseHeadersPolicy(this, 'Headers', {
      responseHeadersPolicyName: names.accountWide,
      comment: `Sightline ${options.stage}: security headers of the pages`,
      securityHeadersBehavior: {
        contentSecurityPolicy: { contentSecurityPolicy: contentSecurityPolicy(options, names), override: true },
        contentTypeOptions: { override: true },
        frameOptions: { frameOption: HeadersFrameOption.DENY, override: true },
        referrerPolicy: { referrerPolicy: HeadersReferrerPolicy.NO_REFERRER, override: true },
        strictTransportSecurity: { accessControlMaxAge: Duration.days(365), includeSubdomains: true, override: true },
      },
      customHeadersBehavior: {
        customHeaders: [
          { header: 'permissions-policy', value: 'camera=(), geolocation=(), microphone=()', override: true },
          { header: 'cross-origin-opener-policy', value: 'same-origin', override: true },
        ],
      },
    });
    const forwardHost = new EdgeFunction(this, 'ForwardHost', {
      comment: 'Passes the viewer\'s host name on to the API',
      code: FunctionCode.fromInline(FORWARD_HOST),
      runtime: FunctionRuntime.JS_2_0,
    });
    const apiOrigin = new HttpOrigin(`${api.apiId}.execute-api.${Stack.of(this).region}.${Stack.of(this).urlSuffix}`, { readTimeout: Duration.seconds(30) });
    const toApi = {
      origin: apiOrigin,
      viewerProtocolPolicy: ViewerProtocolPolicy.HTTPS_ONLY,
      allowedMethods: AllowedMethods.ALLOW_ALL,
      cachePolicy: CachePolicy.CACHING_DISABLED,
      originRequestPolicy: OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
      responseHeadersPolicy: ResponseHeadersPolicy.SECURITY_HEADERS,
      functionAssociations: [{ eventType: FunctionEventType.VIEWER_REQUEST, function: forwardHost }],
      compress: true,
    };
    this.distribution = new Distribution(this, 'Distribution', {
      comment: `Sightline ${options.stage}`,
      defaultRootObject: 'upload.html',
      defaultBehavior: {
        origin: S3BucketOrigin.withOriginAccessControl(this.bucket, {
          originAccessControl: new S3OriginAccessControl(this, 'ReadFiles', { originAccessControlName: names.accountWide }),
        }),
        viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
        allowedMethods: AllowedMethods.ALLOW_GET_HEAD,
        cachedMethods: CachedMethods.CACHE_GET_HEAD,
        cachePolicy: new CachePolicy(this, 'Cache', {
          comment: `Sightline ${options.stage}: follows the files\' Cache-Control`,
          minTtl: Duration.seconds(0),
          defaultTtl: Duration.minutes(5),
          maxTtl: Duration.days(1),
          cookieBehavior: CacheCookieBehavior.none(),
          headerBehavior: CacheHeaderBehavior.none(),
          queryStringBehavior: CacheQueryStringBehavior.none(),
          enableAcceptEncodingBrotli: true,
          enableAcceptEncodingGzip: true,
        }),
        responseHeadersPolicy: headers,
        compress: true,
      },
      additionalBehaviors: Object.fromEntries(API_PATHS.map((path) => [path, toApi])),
      httpVersion: HttpVersion.HTTP2_AND_3,
      priceClass: PriceClass.PRICE_CLASS_100,
    });
    explain(this.distribution, 'AwsSolutions-CFR1', 'Users may be in any country.');
    explain(this.distribution, 'AwsSolutions-CFR2', 'API Gateway throttles requests, and the concurrency and daily limits cap their cost. A web ACL can be added later.');
    explain(this.distribution, 'AwsSolutions-CFR3', 'The API\'s access log records API calls without queries; everything else is public pages.');
    explain(this.distribution, 'AwsSolutions-CFR4', 'The default CloudFront certificate fixes the minimum TLS version; use your own domain and certificate to require TLS 1.2.');
    // Makes a missing page 404 instead of 403.
    this.bucket.addToResourcePolicy(new PolicyStatement({
      principals: [new ServicePrincipal('cloudfront.amazonaws.com')],
      actions: ['s3:ListBucket'],
      resources: [this.bucket.bucketArn],
      conditions: { StringEquals: { 'AWS:SourceArn': this.distribution.distributionArn } },
    }));
    this.origin = `https://${this.distribution.distributionDomainName}`;
  }

  /** Uploads the pages and the `config.json` that they read. */
  publish(configuration: Record<string, unknown>): void {
    new BucketDeployment(this, 'Pages', {
      sources: [
        Source.asset(FRONTEND, { exclude: readdirSync(FRONTEND).filter((name) => name.endsWith('.md') || name === 'config.json') }),
        Source.jsonData('config.json', configuration),
      ],
      destinationBucket: this.bucket,
      distribution: this.distribution,
      // File names carry no hash, so browsers must revalidate.
      cacheControl: [CacheControl.fromString('public, max-age=0, s-maxage=300, must-revalidate')],
      prune: true,
      memoryLimit: 256,
    });
  }
}

function contentSecurityPolicy(options: Options, names: Names): string {
  const input = names.bucketOrigin(names.inputBucket);
  const output = names.bucketOrigin(names.outputBucket);
  const connect = ["'self'", input, output, ...(options.access === 'owner' ? [names.signInOrigin] : [])];
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    // `blob:` previews pictures before they are sent.
    `img-src 'self' blob: ${input} ${output}`,
    `connect-src ${connect.join(' ')}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
