/**
 * Checks the stack's templates with cfn-lint for every region that has Rekognition: `npm run lint`. A template names a region's limits
 * and nothing else that depends on the region, so one synthesis serves all regions that have the same resource types.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MISSING, REKOGNITION, offers } from '../lib/regions.ts';
import { EVERYTHING, synth } from './support.ts';

const everything = { everything: EVERYTHING };
const all = { owner: {}, unlisted: { access: 'unlisted' }, ...everything };

/** Regions by the types that they lack. */
const groups = new Map<string, string[]>();
for (const region of REKOGNITION) {
  const lacks = Object.keys(MISSING).filter((type) => !offers(type, region)).join();
  groups.set(lacks, [...(groups.get(lacks) ?? []), region]);
}
const folder = mkdtempSync(join(tmpdir(), 'sightline-lint-'));
try {
  for (const [lacks, regions] of groups) {
    // Where a type is missing, the same resources are there but for that one.
    const templates = Object.entries(lacks === '' ? all : everything).map(([name, context]) => {
      const file = join(folder, `${name}-${regions[0]}.template.json`);
      // A key must be in the stack's region.
      const there = JSON.parse(JSON.stringify(context).replaceAll(':eu-west-1:', `:${regions[0]}:`)) as Record<string, unknown>;
      writeFileSync(file, JSON.stringify(synth(there, regions[0]).json));
      return file;
    });
    execFileSync(fileURLToPath(new URL('../../tests/.venv/bin/cfn-lint', import.meta.url)), ['--regions', ...regions, '--template', ...templates], { stdio: 'inherit' });
    console.log(`cfn-lint: no finding in ${regions.join(', ')}`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
