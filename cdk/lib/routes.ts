/** The API's routes, from the list that the API itself is tested against, in the forms that API Gateway and CloudFront take. */

import { readFileSync } from 'node:fs';
import type { HttpMethod } from 'aws-cdk-lib/aws-apigatewayv2';

/** One entry of crates/upload-api/routes.json. */
export interface Route {
  readonly method: HttpMethod;
  /** As in the OpenAPI document. `{key}` is always last and stands for the rest of the path, slashes included. */
  readonly path: string;
  /** Whether the route needs no sign-in whatever `access` is, because it says nothing about any picture. */
  readonly public: boolean;
}

export const ROUTES = JSON.parse(readFileSync(new URL('../../crates/upload-api/routes.json', import.meta.url), 'utf8')) as readonly Route[];

/** The path as API Gateway takes it: `/results/{key+}` (API Gateway Developer Guide, "Create routes for HTTP APIs"). */
export function gatewayPath({ path }: Route): string {
  return path.replace('{key}', '{key+}');
}

/** The path as a CloudFront path pattern: `/results/*`. */
function pathPattern({ path }: Route): string {
  return path.replace('{key}', '*');
}

/** What CloudFront forwards to the API. Every other path is a page. */
export const API_PATHS: readonly string[] = [...new Set(ROUTES.map(pathPattern))];
