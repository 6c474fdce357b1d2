/** Waiting for news of a session: until the bus tells of it, somebody says so, or it is time to look by ourselves. */

import { onAbort } from "../core/async/abort.ts";
import type { Bus } from "../core/bus.ts";
import type { Clock } from "../core/clock.ts";
import type { Word } from "./words.ts";
import { heard } from "./words.ts";

/** Hears of one session. What comes while nobody waits is not missed. */
export class Looks {
  readonly #clock: Clock;
  readonly #pollMs: number | undefined;
  readonly #unlisten: () => void;
  #isDue = false;
  #isWoken = false;
  #resolve: () => void = () => undefined;

  constructor(
    id: string,
    parts: {
      readonly bus: Bus;
      readonly clock: Clock;
      readonly pollMs: number | undefined;
      /** Whether it is we who write its log, so that writes are no news. */
      readonly isOwner?: boolean | undefined;
    },
    hear: (word: Word) => void = () => undefined,
  ) {
    this.#clock = parts.clock;
    this.#pollMs = parts.pollMs;
    this.#unlisten = parts.bus.listen(id, (what) => {
      const word = heard(what);
      if (word === undefined) return;
      hear(word);
      if (word.say === "look" && !(parts.isOwner === true && word.written === true)) this.now();
    });
  }

  /** There is something to look at. */
  now(): void {
    this.#isDue = true;
    this.#resolve();
  }

  /** Ends the wait, with nothing to look at in the store. */
  wake(): void {
    this.#isWoken = true;
    this.#resolve();
  }

  /** Waits for news, or until the signal aborts; tells whether it is time to look into the store. */
  async next(signal: AbortSignal | undefined): Promise<boolean> {
    if (!this.#isDue && !this.#isWoken && signal?.aborted !== true) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#resolve = resolve;
      const cancel =
        this.#pollMs === undefined ? undefined : this.#clock.after(this.#pollMs, () => this.now());
      const unlink = onAbort([signal], () => resolve());
      await promise;
      cancel?.();
      unlink();
    }
    const isDue = this.#isDue;
    this.#isDue = this.#isWoken = false;
    return isDue;
  }

  close(): void {
    this.#unlisten();
  }
}
