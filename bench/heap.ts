/** The heap of a measuring process. */

import { median } from "./statistics.ts";

/** Parts in which the heap that is left behind is measured. */
const PASSES = 5;

/** The heap in use after everything that can be collected is. */
export async function usedHeap(): Promise<number> {
  const collect = globalThis.gc;
  if (collect === undefined) throw new Error("Run this with --expose-gc.");
  // Finalisers of one collection free what the next one finds.
  for (let round = 0; round < 4; round += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  return process.memoryUsage().heapUsed;
}

/**
 * The heap that each of many sessions leaves behind when it is over: the middle of several passes, because once in a
 * while the engine itself lets go of megabytes.
 */
export async function heapKept(
  sessions: number,
  converse: (sessions: number) => Promise<void>,
): Promise<number> {
  const left: number[] = [];
  for (let pass = 0, before = await usedHeap(); pass < PASSES; pass += 1) {
    await converse(sessions / PASSES);
    const after = await usedHeap();
    left.push((after - before) / (sessions / PASSES));
    before = after;
  }
  return median(left);
}
