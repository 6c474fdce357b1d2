/** Cancellation by AbortSignal. Whoever links a signal unlinks it: a long-lived signal must not collect listeners. */

import type { Clock } from "../clock.ts";

/**
 * Calls back when any of the signals aborts, at once if one already has.
 *
 * @returns a function that removes the listeners: a signal that outlives many calls would leak them
 */
export function onAbort(
  signals: readonly (AbortSignal | undefined)[],
  callback: (reason: unknown) => unknown,
): () => void {
  function listener(this: AbortSignal): void {
    callback(this.reason);
  }
  for (const signal of signals) {
    if (signal?.aborted === true) callback(signal.reason);
    else signal?.addEventListener("abort", listener);
  }
  return () => {
    for (const signal of signals) signal?.removeEventListener("abort", listener);
  };
}

/** Waits so many milliseconds; rejects with the signal's reason as soon as it aborts. */
export function sleep(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => {
      unlink();
      resolve();
    });
    const unlink = onAbort([signal], (reason) => {
      cancel();
      reject(reason);
    });
  });
}

/** Waits for some work, but no longer than so many milliseconds: work that hangs would keep its shutdown waiting for ever. */
export async function waitAtMost(ms: number, clock: Clock, work: Promise<unknown>): Promise<void> {
  const enough = new AbortController();
  const patience = sleep(ms, clock, enough.signal).catch(() => undefined);
  await Promise.race([work, patience]);
  enough.abort();
}
