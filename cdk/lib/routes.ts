/** The API's routes, from the list that the API itself is tested against, in the forms that API Gateway and CloudFront take. */

import { readFileSync } from 'node:fs';
import type { HttpMethod } from 'aws-cdk-lib/aws-apigatewayv2';
import type { Options } from './options.ts';

/** One entry of crates/upload-api/routes.json. */
export interface Route {
  readonly method: HttpMethod;
  /** As in the OpenAPI document. `{key}` is always last and stands for the rest of the path, slashes included. */
  readonly path: string;
  /** Whether the route needs no sign-in whatever `access` is, because it says nothing about any picture. */
  readonly public: boolean;
  /** `true`: guests have the same route under `/guest`. `handover`: the same, and without guests there is neither of the two. */
  readonly guests?: true | 'handover';
}

export const ROUTES = JSON.parse(readFileSync(new URL('../../crates/upload-api/routes.json', import.meta.url), 'utf8')) as readonly Route[];

/** A route of API Gateway, which has one authorizer. Guests therefore have routes of their own. */
export interface GatewayRoute {
  readonly method: HttpMethod;
  /** As API Gateway takes it: `/results/{key+}` (API Gateway Developer Guide, "Create routes for HTTP APIs"). */
  readonly path: string;
  readonly callers: 'everybody' | 'users' | 'guests';
  /** Whether it calls Rekognition within the request. */
  readonly recognises: boolean;
}

/** The routes of a deployment with these options. */
export function gatewayRoutes({ guests, imageRequestRate }: Pick<Options, 'guests' | 'imageRequestRate'>, routes = ROUTES): GatewayRoute[] {
  return routes.flatMap((route): GatewayRoute[] => {
    const recognises = route.method === 'POST' && route.path === '/images';
    if ((recognises && imageRequestRate === undefined) || (route.guests === 'handover' && !guests)) return [];
    const path = route.path.replace('{key}', '{key+}');
    const own: GatewayRoute = { method: route.method, path, callers: route.public ? 'everybody' : 'users', recognises };
    return guests && route.guests !== undefined ? [own, { ...own, path: `/guest${path}`, callers: 'guests' }] : [own];
  });
}

/** CloudFront's path patterns of what it forwards to the API. Every other path is a page. */
export function apiPaths({ guests }: Pick<Options, 'guests'>, routes = ROUTES): string[] {
  const own = routes.filter((route) => guests || route.guests !== 'handover').map(({ path }) => path.replace('{key}', '*'));
  return [...new Set([...own, ...(guests ? ['/guest/*'] : [])])];
}
