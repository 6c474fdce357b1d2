/** A clock set by hand: time passes only when a test says so. */

import type { Clock } from "../core/clock.ts";

/** A clock whose time is moved by `advance`. */
export interface ManualClock extends Clock {
  /** Moves time on, calling back what is due, in order, and lets promises settle after each. */
  advance(ms: number): Promise<void>;
  /** How many callbacks wait: zero when everything that was started has been cleaned up. */
  readonly waiting: number;
}

/** Makes a clock that stands at 0. */
export function manualClock(): ManualClock {
  let now = 0;
  const timers = new Set<{ readonly at: number; readonly callback: () => void }>();
  return {
    now: () => now,
    after(ms, callback) {
      const timer = { at: now + ms, callback };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    async advance(ms) {
      const until = now + ms;
      for (;;) {
        await settleMicrotasks();
        const due = [...timers].filter((timer) => timer.at <= until).toSorted((a, b) => a.at - b.at)[0];
        if (due === undefined) break;
        timers.delete(due);
        now = Math.max(now, due.at);
        due.callback();
      }
      now = until;
      await settleMicrotasks();
    },
    get waiting() {
      return timers.size;
    },
  };
}

/** Lets everything that is ready to run do so: two rounds through the event loop. */
export async function settleMicrotasks(): Promise<void> {
  for (let round = 0; round < 2; round += 1) await new Promise((resolve) => setTimeout(resolve, 0));
}
