/** The write units of a picture in the index, as a test of the DynamoDB adapter measures them (crates/aws/tests/index/simulated). */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

interface Units {
  /** Those of the table; transactions count twice. */
  readonly table: number;
  /** Those of its secondary index. */
  readonly indexes: number;
  readonly transactions: number;
}

export const WRITE_UNITS = JSON.parse(readFileSync(fileURLToPath(new URL('../../crates/aws/write-units.json', import.meta.url)), 'utf8')) as {
  readonly labels: number;
  readonly categories: number;
  /** Adding a picture. */
  readonly put: Units;
  /** Removing the row of an expired result. */
  readonly prune: Units;
  /** Of a picture's items and their entries in the index. */
  readonly bytes: number;
};
