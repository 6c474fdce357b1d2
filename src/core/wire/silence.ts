/**
 * A watchdog (idle timeout) for a reply that is being read: a connection can stay open without ever sending another
 * byte.
 */

import type { Clock } from "../clock.ts";

/** After the last event, wait this long for the end of the stream, so that its connection goes back to the pool. */
const LINGER_MS = 500;

/** The watchdog of one reply. */
export interface SilenceWatch {
  /** Something came over the wire. */
  readonly heard: () => void;
  /** The reply is complete: from now on only the end of the stream is waited for, and briefly. */
  readonly over: () => void;
  /** The reply was read, or given up. */
  readonly end: () => void;
}

/**
 * Calls `stop` after a silence of `maxSilentMs`, or soon after the reply is complete.
 *
 * It has one timer, which rings early the first time, because most exchanges are over by then: setting another one at
 * every end cost more than reading a short reply. Hearing something costs a look at the clock.
 */
export function watchSilence(clock: Clock, maxSilentMs: number, stop: () => void): SilenceWatch {
  let heardAt = clock.now();
  let isOver = false;
  let hasRung = false;
  let cancel = clock.after(Math.min(LINGER_MS, maxSilentMs), ring);
  function ring(): void {
    hasRung = true;
    const leftMs = isOver ? 0 : heardAt + maxSilentMs - clock.now();
    if (leftMs > 0) cancel = clock.after(leftMs, ring);
    else stop();
  }
  return {
    heard: () => void (heardAt = clock.now()),
    over() {
      isOver = true;
      if (!hasRung) return;
      cancel();
      cancel = clock.after(LINGER_MS, ring);
    },
    end: () => cancel(),
  };
}
