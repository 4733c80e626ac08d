import { App } from 'aws-cdk-lib';
import { OptionError, readOptions } from '../lib/options.ts';
import { MissingFunctionError } from '../lib/rust-function.ts';
import { SightlineStack } from '../lib/sightline-stack.ts';

const app = new App();
const region = process.env.CDK_DEFAULT_REGION;
try {
  const options = readOptions(app.node, region);
  new SightlineStack(app, `Sightline-${options.stage}`, options, {
    env: { account: process.env.CDK_DEFAULT_ACCOUNT, region },
  });
} catch (error) {
  // Mistakes that the user can correct get one sentence and no stack trace.
  if (!(error instanceof OptionError || error instanceof MissingFunctionError)) throw error;
  console.error(error.message);
  process.exit(1);
}
