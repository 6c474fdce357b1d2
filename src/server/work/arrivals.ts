/** Waiting until something new may be there, for a while. */

import { onAbort } from "../../core/async/abort.ts";
import type { Clock } from "../../core/clock.ts";

/** Says that something arrived to everybody who waits for it. */
export class Arrivals {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();
  #count = 0;
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How often something arrived; noted before one looks, it shows what came meanwhile. */
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
