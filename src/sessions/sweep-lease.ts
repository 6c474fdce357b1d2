/** Leader election for the sweep: a lease on a log of its own says which of many workers sweeps, so that the store is swept once. */

import type { Clock } from "../core/clock.ts";
import { hasCode } from "../core/errors.ts";
import type { LogStore } from "../core/store.ts";

/** The log that is claimed for it; nothing is ever written to it. No session may have its name: nobody could run it. */
export const SWEEP_LOG = "loophost.sweep";
/** A worker that hangs is replaced after so long; where the store knows that a process is gone, that one is at once. */
const LEASE_MS = 10_000;
const RENEW_MS = LEASE_MS / 3;

/** The wish of one worker to be the one that sweeps. */
export class SweepLease {
  readonly #log: LogStore;
  readonly #clock: Clock;
  #fence: number | undefined;
  #renewedAt = 0;

  constructor(log: LogStore, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Whether this worker is the one; becomes it where nobody is. */
  async isOurs(): Promise<boolean> {
    const now = this.#clock.now();
    if (this.#fence !== undefined && now - this.#renewedAt < RENEW_MS) return true;
    try {
      if (this.#fence === undefined)
        this.#fence = await this.#log.claim(SWEEP_LOG, { owner: "the sweep of a worker", ttlMs: LEASE_MS });
      else await this.#log.renew(SWEEP_LOG, this.#fence, LEASE_MS);
      this.#renewedAt = now;
      return true;
    } catch (thrown) {
      this.#fence = undefined;
      if (hasCode(thrown, "session_owned", "stale_owner")) return false;
      throw thrown;
    }
  }

  /** Lets another worker sweep. */
  async release(): Promise<void> {
    if (this.#fence !== undefined) await this.#log.release(SWEEP_LOG, this.#fence).catch(() => undefined);
    this.#fence = undefined;
  }
}
