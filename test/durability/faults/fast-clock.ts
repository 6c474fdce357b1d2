// A time of its own that passes faster than the one on the wall, so that the waits of production cost a campaign next to
// nothing.
//
// It passes in steps, one for each turn of the event loop: a machine that is busy makes time pass more slowly, and a stream
// is silent only when it was listened to all the while.

import type { Clock } from "loophost";

/** A fast clock, and how many callbacks still wait on it. */
export interface FastClock extends Clock {
  readonly waiting: number;
}

/** How many milliseconds pass in one of the wall's, and how many at most in a step. */
const SPEED = 100;
const MAX_STEP_MS = 400;

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

let now = 0;
const timers = new Set<Timer>();
let isTicking = false;

/** Makes a clock; all of them show the same time. */
export function fastClock(): FastClock {
  const mine = new Set<Timer>();
  return {
    now: () => now,
    after(ms, callback) {
      if (ms === Number.POSITIVE_INFINITY) return () => undefined;
      const forget = () => {
        timers.delete(timer);
        mine.delete(timer);
      };
      const timer: Timer = {
        at: now + ms,
        callback: () => {
          forget();
          callback();
        },
      };
      timers.add(timer);
      mine.add(timer);
      if (!isTicking) tick(performance.now());
      return forget;
    },
    get waiting() {
      return mine.size;
    },
  };
}

/** Lets time pass as long as somebody waits. */
function tick(last: number): void {
  isTicking = timers.size > 0;
  if (!isTicking) return;
  setTimeout(() => {
    const wall = performance.now();
    now += Math.min((wall - last) * SPEED, MAX_STEP_MS);
    const due = [...timers].filter(({ at }) => at <= now).toSorted((a, b) => a.at - b.at);
    for (const timer of due) if (timers.has(timer)) timer.callback();
    tick(wall);
  }, 1);
}
