/** The elapsed time of a run across processes, from the journal: without it every crash would restart the run's timeout. */

import type { OpenRunRecord } from "./entry.ts";

/** How long a run has been under way, in milliseconds; the time it waited for somebody between two processes is not counted. */
export function elapsedOf({ elapsedMs, since }: OpenRunRecord, now: number): number {
  // A clock that was set back must not make it negative.
  return elapsedMs + (since === undefined ? 0 : Math.max(0, now - since));
}
