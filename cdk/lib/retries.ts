/** How messages of the queue are retried, from the list that the processor itself is tested against. */

import { readFileSync } from 'node:fs';

/** crates/pipeline/retries.json; crates/pipeline/src/retries.rs describes the numbers. */
export interface Retries {
  readonly batchSeconds: number;
  readonly clientPatienceSeconds: number;
  readonly firstPauseSeconds: number;
  readonly longestPauseSeconds: number;
  readonly maxReceiveCount: number;
  readonly survivedSeconds: number;
  readonly visibilityTimeoutSeconds: number;
}

export const RETRIES = JSON.parse(readFileSync(new URL('../../crates/pipeline/retries.json', import.meta.url), 'utf8')) as Retries;
