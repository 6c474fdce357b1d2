/** The index of stored sessions: one small record each, so that listing ten thousand reads no log. */

import type { RecordWrite } from "../store.ts";
import type { JournalEntry } from "./entry.ts";
import type { StoredFacts } from "./recorded.ts";

/** A stored session at a glance. */
export interface SessionSummary {
  readonly sessionId: string;
  readonly agent: string;
  /** The loop host's provider; empty for a session that was created and has not been run yet. */
  readonly provider: string;
  /** "running" also when its process died: the log says no more than that the run has not ended. */
  readonly status: "running" | "waiting" | "idle" | "failed";
  readonly runs: number;
  /** The calls that wait for somebody. */
  readonly waiting: readonly string[];
  /** Of those, the ones that were decided before and are asked about again: how many times. */
  readonly decidedBefore?: Readonly<Record<string, number>> | undefined;
  /** The tenant the application named. */
  readonly tenant?: string | undefined;
  /** When the record was last written, in epoch milliseconds. */
  readonly updatedAt: number;
}

/** The collection of records the index is kept in, by session id. */
export const SESSIONS = "sessions";

/** The collection of records that snapshots are kept in, by session id. */
export const SNAPSHOTS = "snapshots";

/**
 * Collections of the sessions that the application created, by status: a sweep reads only the status it needs, not a
 * million sessions.
 */
export const BY_STATUS = {
  running: "sessions.running",
  waiting: "sessions.waiting",
  failed: "sessions.failed",
} as const;

/** What the index says of one session. */
export class SessionIndex {
  readonly #sessionId: string;
  /** The status that was written last; undefined before the first write of this process. */
  #status: SessionSummary["status"] | undefined;

  constructor(sessionId: string) {
    this.#sessionId = sessionId;
  }

  /** What has to be written along with some entries; nothing when they change nothing in the index. */
  after(written: readonly JournalEntry[], recorded: StoredFacts): readonly RecordWrite[] {
    const status = statusAfter(written, recorded);
    const agent = recorded.opened?.agent ?? recorded.created?.agent;
    if (status === undefined || agent === undefined) return [];
    const provider = recorded.opened?.provider ?? "";
    const { runs, waiting, created } = recorded;
    const value = {
      sessionId: this.#sessionId,
      agent,
      provider,
      status,
      runs,
      waiting,
      ...decidedBefore(recorded),
      ...(created?.tenant === undefined ? {} : { tenant: created.tenant }),
      updatedAt: Date.now(),
    };
    const sets = created === undefined ? [] : this.#sets(status);
    this.#status = status;
    return [{ collection: SESSIONS, key: this.#sessionId, value }, ...sets];
  }

  #sets(status: SessionSummary["status"]): readonly RecordWrite[] {
    const key = this.#sessionId;
    if (status === this.#status) return [];
    return Object.entries(BY_STATUS).flatMap(([name, collection]): readonly RecordWrite[] => {
      if (name === status) return [{ collection, key, value: true }];
      return this.#status === undefined || this.#status === name ? [{ collection, key }] : [];
    });
  }
}

function decidedBefore({ waiting, decisions }: StoredFacts): Pick<SessionSummary, "decidedBefore"> {
  const again = waiting.flatMap((id) => {
    const times = decisions.get(id)?.times;
    return times === undefined ? [] : [[id, times] as const];
  });
  return again.length === 0 ? {} : { decidedBefore: Object.fromEntries(again) };
}

function statusAfter(
  written: readonly JournalEntry[],
  recorded: StoredFacts,
): SessionSummary["status"] | undefined {
  const last = written.findLast(({ type }) => STATUS_AFTER[type] !== undefined);
  if (last === undefined) return undefined;
  const isBetweenRuns = last.type === "decided" && recorded.run === undefined;
  const after = isBetweenRuns ? "idle" : STATUS_AFTER[last.type];
  // A run that ended for somebody to decide leaves its session waiting.
  return after !== undefined && after !== "failed" && recorded.waiting.length > 0 ? "waiting" : after;
}

const STATUS_AFTER: Partial<Record<JournalEntry["type"], SessionSummary["status"]>> = {
  "session.created": "idle",
  "session.opened": "idle",
  "run.started": "running",
  "run.resumed": "running",
  "run.waiting": "waiting",
  decided: "running",
  "run.ended": "idle",
  "run.failed": "failed",
};
