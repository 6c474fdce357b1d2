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
  /** Contract: durable once it resolves; an activation that begins after it sees all that was posted before. Repeats are harmless. */
  wake(id: string, how?: Wake): Promise<void>;
  /**
   * Contract: at most one activation per session at a time, as far as the engine can know. A session whose worker is
   * lost is activated again elsewhere. A second activation of a session that is active in this process joins the first.
   */
  work(host: ActivationHost): Promise<EngineWorker>;
  /** Releases connections and timers; what was woken stays woken. */
  close(): Promise<void>;
}

/** How a session is woken. */
export interface Wake {
  /** When; a later wake may move it. Default: now. */
  readonly at?: Date | undefined;
  /** Whose the session is: an engine with a queue of its own lets tenants take turns. */
  readonly tenant?: string | undefined;
  /**
   * Idempotency key: a wake may come to nothing while an activation has not ended that the same key led to. So it has to be one
   * that this activation does the work of, or that is sent again. Default: none; an activation begins after the wake.
   */
  readonly key?: string | undefined;
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
