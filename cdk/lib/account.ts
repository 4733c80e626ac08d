/** Whether an account's Lambda concurrency is enough for a synthesised stack. */

import { gatewayRoutes } from './routes.ts';
import type { CfnTemplate } from './template.ts';

/** Seconds that a request to the API takes in its function, and one with an image: assumed, as in costs.ts. */
const SECONDS = { request: 0.05, imageRequest: 2 };

/** The routes of requests with an image, as a stage names them. */
const IMAGE_REQUESTS = gatewayRoutes({ guests: true, imageRequestRate: 1 }).filter(({ recognises }) => recognises).map(({ method, path }) => `${method} ${path}`);

/** How many invocations the stack may have at once: batches of the queues, and requests at the API's throttles. */
export function neededConcurrency({ Resources }: CfnTemplate): number {
  const of = (type: string) => Object.values(Resources).filter(({ Type }) => Type === type).map(({ Properties }) => Properties as Record<string, any>);
  const batches = of('AWS::Lambda::EventSourceMapping').reduce((sum, { ScalingConfig }) => sum + Number(ScalingConfig.MaximumConcurrency), 0);
  const requests = of('AWS::ApiGatewayV2::Stage').reduce((sum, { DefaultRouteSettings, RouteSettings = {} }) => {
    const routes = Object.entries(RouteSettings as Record<string, { ThrottlingRateLimit: number }>);
    return routes.reduce(
      (busy, [route, { ThrottlingRateLimit }]) => busy + ThrottlingRateLimit * (IMAGE_REQUESTS.includes(route) ? SECONDS.imageRequest : SECONDS.request),
      sum + DefaultRouteSettings.ThrottlingRateLimit * SECONDS.request,
    );
  }, 0);
  return batches + Math.ceil(requests);
}

/** What to tell the deployer. */
export function verdict(needed: number, available: number): { readonly enough: boolean; readonly sentence: string } {
  const enough = available >= needed;
  const sentence = `The stack needs a Lambda concurrency of ${needed}; this account and region have ${available}.`;
  return {
    enough,
    sentence: enough ? sentence : `${sentence} Ask for more in Service Quotas (AWS Lambda, "Concurrent executions"), or lower rekognitionTps and apiRate.`,
  };
}
