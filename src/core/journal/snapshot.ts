/**
 * Snapshots: what is recorded of a session, as one record beside its log, so that opening a long session does not read
 * its whole past. A snapshot is written in the transaction of the last entry it covers; the log stays what counts.
 */

import type { Json } from "../json.ts";
import { isObject } from "../json.ts";
import type { RecordWrite, Store } from "../store.ts";
import type { OpenRunRecord } from "./entry.ts";
import { FOLD } from "./entry.ts";
import type { StoredFacts } from "./recorded.ts";
import { SNAPSHOTS } from "./session-index.ts";

/**
 * Entries that are read after a snapshot, at most, or more where the snapshot is large: the cost of snapshots per entry
 * is bounded.
 */
const ENTRIES = 1_000;
const CHARS_PER_ENTRY = 1_000;
const MAX_CHARS = 16_000_000;
/** Calls that are remembered once the host has their results, at least. */
const CALLS = 5_000;

/** When the next snapshot of a log is due, and what is in it. */
export class Snapshots {
  readonly #sessionId: string;
  #dueAt = ENTRIES;

  constructor(sessionId: string) {
    this.#sessionId = sessionId;
  }

  /** Restores what the last snapshot holds, and gives the number of the last entry it covers; 0 without one. */
  async restore(store: Store, facts: StoredFacts): Promise<number> {
    const found = await store.records.get(SNAPSHOTS, this.#sessionId);
    const { fold, seq: at, text } = isObject(found) ? found : {};
    if (fold !== FOLD || typeof text !== "string") return 0;
    const seq = Number(at);
    // A stale snapshot: the log was deleted and started again, so it has no entry of this number.
    if ((await store.log.read(this.#sessionId, seq - 1, 1)).length === 0) return 0;
    Object.assign(facts, fromText(text));
    this.#dueAt = seq + distanceAfter(text);
    return seq;
  }

  /** The snapshot to write along with the entry of this number; none when it is not due. */
  after(seq: number, facts: StoredFacts): readonly RecordWrite[] {
    if (seq < this.#dueAt) return [];
    forgetOld(facts);
    const text = toText(facts);
    this.#dueAt = seq + distanceAfter(text);
    if (text.length > MAX_CHARS) return [];
    const value: Json = { fold: FOLD, seq, text };
    return [{ collection: SNAPSHOTS, key: this.#sessionId, value }];
  }
}

/**
 * Forgets all but the last calls whose results the host has: a session of a million events would parse hundreds of thousands of
 * them each time it is opened. A turn has 1,000 calls at most, so no host tells those again.
 */
function forgetOld({ calls, decisions }: StoredFacts): void {
  for (const [id, { state }] of [...calls].slice(0, -CALLS))
    if (state === "posted" && calls.delete(id)) decisions.delete(id);
}

function distanceAfter(text: string): number {
  return Math.max(ENTRIES, Math.ceil(text.length / CHARS_PER_ENTRY));
}

function toText(facts: StoredFacts): string {
  const { calls, decisions, told, run, ended, ...rest } = facts;
  return JSON.stringify({
    ...rest,
    calls: [...calls],
    decisions: [...decisions],
    told: [...told],
    run: listed(run),
    ended: listed(ended),
  });
}

function listed(run: OpenRunRecord | undefined): KeptRun | undefined {
  return run && { ...run, toolCalls: [...run.toolCalls] };
}

function fromText(text: string): Partial<StoredFacts> {
  // oxlint-disable-next-line no-unsafe-type-assertion -- a parse boundary: `toText` alone writes it, and `FOLD` says how
  const { calls, decisions, told, run, ended, ...rest } = JSON.parse(text) as Kept;
  return {
    ...rest,
    calls: new Map(calls),
    decisions: new Map(decisions),
    told: new Set(told),
    run: run && { ...run, toolCalls: new Map(run.toolCalls) },
    ended: ended && { ...ended, toolCalls: new Map(ended.toolCalls) },
  };
}

type Pairs<T> = T extends ReadonlyMap<infer Key, infer Value> ? [Key, Value][] : never;
type KeptRun = Omit<OpenRunRecord, "toolCalls"> & { readonly toolCalls: Pairs<OpenRunRecord["toolCalls"]> };
type Kept = Omit<StoredFacts, "calls" | "decisions" | "told" | "run" | "ended" | "apply"> & {
  readonly calls: Pairs<StoredFacts["calls"]>;
  readonly decisions: Pairs<StoredFacts["decisions"]>;
  readonly told: readonly string[];
  readonly run?: KeptRun;
  readonly ended?: KeptRun;
};
