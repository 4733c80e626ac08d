/**
 * Synthesises the stack as a template with parameters, which CloudFormation deploys without the CDK.
 *
 * Texts go through the synthesis as references to the parameters. Numbers that the app calculates with, or writes into texts, cannot; each
 * has a stand-in, which is replaced afterwards. What a parameter's value adds or takes away is found by synthesising the stack both ways,
 * and depends on a condition.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, CfnMapping, CfnParameter, CfnRule, DefaultStackSynthesizer, Fn, Token } from 'aws-cdk-lib';
import { CfnDistribution } from 'aws-cdk-lib/aws-cloudfront';
import { type Options, readOptions } from './options.ts';
import { type Choice, THROUGHPUTS, choices, parameters, standInOptions } from './parameters.ts';
import { SightlineStack } from './sightline-stack.ts';

type Json = null | boolean | number | string | Json[] | Dictionary;
type Dictionary = { [name: string]: Json };

/** A file that the template refers to as `<AssetsPrefix><name>`. */
export interface Asset {
  /** `<hash>.zip` */
  readonly name: string;
  /** A zip file, or a folder whose contents go into one. */
  readonly path: string;
}

export interface ReleaseTemplate {
  readonly template: Dictionary;
  readonly assets: readonly Asset[];
}

/**
 * `folder` takes the synthesised files. `context` adds options, such as `assets=placeholder`.
 * @throws Error if a parameter's value changes something that no condition can express.
 */
