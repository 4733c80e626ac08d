/** Reads a synthesised template as CloudFormation would: references become names and ARNs. */

interface Resource {
  readonly Type: string;
  readonly Properties?: Record<string, unknown>;
}

export interface CfnTemplate {
  readonly Resources: Record<string, Resource>;
}

export interface Statement {
  readonly Sid?: string;
  readonly Effect: string;
  readonly Action: string[];
  readonly Resource: string[];
}

export interface FunctionDescription {
  readonly environment: Record<string, string>;
  readonly statements: Statement[];
}

export interface Described {
  readonly functions: Record<'uploadApi' | 'processor', FunctionDescription>;
  /** What the role of guests allows; absent without guests. */
  readonly guests?: { readonly statements: Statement[] };
  /** Parameters of DynamoDB's CreateTable; absent without an index. */
  readonly table?: Record<string, unknown>;
}

interface Environment {
  readonly account: string;
  readonly region: string;
}

/** The value of every secret. `ORIGIN_SECRET` in tests/support/invoke.rs is the same. */
const SECRET = 'known-to-the-tests-alone';

/** The id of an identity pool, without its region. */
const IDENTITY_POOL = '00000000-0000-4000-8000-000000000001';

/** The stack's two functions, and the index table, with all references resolved. */
export function describeFunctions(template: CfnTemplate, environment: Environment): Described {
  const resolve = (value: unknown): unknown => resolved(template, environment, value);
  const statementsOf = (id: string): Statement[] => {
    const [roleId] = one(template, 'AWS::IAM::Role', new RegExp(`^${id}Role`));
    return Object.values(template.Resources)
      .filter(({ Type, Properties }) => Type === 'AWS::IAM::Policy' && JSON.stringify(Properties?.Roles).includes(roleId))
      .flatMap(({ Properties }) => (Properties?.PolicyDocument as { Statement: Record<string, unknown>[] }).Statement)
      .map(({ Sid, Effect, Action, Resource }) => ({
        ...(Sid !== undefined && { Sid: String(Sid) }),
        Effect: String(Effect),
        Action: [Action].flat().map(String),
        Resource: [resolve(Resource)].flat().map(String),
      }));
  };
  const describe = (id: string): FunctionDescription => {
    const [, lambda] = one(template, 'AWS::Lambda::Function', new RegExp(`^${id}Function`));
    const { Variables } = lambda.Properties?.Environment as { Variables: Record<string, unknown> };
    return { environment: resolve(Variables) as Record<string, string>, statements: statementsOf(id) };
  };
  const [tableId, table] = Object.entries(template.Resources).find(([, { Type }]) => Type === 'AWS::DynamoDB::Table') ?? [];
  const { KeySchema, AttributeDefinitions, GlobalSecondaryIndexes, BillingMode } = table?.Properties ?? {};
  return {
    functions: { uploadApi: describe('UploadApiHandler'), processor: describe('ProcessingProcessor') },
    ...(Object.values(template.Resources).some(({ Type }) => Type === 'AWS::Cognito::IdentityPool') && { guests: { statements: statementsOf('Guests') } }),
    ...(tableId && { table: { TableName: tableId, KeySchema, AttributeDefinitions, GlobalSecondaryIndexes, BillingMode } }),
  };
}

function one(template: CfnTemplate, type: string, id: RegExp): [string, Resource] {
  const found = Object.entries(template.Resources).filter(([name, resource]) => resource.Type === type && id.test(name));
  if (found.length !== 1 || !found[0]) throw new Error(`${found.length} resources of type ${type} match ${id}`);
  return found[0];
}

/** The value with references resolved. A generated name becomes the logical id. */
function resolved(template: CfnTemplate, environment: Environment, value: unknown): unknown {
  const recurse = (inner: unknown): unknown => resolved(template, environment, inner);
  if (Array.isArray(value)) return value.map(recurse);
  if (typeof value === 'string') return value.replaceAll(/\{\{resolve:secretsmanager:[^}]*\}\}/g, SECRET);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const [[intrinsic, argument] = ['', undefined]] = entries;
  if (entries.length === 1 && intrinsic === 'Ref') return reference(template, environment, String(argument));
  if (entries.length === 1 && intrinsic === 'Fn::Join') {
    const [separator, parts] = argument as [string, unknown[]];
    return recurse(parts.map(recurse).join(separator));
  }
  if (entries.length === 1 && intrinsic === 'Fn::GetAtt') {
    const [id, attribute] = argument as [string, string];
    return arn(template, environment, id, attribute);
  }
  if (intrinsic.startsWith('Fn::')) throw new Error(`${intrinsic} is not supported here`);
  return Object.fromEntries(entries.map(([name, inner]) => [name, recurse(inner)]));
}

function reference(template: CfnTemplate, environment: Environment, id: string): string {
  const pseudo: Record<string, string> = {
    'AWS::AccountId': environment.account,
    'AWS::Region': environment.region,
    'AWS::Partition': 'aws',
    'AWS::URLSuffix': 'amazonaws.com',
  };
  const resource = template.Resources[id];
  if (resource?.Type === 'AWS::Cognito::IdentityPool') return `${environment.region}:${IDENTITY_POOL}`;
  const name = resource?.Type === 'AWS::S3::Bucket' ? resource.Properties?.BucketName : undefined;
  return pseudo[id] ?? (name === undefined ? id : String(resolved(template, environment, name)));
}

function arn(template: CfnTemplate, environment: Environment, id: string, attribute: string): string {
  const type = template.Resources[id]?.Type;
  const at = `${environment.region}:${environment.account}`;
  const name = reference(template, environment, id);
  if (attribute === 'Arn' && type === 'AWS::S3::Bucket') return `arn:aws:s3:::${name}`;
  if (attribute === 'Arn' && type === 'AWS::SQS::Queue') return `arn:aws:sqs:${at}:${name}`;
  if (attribute === 'Arn' && type === 'AWS::DynamoDB::Table') return `arn:aws:dynamodb:${at}:table/${name}`;
  if (attribute === 'Arn' && type === 'AWS::Logs::LogGroup') return `arn:aws:logs:${at}:log-group:${name}:*`;
  throw new Error(`${attribute} of ${type} is not supported here`);
}
