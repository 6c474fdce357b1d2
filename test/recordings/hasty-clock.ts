// A clock that hurries: waits take a fraction of their time, and it can be put forward.

import type { Clock } from "loophost";
import { manualClock } from "loophost/testing";

/** A clock that runs by itself. */
export interface HastyClock extends Clock, Disposable {
  /** Puts the clock forward; resolves once what was due by then has been called back. */
  skip(ms: number): Promise<void>;
}

/** Starts a clock. */
export function hastyClock(): HastyClock {
  const clock = manualClock();
  let isStopped = false;
  let moving: Promise<void> = Promise.resolve();
  const move = (ms: number): Promise<void> => {
    moving = moving.then(() => clock.advance(ms));
    return moving;
  };
  const run = (): Promise<void> => (isStopped ? moving : move(500).then(run));
  run().catch(() => undefined);
  return {
    now: () => clock.now(),
    after: (ms, callback) => clock.after(ms, callback),
    skip: move,
    [Symbol.dispose]() {
      isStopped = true;
    },
  };
}
