/**
 * Deadlines that are fair after a stall: when the process slept (a laptop's lid, SIGSTOP, a blocked event loop), timers fire
 * before the input that arrived in time is read, and what was answered long ago would be called a timeout.
 */

import type { Clock } from "../clock.ts";

/** A timer that fires this many milliseconds late was held up: the process slept or the event loop was blocked. */
const LATE_MS = 250;
/** How many milliseconds a late timer waits for input that has arrived already to be read. */
const LOOK_MS = 100;

/** Calls back after so many milliseconds; a timer that is late looks once at what has arrived before it judges. Returns what cancels it. */
export function deadline(clock: Clock, ms: number, callback: () => void): () => void {
  const due = clock.now() + ms;
  let cancel = clock.after(ms, () => {
    if (clock.now() - due < LATE_MS) callback();
    else cancel = clock.after(LOOK_MS, callback);
  });
  return () => cancel();
}
