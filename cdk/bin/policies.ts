/**
 * Prints the environment and policy statements of the two functions, and the index table's definition, with names and ARNs resolved.
 * Options are `name=value` arguments. tests/end_to_end/permissions.rs reads the output.
 */

import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { type CfnTemplate, describeFunctions } from '../lib/template.ts';
import { readOptions } from '../lib/options.ts';
import { SightlineStack } from '../lib/sightline-stack.ts';
import { options } from './arguments.ts';

const account = '000000000000';
const region = 'us-east-1';
const app = new App({ context: { assets: 'placeholder', alarmEmail: 'none', maxDailyAnalyses: 'none', ...options(process.argv.slice(2)) } });
const stack = new SightlineStack(app, 'Sightline', readOptions(app.node, region), { env: { account, region } });
console.log(JSON.stringify(describeFunctions(Template.fromStack(stack).toJSON() as CfnTemplate, { account, region }), undefined, 2));
