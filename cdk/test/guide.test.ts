/** Runs the guide's commands with stub programs that record how they were called. */

import { execFileSync } from 'node:child_process';
import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const guide = readFileSync(fileURLToPath(new URL('../../docs/deploy.md', import.meta.url)), 'utf8');
const [setUp = '', ...blocks] = [...guide.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block!);

/** Runs each block in a new shell. Returns the calls of each block, each prefixed with `AWS_REGION`. */
function calls(change: (setUp: string) => string = (same) => same): string[][] {
  const home = mkdtempSync(join(tmpdir(), 'guide-'));
  const programs = join(home, 'bin');
  mkdirSync(programs);
  for (const program of ['aws', 'git', 'npm', 'npx', 'sightline', 'terraform', 'unzip']) {
    writeFileSync(join(programs, program), `#!/bin/sh\necho "$AWS_REGION ${program} $*" >>"$HOME/calls"\necho ${program}\n`);
    chmodSync(join(programs, program), 0o755);
  }
  const token = join(home, 'token');
  writeFileSync(token, 'token\n');
  const run = (block: string) => {
    const checkout = mkdtempSync(join(home, 'checkout-'));
    mkdirSync(join(checkout, 'cdk'));
    writeFileSync(join(home, 'calls'), '');
    // A file, because a block that reads no input may close a pipe too early.
    const input = openSync(token, 'r');
    execFileSync('bash', ['--norc', '-euc', block], { cwd: checkout, env: { HOME: home, PATH: `${programs}:/usr/bin:/bin` }, stdio: [input, 'ignore', 'inherit'] });
    closeSync(input);
    return readFileSync(join(home, 'calls'), 'utf8').split('\n').slice(0, -1);
  };
  run(change(setUp));
  return blocks.map(run);
}

test('every command of the guide uses the same region, stage and options', () => {
  const all = calls().flat();
  const options = '-c stage=dev -c architecture=arm64 -c bucketNames=regional -c alarmEmail=you@example.com';
  const deployments = all.filter((call) => call.includes(' npx '));
  expect(deployments.map((call) => /npx cdk (\w+)/.exec(call)?.[1])).toEqual(['bootstrap', 'deploy', 'synth', 'diff', 'deploy', 'destroy', 'deploy', 'destroy', 'deploy']);
  for (const call of deployments) expect(call.endsWith(options), call).toBe(true);
  for (const call of all.filter((one) => one.includes('npm run functions'))) expect(call).toBe('eu-west-1 npm run functions -- arm64');
  for (const call of all) expect(call).toMatch(/^eu-west-1 /);
});

test('changing stage, region and architecture changes every command', () => {
  const all = calls((file) => file.replace('eu-west-1', 'us-east-1').replace('STAGE=dev', 'STAGE=prod').replace('ARCHITECTURE=arm64', 'ARCHITECTURE=x86_64')).flat();
  expect(all.join('\n')).not.toMatch(/eu-west-1|arm64|=dev|Sightline-dev/);
  expect(all.filter((call) => call.includes('--stack-name')).length).toBeGreaterThan(5);
});

test('every stack output that a command names exists', async () => {
  const { synth } = await import('./support.ts');
  const outputs = [{}, { inputBucketName: 'pictures-of-example', outputBucketName: 'results-of-example' }].flatMap((context) => Object.keys(synth(context).json.Outputs));
  const named = new Set([...blocks.join('\n').matchAll(/stack (\w+)/g)].map(([, name]) => name));
  expect(named.size).toBeGreaterThan(5);
  for (const name of named) expect(outputs).toContain(name);
});
