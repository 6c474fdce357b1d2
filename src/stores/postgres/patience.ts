/** How long, and how often, something is tried again while the database is out of reach. */

import { setTimeout } from "node:timers/promises";

const FIRST_PAUSE_MS = 20;
const MAX_PAUSE_MS = 500;

/** The patience with one piece of work: pauses that grow, until the time is over. */
export class Patience {
  readonly #maxWaitMs: number;
  #giveUpAt: number | undefined;
  #pauseMs = FIRST_PAUSE_MS;

  /** @param maxWaitMs counted from the first failure */
  constructor(maxWaitMs: number) {
    this.#maxWaitMs = maxWaitMs;
  }

  /** Waits before the next try; throws what was thrown when there is no more time. */
  async pause(thrown: unknown): Promise<void> {
    this.#giveUpAt ??= performance.now() + this.#maxWaitMs;
    if (performance.now() + this.#pauseMs > this.#giveUpAt) throw thrown;
    // At random, so that all who lost the database together do not come back together.
    await setTimeout(this.#pauseMs * (0.5 + Math.random() / 2));
    this.#pauseMs = Math.min(2 * this.#pauseMs, MAX_PAUSE_MS);
  }
}
