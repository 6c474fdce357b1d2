/** Time as a value, so that tests set it by hand. */

/** Where the loop gets its time from. */
export interface Clock {
  /** Milliseconds since some fixed moment; only differences mean anything. */
  now(): number;
  /** Calls back once after so many milliseconds, unless the returned function is called before. */
  after(ms: number, callback: () => void): () => void;
}

/** The longest wait a timer of Node's holds, 24 days: a longer one would fire at once. */
export const MAX_TIMER_MS: number = 2 ** 31 - 1;

/** The system clock. A wait that is too long for a timer, such as `Infinity`, never ends. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, callback) {
    if (ms > MAX_TIMER_MS) return () => undefined;
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};
