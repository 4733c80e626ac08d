/** Prints the monthly cost table of docs/deploy.md. */

import { readFileSync } from 'node:fs';
import { type Prices, table } from '../lib/costs.ts';

console.log(table(JSON.parse(readFileSync(new URL('../prices.json', import.meta.url), 'utf8')) as Prices));
