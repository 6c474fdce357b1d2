/**
 * Watches whether the store of a worker can be written: one with nothing to do reads only, so a disk that is full or a database
 * that became read-only would go unnoticed, and one whose file was replaced reads the old one and finds nothing to do for ever.
 */

import { sleep } from "../../core/async/abort.ts";
import type { Clock } from "../../core/clock.ts";
import type { LoophostError } from "../../core/errors.ts";
import { toLoophostError } from "../../core/errors.ts";
import type { Store } from "../../core/store.ts";

const EVERY_MS = 5_000;

/** Writes nothing that matters to a store, to see that it can be. */
export function tryWrite({ records }: Store): Promise<void> {
  return records.delete("host.ready", "any");
}

/**
 * Tries the store every 5 s, and tells when it fails and when it is back.
 *
 * @param tell told in one line
 * @param signal ends it
 * @returns why the store can never be written again; undefined once the signal aborts
 */
export async function watchStore(
  store: Store,
  clock: Clock,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<LoophostError | undefined> {
  const every = () => sleep(EVERY_MS, clock, signal).catch(() => undefined);
  for (let isOut = false; ;) {
    await every();
    if (signal.aborted) return undefined;
    const error = await tryWrite(store).then(
      () => undefined,
      (thrown: unknown) => toLoophostError(thrown, "store_failed", "The store cannot be written"),
    );
    if (error?.mayRetry === false) return error;
    if (error !== undefined && !isOut) tell(`${error.message} It is tried again.`);
    if (error === undefined && isOut) tell("The store can be written again.");
    isOut = error !== undefined;
  }
}
