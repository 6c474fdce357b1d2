/**
 * The engine port: where and when sessions run. An engine decides nothing about a session: what is asked of it stands in
 * its inbox, what was done in its log, and an engine that lost everything it knew lost no session.
 */

/** Wakes sessions, and lets workers run them. */
export interface Engine {
  /**
   * Contract: durable once it resolves; an activation that begins after it sees all that was posted before. Repeats are
   * harmless. With `at` the session is woken then, which may be moved by the next wake.
   */
  wake(id: string, when?: { readonly at: Date }): Promise<void>;
  /**
   * Contract: one activation per session at a time, as far as it can know; one whose worker is lost is begun again
   * elsewhere. An attempt for a session at work in this process joins that one.
   */
  work(host: ActivationHost): Promise<EngineWorker>;
  /** Releases connections and timers; what was woken stays woken. */
  close(): Promise<void>;
}

/** A worker that takes sessions from an engine. */
export interface EngineWorker {
  /** Takes no more sessions, waits for those at work until `graceMs` milliseconds are over, and lets go. */
  drain(options: { readonly graceMs: number }): Promise<void>;
}

/** Runs sessions for an engine. */
export interface ActivationHost {
  /** Runs a session until it rests. Never rejects. */
  activate(id: string): Promise<Rest>;
}

/** How a session rests: parked until it is woken, or to be run again, here or elsewhere, after so many milliseconds. */
export type Rest =
  | { readonly now: "parked"; readonly wakeAt?: Date | undefined }
  | { readonly now: "again"; readonly afterMs: number };
