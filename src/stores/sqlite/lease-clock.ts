/**
 * Clock jumps: the wall clock, which all processes of a machine share, may be set, or go on without them while the machine sleeps. Its
 * leases would all be over at once, and sessions taken from workers that live and are about to renew them.
 */

/** What leases in a file go by. */
export interface LeaseClock {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** How long ago the clock was seen to have jumped, in milliseconds. */
  readonly sinceJumpMs: () => number;
}

/** Less costs nobody a lease; it is what a clock is corrected by. */
const MAX_DRIFT_MS = 2_000;

/** The clock of the machine: one that runs evenly (monotonic) says when the other jumped. */
export function machineClock(): LeaseClock {
  let known = offset();
  let jumpedAt = -Infinity;
  return {
    now: () => Date.now(),
    sinceJumpMs() {
      if (Math.abs(offset() - known) > MAX_DRIFT_MS) [known, jumpedAt] = [offset(), performance.now()];
      return performance.now() - jumpedAt;
    },
  };
}

/** A clock that is given: what it says holds. */
export function givenClock(now: () => number): LeaseClock {
  return { now, sinceJumpMs: () => Infinity };
}

function offset(): number {
  return Date.now() - performance.now();
}
