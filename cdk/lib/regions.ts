/** The regions that have all that the stack needs, and the resource types that some of them lack. */

import { readFileSync } from 'node:fs';

/** regions.json. test/regions.test.ts compares it with botocore's endpoints and cfn-lint's resource types. */
const REGIONS = JSON.parse(readFileSync(new URL('../regions.json', import.meta.url), 'utf8')) as {
  /** The regions with Amazon Rekognition, in the partition `aws`. */
  readonly rekognition: readonly string[];
  /** By resource type, those of them in which CloudFormation does not know it. */
  readonly missing: Readonly<Record<string, readonly string[]>>;
};

export const REKOGNITION = REGIONS.rekognition;
export const MISSING = REGIONS.missing;

/** Where people near a region without Rekognition may deploy, by the first part of the region's name, if no region shares it. */
const NEIGHBOURS: Record<string, readonly string[]> = {
  af: ['eu-south-2', 'eu-west-1'],
  me: ['il-central-1', 'ap-south-1'],
  mx: ['us-west-1', 'us-east-1'],
};

/** Other partitions: China, the US government and intelligence regions, and the European Sovereign Cloud. */
const OTHER_PARTITION = /^(cn-|us-gov-|us-iso|eu-isoe-|eusc-)/;

/** Why the stack cannot be deployed to a region; undefined if it can. */
export function refusal(region: string): string | undefined {
  if (REKOGNITION.includes(region)) return undefined;
  if (OTHER_PARTITION.test(region)) {
    return `The region ${region} is outside the standard partition of AWS, where Sightline needs both CloudFront and Rekognition; use one of ${REKOGNITION.join(', ')}.`;
  }
  const [part = ''] = region.split('-');
  const same = REKOGNITION.filter((other) => other.startsWith(`${part}-`));
  const near = same.length > 0 ? same : (NEIGHBOURS[part] ?? REKOGNITION);
  return `Amazon Rekognition does not exist in ${region}; deploy to a region near it, such as ${near.join(', ')}.`;
}

/** Whether CloudFormation knows a resource type in a region. An unknown region counts as one that has everything. */
export function offers(type: string, region: string | undefined): boolean {
  return region === undefined || !MISSING[type]?.includes(region);
}
