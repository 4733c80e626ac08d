/** A Lambda function built from a binary of the Rust workspace, with a role that allows exactly the given statements. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Annotations, Duration, RemovalPolicy } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Alias, Architecture, Code, Function as LambdaFunction, type IFunction, LoggingFormat, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { encryptionKey } from './encryption.ts';
import { explain } from './nag.ts';
import type { Options } from './options.ts';

/** The functions have not been built. */
export class MissingFunctionError extends Error {
  override readonly name = 'MissingFunctionError';
}

export interface RustFunctionProps {
  /** The binary's name, such as `sightline-processor`. */
  readonly binary: string;
  readonly description: string;
  readonly memoryMiB: number;
  readonly timeout: Duration;
  readonly environment: Record<string, string>;
  readonly statements: PolicyStatement[];
}

export class RustFunction extends Construct {
  readonly function: LambdaFunction;
  /** What callers invoke: the alias with `gradual`, the function otherwise. */
  readonly target: IFunction;
  readonly alias: Alias | undefined;
  readonly role: Role;
  readonly logs: LogGroup;

  constructor(scope: Construct, id: string, options: Options, props: RustFunctionProps) {
    super(scope, id);
    this.logs = new LogGroup(this, 'Logs', {
      retention: options.logDays,
      removalPolicy: RemovalPolicy.DESTROY,
      encryptionKey: encryptionKey(this, options),
    });
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com'), description: props.description });
    const statements = [
      ...props.statements,
      new PolicyStatement({ sid: 'Logs', actions: ['logs:CreateLogStream', 'logs:PutLogEvents'], resources: [this.logs.logGroupArn] }),
    ];
    statements.forEach((statement) => this.role.addToPolicy(statement));
    this.function = new LambdaFunction(this, 'Function', {
      description: props.description,
      runtime: Runtime.PROVIDED_AL2023,
      architecture: options.architecture === 'arm64' ? Architecture.ARM_64 : Architecture.X86_64,
      handler: 'bootstrap',
      code: this.code(options, props.binary),
      memorySize: props.memoryMiB,
      timeout: props.timeout,
      role: this.role,
      logGroup: this.logs,
      // The functions write JSON lines themselves, so Lambda must not wrap them.
      loggingFormat: LoggingFormat.TEXT,
      tracing: options.tracing ? Tracing.ACTIVE : Tracing.DISABLED,
      environment: {
        ...props.environment,
        RUST_LOG: 'info',
        // glibc returns large buffers of decoded pictures to the system at once.
        MALLOC_MMAP_THRESHOLD_: '1048576',
      },
    });
    // `currentVersion` is a new version whenever the function's code or settings change.
    this.alias = options.gradual ? new Alias(this, 'Live', { aliasName: 'live', version: this.function.currentVersion }) : undefined;
    this.target = this.alias ?? this.function;
    explain(this, 'AwsSolutions-L1', 'provided.al2023 is the newest runtime for compiled functions.');
  }

  private code(options: Options, binary: string): Code {
    if (options.assets === 'placeholder') {
      Annotations.of(this).addWarningV2('sightline:placeholder', 'assets=placeholder: this template is for tests; its functions do nothing.');
      return Code.fromAsset(fileURLToPath(new URL('../test/placeholder', import.meta.url)));
    }
    const zip = join(options.functions, options.architecture, binary, 'bootstrap.zip');
    if (!existsSync(zip)) {
      throw new MissingFunctionError(`${binary} is not built for ${options.architecture}; run \`npm run functions -- ${options.architecture}\` in cdk/ first.`);
    }
    return Code.fromAsset(zip);
  }
}
