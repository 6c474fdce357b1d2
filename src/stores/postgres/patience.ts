/** Backoff: how long, and how often, work is retried while the database is out of reach. */

import { setTimeout } from "node:timers/promises";

const FIRST_PAUSE_MS = 20;
const MAX_PAUSE_MS = 500;

/** The retries of one piece of work: pauses that grow, until the time is over. */
export class Patience {
  readonly #maxWaitMs: number;
  #giveUpAt: number | undefined;
  #pauseMs = FIRST_PAUSE_MS;

  /** @param maxWaitMs counted from the first failure */
  constructor(maxWaitMs: number) {
    this.#maxWaitMs = maxWaitMs;
  }

  /** Pauses before the next attempt; rethrows when there is no more time. */
  async pause(thrown: unknown): Promise<void> {
    this.#giveUpAt ??= performance.now() + this.#maxWaitMs;
    if (performance.now() + this.#pauseMs > this.#giveUpAt) throw thrown;
    // Jitter, so that all that lost the database together do not come back together (thundering herd).
    await setTimeout(this.#pauseMs * (0.5 + Math.random() / 2));
    this.#pauseMs = Math.min(2 * this.#pauseMs, MAX_PAUSE_MS);
  }
}
