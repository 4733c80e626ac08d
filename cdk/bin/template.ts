/**
 * Writes the templates with parameters and their assets, for release/template:
 *
 *     tsx bin/template.ts FOLDER [OPTION=VALUE...]
 *
 * FOLDER gets `sightline-owner.template.json`, `sightline-unlisted.template.json`, and each asset in `assets/` as a zip file, or as a folder that
 * is to be zipped under its name.
 */

import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OptionError } from '../lib/options.ts';
import { releaseTemplate } from '../lib/release-template.ts';
import { MissingFunctionError } from '../lib/rust-function.ts';
import { options } from './arguments.ts';

const [folder = '.', ...given] = process.argv.slice(2);
const work = mkdtempSync(join(tmpdir(), 'sightline-template-'));
try {
  mkdirSync(join(folder, 'assets'), { recursive: true });
  for (const access of ['owner', 'unlisted'] as const) {
    const { template, assets } = releaseTemplate(access, work, options(given));
    writeFileSync(join(folder, `sightline-${access}.template.json`), `${JSON.stringify(template, undefined, 1)}\n`);
    for (const { name, path } of assets) cpSync(path, join(folder, 'assets', name), { recursive: true });
  }
} catch (error) {
  if (!(error instanceof OptionError || error instanceof MissingFunctionError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(work, { recursive: true });
}