export function releaseTemplate(access: 'owner' | 'unlisted', folder: string, context: Record<string, string> = {}): ReleaseTemplate {
  const base = synthesise(access, join(folder, access), context, {});
  const alternatives = choices(access).map((choice) => ({
    choice,
    made: synthesise(access, join(folder, `${access}-${choice.parameter}`), context, choice.options),
  }));
  const merged = merge(base.template, alternatives.map(({ choice, made }) => ({ choice, value: made.template })), 'template') as Dictionary;
  // The parameters' own definitions may contain the same numbers.
  const template: Dictionary = { ...(replaceStandIns(merged, standIns(access)) as Dictionary), Parameters: base.template.Parameters! };
  const text = JSON.stringify(template);
  const used = choices(access).flatMap(conditions).filter(([name]) => text.includes(`"${name}"`));
  const assets = [base, ...alternatives.map(({ made }) => made)].flatMap((made) => made.assets);
  const byName = new Map(assets.map((asset) => [asset.name, asset]));
  return {
    template: { ...template, Conditions: { ...(template.Conditions as Dictionary | undefined), ...Object.fromEntries(used) } },
    assets: [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

function synthesise(access: 'owner' | 'unlisted', outdir: string, context: Record<string, string>, changed: Partial<Options>): ReleaseTemplate {
  // The CDK reads these flags itself only when its own command starts the app.
  const { context: flags } = JSON.parse(readFileSync(new URL('../cdk.json', import.meta.url), 'utf8')) as { context: Record<string, unknown> };
  // The CDK's own validation sees stand-ins where the template has references.
  const app = new App({ context: { ...flags, ...standInOptions(access), ...context }, outdir, builtinCloudFormationValidation: false });
  const options = { ...readOptions(app.node, undefined), ...REFERENCES, ...changed };
  const stack = new SightlineStack(app, 'Sightline', options, { synthesizer: uploadedAssets() });
  // cfn-lint takes the empty default of CertificateArn for the value, although a condition leaves it out.
  for (const node of stack.node.findAll()) if (node instanceof CfnDistribution) node.addMetadata('cfn-lint', { config: { ignore_checks: ['W1030'] } });
  for (const [name, { standIn: _, ...props }] of Object.entries(parameters(access))) new CfnParameter(stack, name, props);
  const isEmpty = (name: string) => Fn.conditionEquals(Fn.ref(name), '');
  for (const [one, other] of [['DomainName', 'CertificateArn'], ['CertificateArn', 'DomainName']] as const) {
    const assertDescription = 'DomainName and CertificateArn require each other; set both or neither.';
    new CfnRule(stack, `${one}Needs${other}`, { ruleCondition: Fn.conditionNot(isEmpty(one)), assertions: [{ assert: Fn.conditionNot(isEmpty(other)), assertDescription }] });
  }
  new CfnMapping(stack, 'Throughput', { mapping: throughputs(app) });
  const { template } = app.synth().getStackByName(stack.stackName);
  const { files } = JSON.parse(readFileSync(join(outdir, `${stack.artifactId}.assets.json`), 'utf8')) as { files: Record<string, { source: { path: string } }> };
  const assets = Object.entries(files)
    .filter(([, { source }]) => !source.path.endsWith('.template.json'))
    .map(([hash, { source }]) => ({ name: `${hash}.zip`, path: join(outdir, source.path) }));
  return { template: template as Dictionary, assets };
}

/** Assets come from the bucket that the user names, so the account needs no `cdk bootstrap`. */
export function uploadedAssets(): DefaultStackSynthesizer {
  return new DefaultStackSynthesizer({ fileAssetsBucketName: '${AssetsBucket}', bucketPrefix: '${AssetsPrefix}', generateBootstrapVersionRule: false });
}

/** The options that follow from Rekognition's quota. */
const THROUGHPUT_OPTIONS = ['rekognitionTps', 'batchSize', 'processorConcurrency', 'backfillConcurrency', 'imageRequestRate'] as const;

/** Stands for the rate of `POST /images`, from which the app computes a burst. */
const IMAGE_REQUEST_RATE = 4391;

function throughput(option: (typeof THROUGHPUT_OPTIONS)[number]): Dictionary {
  return { 'Fn::FindInMap': ['Throughput', { Ref: 'RekognitionTps' }, option] };
}

/** Options as references, which the synthesis passes on without looking at them. */
const REFERENCES: Partial<Options> = {
  stage: Fn.ref('Stage'),
  alarmEmail: Fn.ref('AlarmEmail'),
  domain: { name: Fn.ref('DomainName'), certificateArn: Fn.ref('CertificateArn'), hostedZoneId: undefined },
  webAclArn: Fn.ref('WebAclArn'),
  ...Object.fromEntries(THROUGHPUT_OPTIONS.map((option) => [option, Token.asNumber(throughput(option))])),
  imageRequestRate: IMAGE_REQUEST_RATE,
};

/** What takes the place of each stand-in. */
function standIns(access: 'owner' | 'unlisted'): readonly [number, Dictionary][] {
  const ofParameters = Object.entries(parameters(access)).flatMap(([parameter, { standIn }]): [number, Dictionary][] => (standIn === undefined ? [] : [[standIn, { Ref: parameter }]]));
  return [...ofParameters, [IMAGE_REQUEST_RATE, throughput('imageRequestRate')]];
}

function throughputs(app: App): Record<string, Record<string, number | undefined>> {
  return Object.fromEntries(THROUGHPUTS.map((tps) => {
    const { node } = new App({ context: { ...(app.node.getAllContext() as Record<string, unknown>), rekognitionTps: String(tps) } });
    const options = readOptions(node, undefined);
    return [String(tps), Object.fromEntries(THROUGHPUT_OPTIONS.map((option) => [option, options[option]]))];
  }));
}

interface Alternative {
  readonly choice: Choice;
  /** Undefined where the alternative lacks the member. */
  readonly value: Json | undefined;
}

/** The names of a choice's two conditions, with their definitions. */
function conditions({ parameter, value }: Choice): [string, Json][] {
  const equals = { 'Fn::Equals': [{ Ref: parameter }, value] };
  return [[name(parameter, value, true), equals], [name(parameter, value, false), { 'Fn::Not': [equals] }]];
}

function name(parameter: string, value: string, is: boolean): string {
  return `${parameter}Is${is ? '' : 'Not'}${value.replace(/[^A-Za-z0-9]/g, '') || 'Empty'}`;
}

const NOTHING: Json = { Ref: 'AWS::NoValue' };

/** One template from several: the base, and one for each choice. Undefined values are missing members. */
function merge(base: Json | undefined, alternatives: readonly Alternative[], path: string): Json {
  const different = alternatives.filter(({ value }) => !same(value, base));
  const [first, ...further] = different;
  if (!first) return base!;
  const values = [base, ...different.map(({ value }) => value)];
  if (values.every(isPlain)) {
    const names = [...new Set(values.flatMap((value) => Object.keys(value)))];
    return Object.fromEntries(names.map((member) => [
      member,
      // Only resources and outputs have conditions of their own.
      (/^template\.(Resources|Outputs)$/.test(path) ? mergeConditional : merge)(
        (base as Dictionary)[member],
        alternatives.map(({ choice, value }) => ({ choice, value: (value as Dictionary)[member] })),
        `${path}.${member}`,
      ),
    ]));
  }
  // CloudFormation ignores resources here that a condition leaves out.
  if (path.endsWith('.DependsOn')) return [...new Set(values.flat().filter((value) => value !== undefined))] as Json;
  if (values.every(Array.isArray)) {
    if (values.every((value) => value.length === (base as Json[]).length)) {
      return (base as Json[]).map((item, at) => merge(item, alternatives.map(({ choice, value }) => ({ choice, value: (value as Json[])[at] })), `${path}[${at}]`));
    }
    // Elements that come and go, in a list whose order means nothing, such as a policy's statements.
    const items = new Map(values.flat().map((item) => [JSON.stringify(item), item as Json]));
    const within = (list: Json | undefined, key: string) => (list as Json[]).find((item) => JSON.stringify(item) === key);
    return [...items.keys()].map((key) => merge(within(base, key), alternatives.map(({ choice, value }) => ({ choice, value: within(value, key) })), `${path}[]`));
  }
  if (further.length > 0) {
    throw new Error(`${different.map(({ choice }) => choice.parameter).join(' and ')} both change ${path}; a template cannot combine them.`);
  }
  const { choice: { parameter, value } } = first;
  return { 'Fn::If': [name(parameter, value, true), first.value ?? NOTHING, base ?? NOTHING] };
}

function mergeConditional(base: Json | undefined, alternatives: readonly Alternative[], path: string): Json {
  const present = alternatives.filter(({ value }) => (value === undefined) !== (base === undefined));
  const [choice, ...further] = present.map((alternative) => alternative.choice);
  if (!choice) return merge(base, alternatives, path);
  if (further.length > 0) throw new Error(`${[choice, ...further].map(({ parameter }) => parameter).join(' and ')} both decide whether ${path} exists.`);
  const condition = name(choice.parameter, choice.value, base === undefined);
  const without = base ?? present[0]!.value;
  return { ...(merge(without, base === undefined ? [] : alternatives.filter(({ value }) => value !== undefined), path) as Dictionary), Condition: condition };
}

function same(one: Json | undefined, other: Json | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** An object that is no intrinsic function. */
function isPlain(value: Json | undefined): value is Dictionary {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !Object.keys(value).some((key) => key === 'Ref' || key.startsWith('Fn::'));
}

function replaceStandIns(value: Json, known: readonly [number, Dictionary][]): Json {
  if (Array.isArray(value)) return value.map((item) => replaceStandIns(item, known));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([member, item]) => [member, replaceStandIns(item, known)]));
  }
  if (typeof value !== 'number' && typeof value !== 'string') return value;
  const text = String(value);
  const [standIn, reference] = known.find(([number]) => new RegExp(`(^|[^0-9])${number}($|[^0-9])`).test(text)) ?? [];
  if (reference === undefined) return value;
  if (text === String(standIn)) return reference;
  const parts = text.split(String(standIn)).flatMap((part, at): Json[] => [...(at > 0 ? [reference] : []), ...(part === '' ? [] : [part])]);
  return { 'Fn::Join': ['', parts.map((part) => replaceStandIns(part, known))] };
}
