/** Tracks pending promises that synchronous code started, so that none is an unhandled rejection and `close()` can wait for all. */

import type { Clock } from "../clock.ts";
import { waitAtMost } from "./abort.ts";

/** Effects under way. */
export class Effects {
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #onFailure: (thrown: unknown) => void;

  constructor(onFailure: (thrown: unknown) => void) {
    this.#onFailure = onFailure;
  }

  /** Starts an effect; one that fails is reported, and never an unhandled rejection. */
  start(effect: () => Promise<unknown>): void {
    const underWay = effect();
    this.#underWay.add(underWay);
    underWay.then(
      () => this.#underWay.delete(underWay),
      (thrown: unknown) => {
        this.#underWay.delete(underWay);
        this.#onFailure(thrown);
      },
    );
  }

  /** Waits for what is under way, but no longer than so many milliseconds. */
  async settle(withinMs: number, clock: Clock): Promise<void> {
    if (this.#underWay.size === 0) return;
    await waitAtMost(withinMs, clock, Promise.allSettled(this.#underWay));
  }
}
