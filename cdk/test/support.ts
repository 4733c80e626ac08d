import { App, type CfnResource } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { readOptions } from '../lib/options.ts';
import { SightlineStack } from '../lib/sightline-stack.ts';
import type { CfnTemplate } from '../lib/template.ts';

const ACCOUNT = '111122223333';

export const KEY = 'arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';

/** Options with which the stack has every kind of resource that it can have. */
export const EVERYTHING = {
  tracing: 'on', signUp: 'open', maxDailyAnalyses: 9, alarmEmail: 'ops@example.com', removalPolicy: 'destroy', originalsDays: 1, resultsDays: 1, versioning: 1,
  allowedOrigins: 'https://a.example', gradual: 'on', kmsKeyArn: KEY, bucketNames: 'regional', originalsStorageClass: 'intelligent-tiering',
  guests: 'on', maxDailyAnalysesPerOwner: 5, domainName: 'pictures.example', certificateArn: 'arn:aws:acm:us-east-1:111122223333:certificate/1234abcd-12ab-34cd-56ef-1234567890ab', originSecret: 2,
  maxUploadBytes: 1_000_000, uploadUrlSeconds: 60, resultUrlSeconds: 60, minConfidence: 70, maxLabels: 20, thumbnailPx: 64, previewPx: 640,
};

export interface Synthesised {
  readonly template: Template;
  /** What the synthesis warns of. */
  readonly warnings: string[];
  readonly json: CfnTemplate & { readonly Outputs: Record<string, { readonly Value: unknown }> };
}

/** What every deployment must choose, and placeholder functions. */
const CHOSEN = { assets: 'placeholder', alarmEmail: 'none', maxDailyAnalyses: 'none' };

/** The app as bin/app.ts composes it. No test reads the copies of the assets and the stack traces, which take most of a synthesis. */
export function app(context: Record<string, unknown> = {}, region = 'eu-west-1', outdir?: string): App {
  const quick = { 'aws:cdk:disable-asset-staging': true, 'aws:cdk:disable-stack-trace': true };
  const made = new App({ context: { ...CHOSEN, ...quick, ...context }, ...(outdir && { outdir }) });
  const options = readOptions(made.node, region);
  new SightlineStack(made, `Sightline-${options.stage}`, options, { env: { account: ACCOUNT, region } });
  return made;
}

export function stack(context: Record<string, unknown> = {}, region?: string): SightlineStack {
  return app(context, region).node.findAll().find((node): node is SightlineStack => node instanceof SightlineStack)!;
}

const synthesised = new Map<string, Synthesised>();

/** The template with these options. All tests share it, so they must not change it. */
export function synth(context: Record<string, unknown> = {}, region?: string): Synthesised {
  const key = JSON.stringify([Object.entries(context).sort(), region]);
  const known = synthesised.get(key);
  if (known) return known;
  const from = stack(context, region);
  const template = Template.fromStack(from);
  const warnings = Annotations.fromStack(from).findWarning('*', Match.anyValue()).map(({ entry }) => String(entry.data));
  const made = { template, warnings, json: template.toJSON() as Synthesised['json'] };
  // What the functions' folder contains may change between two calls.
  if (context.functions === undefined) synthesised.set(key, made);
  return made;
}

/** The properties of all resources of a type. */
export function all(from: Synthesised, type: CfnResource['cfnResourceType']): Record<string, any>[] {
  return Object.values(from.json.Resources).filter((resource) => resource.Type === type).map((resource) => resource.Properties ?? {});
}

/** The properties of the one resource of a type whose JSON matches. */
export function only(from: Synthesised, type: string, like = /./): Record<string, any> {
  const found = all(from, type).filter((properties) => like.test(JSON.stringify(properties)));
  if (found.length !== 1) throw new Error(`${found.length} resources of type ${type} match ${like}`);
  return found[0]!;
}

/** A template value as text, with references as `<name>` and joins applied. */
export function flat(value: any): string {
  if (typeof value !== 'object' || value === null) return String(value);
  if ('Ref' in value) return `<${value.Ref}>`;
  if ('Fn::GetAtt' in value) return `<${value['Fn::GetAtt'].join('.')}>`;
  if ('Fn::Join' in value) return value['Fn::Join'][1].map(flat).join(value['Fn::Join'][0]);
  return JSON.stringify(value);
}
