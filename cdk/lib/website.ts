/**
 * The pages on CloudFront, and the API under the same origin: so the page needs no permission from another origin, its policy
 * names no API, and an answer that API Gateway gives by itself (401, 429) can be read by the page.
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
 * Tells the API under which name it was called, since its replies hold addresses of its own. API Gateway has to see its own name
 * in `Host`.
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
    explain(this.bucket, 'AwsSolutions-S1', 'It holds public pages alone, which only CloudFront reads.');

    const headers = new ResponseHeadersPolicy(this, 'Headers', {
      responseHeadersPolicyName: names.inAccount,
      comment: `Sightline ${options.stage}: what the pages may do`,
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
      comment: 'Tells the API under which name it was called',
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
          originAccessControl: new S3OriginAccessControl(this, 'ReadFiles', { originAccessControlName: names.inAccount }),
        }),
        viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
        allowedMethods: AllowedMethods.ALLOW_GET_HEAD,
        cachedMethods: CachedMethods.CACHE_GET_HEAD,
        cachePolicy: new CachePolicy(this, 'Cache', {
          comment: `Sightline ${options.stage}: as the files themselves say`,
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
    explain(this.distribution, 'AwsSolutions-CFR1', 'Pictures may come from anywhere.');
    explain(this.distribution, 'AwsSolutions-CFR2', 'API Gateway throttles requests, and concurrency and daily limit bound what they can cost; a web ACL can be associated afterwards.');
    explain(this.distribution, 'AwsSolutions-CFR3', 'Calls are in the API\'s access log, which leaves queries out; the rest are public pages.');
    explain(this.distribution, 'AwsSolutions-CFR4', 'CloudFront\'s own certificate fixes the viewers\' protocol; a certificate of one\'s own brings TLS 1.2 with it.');
    // With it a missing page answers 404 instead of 403.
    this.bucket.addToResourcePolicy(new PolicyStatement({
      principals: [new ServicePrincipal('cloudfront.amazonaws.com')],
      actions: ['s3:ListBucket'],
      resources: [this.bucket.bucketArn],
      conditions: { StringEquals: { 'AWS:SourceArn': this.distribution.distributionArn } },
    }));
    this.origin = `https://${this.distribution.distributionDomainName}`;
  }

  /** Puts the pages there, and the `config.json` that they read. */
  publish(configuration: Record<string, unknown>): void {
    new BucketDeployment(this, 'Pages', {
      sources: [
        Source.asset(FRONTEND, { exclude: readdirSync(FRONTEND).filter((name) => name.endsWith('.md') || name === 'config.json') }),
        Source.jsonData('config.json', configuration),
      ],
      destinationBucket: this.bucket,
      distribution: this.distribution,
      // Names of files stay as they are, so browsers ask each time whether a file has changed.
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
    // `blob:` shows pictures that were chosen and not yet sent.
    `img-src 'self' blob: ${input} ${output}`,
    `connect-src ${connect.join(' ')}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
