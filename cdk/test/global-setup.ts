import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Every synthesis leaves a folder with copies of all assets. They all go into one folder that is removed at the end. */
export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'sightline-cdk-'));
  process.env.TMPDIR = folder;
  return () => rmSync(folder, { recursive: true });
}
