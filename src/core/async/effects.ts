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

  /**
   * Tracks an effect that was started; one that fails is reported, and never an unhandled rejection.
   *
   * @param underWay undefined where there is nothing to wait for
   * @param mayHang for one that waits for code of the user's, which may never answer: `settle` does not wait for it
   */
  track(underWay: Promise<unknown> | undefined, mayHang: boolean = false): void {
    if (underWay === undefined) return;
    if (!mayHang) this.#underWay.add(underWay);
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
    // Also for what starts meanwhile: a write begun after the journal was closed would be refused, and fail `close()`.
    const settled = async () => {
      while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
    };
    if (this.#underWay.size > 0) await waitAtMost(withinMs, clock, settled());
  }
}
