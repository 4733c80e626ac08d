/** Compares the account's Lambda concurrency with what the stack in cdk.out needs. Exits with 1 if it is not enough. */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { neededConcurrency, verdict } from '../lib/account.ts';
import type { CfnTemplate } from '../lib/template.ts';

const folder = process.argv[2] ?? 'cdk.out';
const manifest = join(folder, 'manifest.json');
if (!existsSync(manifest)) {
  console.error(`${folder} has no template; run \`sightline_cdk synth --quiet\` first.`);
  process.exit(1);
}
// The folder keeps the templates of other stages; the manifest names the last one.
interface Artifact { readonly type: string; readonly properties?: { readonly templateFile?: string } }
const { artifacts } = JSON.parse(readFileSync(manifest, 'utf8')) as { artifacts: Record<string, Artifact> };
const file = Object.values(artifacts).find(({ type }) => type === 'aws:cloudformation:stack')?.properties?.templateFile ?? '';
const query = 'AccountLimit.UnreservedConcurrentExecutions';
const available = Number(execFileSync('aws', ['lambda', 'get-account-settings', '--query', query, '--output', 'text'], { encoding: 'utf8' }));
const { enough, sentence } = verdict(neededConcurrency(JSON.parse(readFileSync(join(folder, file), 'utf8')) as CfnTemplate), available);
console.log(sentence);
process.exit(enough ? 0 : 1);
