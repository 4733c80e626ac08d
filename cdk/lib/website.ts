/**
 * The pages on CloudFront, with the API under the same origin. The page then needs no CORS, its Content-Security-Policy names no API,
 * and it can read responses that API Gateway itself sends (401, 429).
 */

import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import {
  AllowedMethods, CacheCookieBehavior, CacheHeaderBehavior, CachePolicy, CacheQueryStringBehavior, CachedMethods, Distribution, Function as EdgeFunction,
  FunctionCode, FunctionEventType, FunctionRuntime, HeadersFrameOption, HeadersReferrerPolicy, HttpVersion, OriginRequestPolicy, PriceClass, ResponseHeadersPolicy,
  S3OriginAccessControl, SecurityPolicyProtocol, ViewerProtocolPolicy,
} from 'aws-cdk-lib/aws-cloudfront';
import { HttpOrigin, S3BucketOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { ARecord, AaaaRecord, HostedZone, RecordTarget } from 'aws-cdk-lib/aws-route53';
import { CloudFrontTarget } from 'aws-cdk-lib/aws-route53-targets';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { BucketDeployment, CacheControl, Source } from 'aws-cdk-lib/aws-s3-deployment';
import { Construct } from 'constructs';
import { signInOrigin } from './access.ts';
import { explain } from './nag.ts';
import type { Names } from './names.ts';
import type { Options } from './options.ts';
import { ORIGIN_HEADER } from './origin-secret.ts';
import { ROUTES, apiPaths } from './routes.ts';
import { PRIVATE } from './storage.ts';

const FRONTEND = fileURLToPath(new URL('../../frontend', import.meta.url));

/**
 * The function at the edge. It passes the viewer's host name on to the API, whose responses contain URLs of its own. `Host` must stay
 * API Gateway's own name.
 *
 * Where people sign in, it answers requests without credentials itself. API Gateway does not say whether requests that an authorizer
 * rejects count towards a throttle, and here they never reach it. A browser's preflight request has no credentials.
 */
function edgeFunction({ access, allowedOrigins }: Options): string {
  const open = ROUTES.filter((route) => route.public).map(({ path }) => path);
  const reject = `  if (!headers.authorization && request.method !== 'OPTIONS' && ${JSON.stringify(open)}.indexOf(request.uri) < 0) {
    var answer = { 'content-type': { value: 'application/json' }, 'cache-control': { value: 'no-store' }, 'www-authenticate': { value: 'Bearer' } };
    if (headers.origin && ${JSON.stringify(allowedOrigins)}.indexOf(headers.origin.value) >= 0) answer['access-control-allow-origin'] = headers.origin;
    return { statusCode: 401, statusDescription: 'Unauthorized', headers: answer, body: { encoding: 'text', data: '{"message":"Unauthorized"}' } };
  }
`;
  return `function handler(event) {
  var request = event.request;
  var headers = request.headers;
${access === 'owner' ? reject : ''}  headers['x-forwarded-host'] = { value: headers.host.value };
  return request;
}`;
}

/** The function at the edge for `/docs` alone: a bucket has no other names for its files. */
const DOCS_FUNCTION = `function handler(event) {
  event.request.uri = '/docs.html';
  return event.request;
}`;

/** The API behind the site. */
export interface ApiOrigin {
  readonly host: string;
  /** What CloudFront sends to show the API that a request came through it. Undefined: nothing. */
  readonly secret: string | undefined;
}

export class Website extends Construct {
  readonly bucket: Bucket;
  readonly distribution: Distribution;
  /** `https://…` */
  readonly origin: string;

  constructor(scope: Construct, id: string, options: Options, names: Names, api: ApiOrigin) {
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
        // What is under your own domain is not for the stack to decide.
        strictTransportSecurity: { accessControlMaxAge: Duration.days(365), includeSubdomains: options.domain === undefined, override: true },
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
      code: FunctionCode.fromInline(edgeFunction(options)),
      runtime: FunctionRuntime.JS_2_0,
    });
    const apiOrigin = new HttpOrigin(api.host, {
      readTimeout: Duration.seconds(30),
      // It replaces a header of the same name in the viewer's request (Amazon CloudFront Developer Guide, "Add custom headers to origin
      // requests").
      ...(api.secret !== undefined && { customHeaders: { [ORIGIN_HEADER]: api.secret } }),
    });
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
    const toFiles = {
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
    };
    const docsPath = new EdgeFunction(this, 'DocsPath', {
      comment: 'Serves docs.html at /docs, as the local mode does',
      code: FunctionCode.fromInline(DOCS_FUNCTION),
      runtime: FunctionRuntime.JS_2_0,
    });
    this.distribution = new Distribution(this, 'Distribution', {
      comment: `Sightline ${options.stage}`,
      defaultRootObject: 'upload.html',
      defaultBehavior: toFiles,
      additionalBehaviors: {
        ...Object.fromEntries(apiPaths(options).map((path) => [path, toApi])),
        '/docs': { ...toFiles, functionAssociations: [{ eventType: FunctionEventType.VIEWER_REQUEST, function: docsPath }] },
      },
      httpVersion: HttpVersion.HTTP2_AND_3,
      priceClass: PriceClass.PRICE_CLASS_100,
      ...(options.webAclArn !== undefined && { webAclId: options.webAclArn }),
      ...(options.domain && {
        domainNames: [options.domain.name],
        certificate: Certificate.fromCertificateArn(this, 'Certificate', options.domain.certificateArn),
        minimumProtocolVersion: SecurityPolicyProtocol.TLS_V1_2_2021,
      }),
    });
    explain(this.distribution, 'AwsSolutions-CFR1', 'Users may be in any country.');
    if (options.webAclArn === undefined) {
      explain(this.distribution, 'AwsSolutions-CFR2', 'API Gateway throttles requests, and the concurrency and daily limits cap their cost. webAclArn adds a web ACL.');
    }
    explain(this.distribution, 'AwsSolutions-CFR3', 'The API\'s access log records API calls without queries; everything else is public pages.');
    if (!options.domain) {
      explain(this.distribution, 'AwsSolutions-CFR4', 'CloudFront\'s own certificate fixes the minimum TLS version. With domainName it is TLS 1.2.');
    }
    // Makes a missing page 404 instead of 403.
    this.bucket.addToResourcePolicy(new PolicyStatement({
      principals: [new ServicePrincipal('cloudfront.amazonaws.com')],
      actions: ['s3:ListBucket'],
      resources: [this.bucket.bucketArn],
      conditions: { StringEquals: { 'AWS:SourceArn': this.distribution.distributionArn } },
    }));
    if (options.domain?.hostedZoneId !== undefined) this.addRecords(options.domain.name, options.domain.hostedZoneId);
    this.origin = `https://${options.domain?.name ?? this.distribution.distributionDomainName}`;
  }

  /** Points the site's domain at the distribution. */
  private addRecords(domain: string, hostedZoneId: string): void {
    // The records' names end with a dot, so the zone's own name does not matter.
    const zone = HostedZone.fromHostedZoneAttributes(this, 'Zone', { hostedZoneId, zoneName: domain });
    const record = { zone, recordName: `${domain}.`, target: RecordTarget.fromAlias(new CloudFrontTarget(this.distribution)) };
    new ARecord(this, 'Ipv4', record);
    new AaaaRecord(this, 'Ipv6', record);
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
  const connect = ["'self'", input, output, ...(options.access === 'owner' ? [signInOrigin(options, names)] : []), ...(options.guests ? [names.identityEndpoint] : [])];
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
