/** A run as its caller sees it: a feed of events, and the result they add up to. Both settle on every path. */

import type { SessionEvent } from "./events.ts";
import type { SessionResult } from "./results.ts";

/**
 * One run of a session.
 *
 * Iterating gives the run's events. `break` stops reading, not the run; iterating again continues with the next unread event. When the run fails,
 * the iterator throws the error after the events before it.
 */
export interface Run<Output = unknown> extends AsyncIterable<SessionEvent> {
  /** Such as `run_3`, once in the session; `run_0` for one that leaves nothing on record, such as a resume that finds nothing open. */
  readonly id: string;
  /**
   * Resolves when the host reached a terminal, whichever it is; with a store, once that is durable.
   *
   * @throws LoophostError for everything else, with the partial `result` on it
   */
  result(): Promise<SessionResult<Output>>;
}

/** Which events a result keeps: whole ones, those and the deltas, or none. */
export type KeepEvents = "whole" | "all" | "none";
