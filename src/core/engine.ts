/**
 * The engine port (scheduling): where and when sessions run. An engine holds no state of a session: requests are in its
 * inbox and what was done is in its log, so an engine that loses all its own data loses no session.
 */

/** Wakes sessions, and lets workers run them. */
export interface Engine {
  /**
   * Whether a wake reaches the workers of all processes. Of those that share such an engine one looks for sessions that nobody
   * woke; where it is false, the default, each worker looks into the store for itself.
   */
  readonly isShared?: boolean | undefined;
  /**
   * Contract: durable once it resolves; an activation that begins after it sees all that was posted before. Repeats are
   * harmless. With `at` the session is woken then, which may be moved by the next wake. An engine with a queue of its own lets
   * tenants take turns, where the session's is named.
   */
  wake(id: string, when?: { readonly at: Date }, tenant?: string): Promise<void>;
  /**
   * Contract: at most one activation per session at a time, as far as the engine can know. A session whose worker is
   * lost is activated again elsewhere. A second activation of a session that is active in this process joins the first.
   */
  work(host: ActivationHost): Promise<EngineWorker>;
  /** Releases connections and timers; what was woken stays woken. */
  close(): Promise<void>;
}

/** A worker that takes sessions from an engine. */
export interface EngineWorker {
  /** Drains: takes no more sessions, waits up to `graceMs` milliseconds for the active ones, then releases them. */
  drain(options: { readonly graceMs: number }): Promise<void>;
}

/** Runs sessions for an engine. */
export interface ActivationHost {
  /** Runs a session until it rests. Never rejects. */
  activate(id: string): Promise<Rest>;
}

/**
 * How an activation ended: parked until the session is woken, or to be run again after so many milliseconds.
 * `elsewhere`: this worker could not run it, for want of its store or of the agent, and another may.
 */
export type Rest =
  | { readonly now: "parked"; readonly wakeAt?: Date | undefined }
  | { readonly now: "again"; readonly afterMs: number; readonly elsewhere?: boolean | undefined };
