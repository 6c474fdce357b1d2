/** Work that is given up after a while, or when its caller gives up, also when it heeds no signal: a wait without a deadline hangs. */

import { onAbort } from "../core/async/abort.ts";
import { deadline } from "../core/async/deadline.ts";
import type { Clock } from "../core/clock.ts";
import type { LoophostError } from "../core/errors.ts";
import { toLoophostError } from "../core/errors.ts";

/** How long work may take. */
export interface Bounds {
  readonly clock: Clock;
  readonly ms: number;
  /** The error when it takes longer. */
  readonly late: LoophostError;
  readonly signal?: AbortSignal | undefined;
}

/** Does work within bounds; rejects with their error, or with `aborted`. */
export async function within<T>(
  { clock, ms, late, signal }: Bounds,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  const cancel = deadline(clock, ms, () => stop.abort(late));
  const unlink = onAbort([signal], (reason) =>
    stop.abort(toLoophostError(reason, "aborted", "It was given up")),
  );
  try {
    return await new Promise<T>((resolve, reject) => {
      onAbort([stop.signal], reject);
      if (!stop.signal.aborted) (async () => work(stop.signal))().then(resolve, reject);
    });
  } finally {
    cancel();
    unlink();
  }
}
