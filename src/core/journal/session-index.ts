/** The index of stored sessions: one small record each, so that listing ten thousand reads no log. */

import type { RecordWrite } from "../store.ts";
import type { JournalEntry } from "./entry.ts";
import type { StoredFacts } from "./recorded.ts";

/** A stored session at a glance. */
export interface SessionSummary {
  readonly sessionId: string;
  readonly agent: string;
  readonly provider: string;
  /** "running" also when its process died: the log says no more than that the run has not ended. */
  readonly status: "running" | "waiting" | "idle" | "failed";
  readonly runs: number;
  /** The calls that wait for somebody. */
  readonly waiting: readonly string[];
  /** When the record was last written, in epoch milliseconds. */
  readonly updatedAt: number;
}

/** The collection of records the index is kept in, by session id. */
export const SESSIONS = "sessions";

/** The collection of records that snapshots are kept in, by session id. */
export const SNAPSHOTS = "snapshots";

/** What the index has to say after some entries, to be written along with them; nothing when they change nothing in it. */
export function indexAfter(
  sessionId: string,
  written: readonly JournalEntry[],
  recorded: StoredFacts,
): readonly RecordWrite[] {
  const last = written.findLast(({ type }) => STATUS_AFTER[type] !== undefined);
  if (last === undefined) return [];
  const isBetweenRuns = last.type === "decided" && recorded.run === undefined;
  const after = isBetweenRuns ? "idle" : STATUS_AFTER[last.type];
  // A run that ended for somebody to decide leaves its session waiting.
  const status = after !== undefined && after !== "failed" && recorded.waiting.length > 0 ? "waiting" : after;
  if (status === undefined || recorded.opened === undefined) return [];
  const { agent, provider } = recorded.opened;
  const { runs, waiting } = recorded;
  const value = { sessionId, agent, provider, status, runs, waiting, updatedAt: Date.now() };
  return [{ collection: SESSIONS, key: sessionId, value }];
}

const STATUS_AFTER: Partial<Record<JournalEntry["type"], SessionSummary["status"]>> = {
  "session.opened": "idle",
  "run.started": "running",
  "run.waiting": "waiting",
  decided: "running",
  "run.ended": "idle",
  "run.failed": "failed",
};
