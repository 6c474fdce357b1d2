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
    const { runs, waiting, created, opened } = recorded;
    const agent = (opened ?? created)?.agent;
    if (status === undefined || agent === undefined) return [];
    const value = {
      sessionId: this.#sessionId,
      agent,
      provider: opened?.provider ?? "",
      status,
      runs,
      waiting,
      ...decidedBefore(recorded),
      ...(created?.tenant !== undefined && { tenant: created.tenant }),
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
  const { run, waiting } = recorded;
  // What a tool gave, its run goes on with by itself; what somebody answered is what it is to go on for.
  const type = written.findLast(
    (entry) => TELLING.has(entry.type) && (entry.type !== "call.finished" || "item" in entry),
  )?.type;
  if (type === undefined) return undefined;
  if (type === "run.failed") return "failed";
  // One call that waits keeps no run from going on with another: its process may die over that, and is to be replaced.
  if (run !== undefined) return type === "run.waiting" ? "waiting" : "running";
  return waiting.length > 0 ? "waiting" : "idle";
}

/** Entries after which a session may have another status. */
const TELLING: ReadonlySet<string> = new Set<JournalEntry["type"]>([
  "session.created",
  "session.opened",
  "run.started",
  "run.resumed",
  "run.waiting",
  "decided",
  "call.finished",
  "run.ended",
  "run.failed",
]);
