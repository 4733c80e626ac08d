/** Prints what the stack costs a month, as the table in docs/deploy.md has it. */

import { readFileSync } from 'node:fs';
import { type Prices, table } from '../lib/costs.ts';

console.log(table(JSON.parse(readFileSync(new URL('../prices.json', import.meta.url), 'utf8')) as Prices));
