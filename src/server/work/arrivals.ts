/** Long polling: waits until something new may be there, with a timeout. */

import { onAbort } from "../../core/async/abort.ts";
import type { Clock } from "../../core/clock.ts";

/** Wakes all that wait. */
export class Arrivals {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();
  #count = 0;
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts arrivals. Race: noted before looking, it shows what arrived meanwhile. */
  get count(): number {
    return this.#count;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Something arrived. */
  say(): void {
    this.#count += 1;
    for (const done of this.#waiting) done();
  }

  /** Resolves with the next arrival after those counted, after so many milliseconds, or when the signal aborts. */
  async next(counted: number, ms: number, signal: AbortSignal): Promise<void> {
    if (counted !== this.#count || signal.aborted || this.#isClosed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    const cancel = this.#clock.after(ms, resolve);
    const unlink = onAbort([signal], () => resolve());
    await promise;
    cancel();
    unlink();
    this.#waiting.delete(resolve);
  }

  /** Nothing will arrive any more. */
  close(): void {
    this.#isClosed = true;
    this.say();
  }
}
