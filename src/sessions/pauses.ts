/**
 * Sessions that the sweep leaves alone for a while: back-off of those that could not be run or that others have, and those with
 * nothing to do. Pauses that are over are forgotten: kept, they would be a leak of one entry for each session that ever parked.
 */

import type { Clock } from "../core/clock.ts";
import type { InLine } from "./inbox.ts";

/** What a session is left alone for. */
export interface Pause {
  /** "tried again": nobody runs it before its time. "woken": who posts to it wakes it all the same. */
  readonly until: "tried again" | "woken";
  readonly ms: number;
  /** How often in a row it could not be run. */
  readonly failures: number;
  /** Of one that found no place among those at work: whose it is. */
  readonly withoutPlace?: { readonly tenant: string } | undefined;
  /** Of one that waits for a decision: the messages behind that. */
  readonly inLine?: InLine | undefined;
}

/** A pause that is over is known for so long, so that the next try can count it. */
const REMEMBER_MS = 60_000;

const MIN_QUIET_MS = 100;
const MAX_QUIET_MS = 5_000;

/** The pauses of one worker. */
export class Pauses {
  readonly #clock: Clock;
  /** In the order they began. */
  readonly #pauses = new Map<string, Pause & { readonly at: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A session is left alone from now on. */
  begin(id: string, pause: Pause): void {
    this.#pauses.delete(id);
    const now = this.#clock.now();
    for (const [oldest, { at }] of this.#pauses) {
      if (now < at + REMEMBER_MS) break;
      this.#pauses.delete(oldest);
    }
    this.#pauses.set(id, { ...pause, at: now + pause.ms });
  }

  /** Forgets the pause of a session. */
  end(id: string): void {
    this.#pauses.delete(id);
  }

  /** How long a session is still left alone, in milliseconds; with `until` only by such a pause. */
  leftMs(id: string, until?: Pause["until"]): number {
    const pause = this.#pauses.get(id);
    if (pause === undefined || (until !== undefined && pause.until !== until)) return 0;
    return Math.max(0, pause.at - this.#clock.now());
  }

  /**
   * How long a session with nothing to do is left alone, in milliseconds. The more there are the longer: each costs two reads when
   * its time is over, and until then a decision that another process posts is not seen without a bus.
   */
  get quietMs(): number {
    return Math.min(MAX_QUIET_MS, MIN_QUIET_MS + 2 * this.#pauses.size);
  }

  /** The last pause of a session, over or not, as long as it is remembered. */
  last(id: string): Pause | undefined {
    return this.#pauses.get(id);
  }
}
