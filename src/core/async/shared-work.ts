/**
 * Work shared by concurrent callers (deduplicated): done once, and cancelled only when no caller waits for it any more.
 */

import { onAbort } from "./abort.ts";

/** One piece of shared work. */
export class SharedWork<T> {
  readonly #stopping = new AbortController();
  readonly #result: Promise<T>;
  #waiting = 0;

  constructor(work: (signal: AbortSignal) => Promise<T>) {
    this.#result = work(this.#stopping.signal);
    // Each caller that waits gets the rejection; with no caller left it would be an unhandled rejection.
    this.#result.catch(() => undefined);
  }

  /** Whether it was cancelled, because no caller waits any more. */
  get isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Waits for the result. The abort of one caller does not fail the others; that of the last one stops the work. */
  join(signal: AbortSignal): Promise<T> {
    this.#waiting += 1;
    return new Promise<T>((resolve, reject) => {
      let isWaiting = true;
      const leave = () => {
        if (isWaiting) this.#waiting -= 1;
        isWaiting = false;
      };
      const unlink = onAbort([signal], (reason) => {
        leave();
        reject(reason);
        if (this.#waiting === 0) this.#stopping.abort(reason);
      });
      this.#result
        .finally(() => {
          leave();
          unlink();
        })
        .then(resolve, reject);
    });
  }
}
