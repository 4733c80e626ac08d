/** The whole template, so that every change shows up in a diff. `npm run unit -- -u` rewrites it. */

import { expect, test } from 'vitest';
import { synth } from './support.ts';

test.each([['owner'], ['unlisted']])('the template with access=%s', async (access) => {
  // Hashes of the pages and of the CDK's custom resources change independently of the stack.
  const json = JSON.stringify(synth({ access, alarmEmail: 'ops@example.com', monthlyBudgetUsd: 100 }).json, undefined, 1).replace(/[0-9a-f]{64}/g, '<hash>');
  await expect(`${json}\n`).toMatchFileSnapshot(`snapshots/${access}.json`);
});
