/** The Python environment of the tests (tests/run makes it). Without it a test passes and says that it did not run. */

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const PYTHON = fileURLToPath(new URL('../../tests/.venv/bin/python', import.meta.url));

/** What a Python program prints as JSON; undefined if the environment is not there. */
export function python<T>(program: string): T | undefined {
  if (!existsSync(PYTHON)) {
    if (process.env.SIGHTLINE_FULL_TESTS) throw new Error(`${PYTHON} does not exist; run tests/run first.`);
    console.log('NOT RUN: tests/.venv does not exist');
    return undefined;
  }
  return JSON.parse(execFileSync(PYTHON, ['-c', program], { encoding: 'utf8' })) as T;
}
