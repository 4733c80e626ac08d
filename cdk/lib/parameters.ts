/**
 * The parameters of the release's templates, which stand for options of the CDK app. The rules are those of options.ts; the tests compare
 * them.
 */

import type { CfnParameterProps } from 'aws-cdk-lib';
import type { Options } from './options.ts';

/** A parameter whose value takes the place of an option's value in the template. */
export interface ValueParameter extends CfnParameterProps {
  /**
   * A number that stands for the parameter while the template is synthesised. It occurs nowhere else, and the option accepts it.
   * Without one, the option is a text, and a reference to the parameter goes through the synthesis.
   */
  readonly standIn?: number;
}

/** A parameter that changes what the template contains. */
export interface Choice {
  readonly parameter: string;
  /** The value of the parameter for which the template differs from the others. */
  readonly value: string;
  /** What is different in the options. */
  readonly options: Partial<Options>;
}

/** How many calls a second Rekognition allows, for the mapping that gives the sizes and concurrencies that follow from it. */
export const THROUGHPUTS = [5, 10, 25, 50, 100, 120, 250, 500, 1000];

const DAYS = { type: 'Number', default: 0, minValue: 0, maxValue: 36_500 } as const;

/** By name, in the order in which the console shows them. */
export function parameters(access: 'owner' | 'unlisted'): Record<string, ValueParameter> {
  const owner = access === 'owner';
  return {
    AssetsBucket: {
      description: 'The bucket, in this region, with the unpacked files of sightline-assets.',
      type: 'String',
      allowedPattern: '^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$',
      constraintDescription: 'must be the name of a bucket',
    },
    AssetsPrefix: {
      description: 'The prefix of those files in the bucket. It ends with a slash, or is empty.',
      type: 'String',
      default: '',
      allowedPattern: '^([A-Za-z0-9!_.*()-]+/)*$',
      constraintDescription: 'must be empty or end with a slash, such as sightline/',
    },
    Stage: {
      description: 'Part of every name, so that an account can hold several deployments.',
      type: 'String',
      default: 'dev',
      allowedPattern: '^(?!.*(aws|amazon|cognito))[a-z]([a-z0-9-]{0,10}[a-z0-9])?$',
      constraintDescription: 'must be 1 to 12 characters of a-z, 0-9 and -, starting with a letter, without aws, amazon and cognito',
    },
    AlarmEmail: {
      description: 'Who gets the alarms: an e-mail address, or none.',
      type: 'String',
      allowedPattern: '^(none|[^\\s@]+@[^\\s@]+\\.[^\\s@]+)$',
      constraintDescription: 'must be an e-mail address, such as ops@example.com, or none',
    },
    MaxDailyAnalyses: {
      description: `The largest number of analyses a day${owner ? ', or 0 for no limit' : ''}. Pictures over it fail.`,
      type: 'Number',
      minValue: owner ? 0 : 1,
      maxValue: Number.MAX_SAFE_INTEGER,
      standIn: 7_219_530_846_117,
    },
    ...(owner && {
      MaxDailyAnalysesPerOwner: {
        description: 'The largest number of analyses a day of one person, or 0 for no limit.',
        type: 'Number',
        default: 0,
        minValue: 0,
        maxValue: Number.MAX_SAFE_INTEGER,
        standIn: 6_318_420_957_229,
      },
    }),
    MonthlyBudgetUsd: {
      description: 'The budget of the whole account in US dollars a month, or 0 for none.',
      type: 'Number',
      default: 50,
      minValue: 0,
      maxValue: 10_000_000,
      standIn: 7_481_230,
    },
    DailyCostUsd: {
      description: 'An alarm is raised when Rekognition costs more US dollars than this in a day. Has no effect without a budget.',
      type: 'Number',
      default: 5,
      minValue: 0.1,
      maxValue: 1_000_000,
      // The stack sets it to a tenth of the budget; a template cannot divide.
      standIn: 748_123,
    },
    RekognitionTps: {
      description: 'Calls a second that the account may make of each Rekognition operation.',
      type: 'Number',
      default: String(THROUGHPUTS[0]),
      allowedValues: THROUGHPUTS.map(String),
    },
    DomainName: {
      description: 'A domain name of your own for the site, with CertificateArn. You point it at the distribution.',
      type: 'String',
      default: '',
      allowedPattern: '^$|^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$',
      constraintDescription: 'must be empty or a domain name in lower case, such as pictures.example.com',
    },
    CertificateArn: {
      description: 'The ARN of the certificate for DomainName, in us-east-1.',
      type: 'String',
      default: '',
      allowedPattern: '^$|^arn:[A-Za-z0-9_-]+:acm:us-east-1:[0-9]{12}:certificate/[0-9a-f-]+$',
      constraintDescription: 'must be empty or the ARN of a certificate in us-east-1',
    },
    WebAclArn: {
      description: 'The ARN of a web ACL with the scope CLOUDFRONT that guards the site.',
      type: 'String',
      default: '',
      allowedPattern: '^$|^arn:[A-Za-z0-9_-]+:wafv2:us-east-1:[0-9]{12}:global/webacl/[A-Za-z0-9_-]+/[0-9a-f-]+$',
      constraintDescription: 'must be empty or the ARN of a web ACL with the scope CLOUDFRONT',
    },
    ...(owner && {
      SignUp: {
        description: 'closed: you create accounts. open: anybody can create one.',
        type: 'String',
        default: 'closed',
        allowedValues: ['closed', 'open'],
      },
    }),
    Architecture: {
      description: 'The processors of the functions. arm64 costs less.',
      type: 'String',
      default: 'arm64',
      allowedValues: ['arm64', 'x86_64'],
    },
    OriginalsDays: { description: 'Days until uploaded pictures are deleted, or 0 for never.', ...DAYS, standIn: 31_847 },
    ResultsDays: { description: 'Days until results, thumbnails and previews are deleted, or 0 for never.', ...DAYS, standIn: 31_849 },
    LogDays: {
      description: 'Days for which logs are kept.',
      type: 'Number',
      default: '30',
      allowedValues: ['1', '3', '5', '7', '14', '30', '60', '90', '120', '150', '180', '365', '400', '545', '731', '1096', '1827', '2192', '2557', '2922', '3288', '3653'],
      standIn: 3288,
    },
    ApiRate: { description: 'Requests a second that the API accepts.', type: 'Number', default: 50, minValue: 1, maxValue: 10_000, standIn: 9_137 },
    ApiBurst: { description: 'Requests that the API accepts at once, on top of the rate.', type: 'Number', default: 100, minValue: 1, maxValue: 5000, standIn: 4_793 },
  };
}

/** The options with which the template is synthesised. */
export function standInOptions(access: 'owner' | 'unlisted'): Record<string, string> {
  const of = (name: string) => String(parameters(access)[name]?.standIn);
  return {
    access,
    alarmEmail: 'alarms@example.com',
    maxDailyAnalyses: of('MaxDailyAnalyses'),
    ...(access === 'owner' && { maxDailyAnalysesPerOwner: of('MaxDailyAnalysesPerOwner') }),
    monthlyBudgetUsd: of('MonthlyBudgetUsd'),
    originalsDays: of('OriginalsDays'),
    resultsDays: of('ResultsDays'),
    logDays: of('LogDays'),
    apiRate: of('ApiRate'),
    apiBurst: of('ApiBurst'),
  };
}

/** The parameters' values that take resources or properties away, or replace them. */
export function choices(access: 'owner' | 'unlisted'): readonly Choice[] {
  return [
    { parameter: 'AlarmEmail', value: 'none', options: { alarmEmail: undefined } },
    { parameter: 'MonthlyBudgetUsd', value: '0', options: { monthlyBudgetUsd: undefined } },
    { parameter: 'DomainName', value: '', options: { domain: undefined } },
    { parameter: 'WebAclArn', value: '', options: { webAclArn: undefined } },
    { parameter: 'OriginalsDays', value: '0', options: { originalsDays: undefined } },
    { parameter: 'ResultsDays', value: '0', options: { resultsDays: undefined } },
    { parameter: 'Architecture', value: 'x86_64', options: { architecture: 'x86_64' } },
    ...(access === 'owner'
      ? [
          { parameter: 'MaxDailyAnalyses', value: '0', options: { maxDailyAnalyses: undefined } },
          { parameter: 'MaxDailyAnalysesPerOwner', value: '0', options: { maxDailyAnalysesPerOwner: undefined } },
          { parameter: 'SignUp', value: 'open', options: { signUp: 'open' as const } },
        ]
      : []),
  ];
}
