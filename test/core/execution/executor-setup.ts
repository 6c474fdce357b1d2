// What the tests of the executor share: an executor over a journal, and all it does watched.

import type { MockInstance } from "vitest";
import { vi } from "vitest";

import type { Limits } from "../../../src/core/agent.ts";
import { defineAgent } from "../../../src/core/agent.ts";
import { systemClock } from "../../../src/core/clock.ts";
import type { SessionEvent } from "../../../src/core/events.ts";
import { Executor } from "../../../src/core/execution/executor.ts";
import { UNWATCHED } from "../../../src/core/execution/watch.ts";
import type { JournalEntry } from "../../../src/core/journal/entry.ts";
// Loaded ahead, as for the tests of whole sessions: a tool with a plain schema loads it with its first call.
// oxlint-disable-next-line import/no-unassigned-import -- for what importing it does
import "../../../src/core/json-schema/check.ts";
import { openJournal } from "../../../src/core/journal/open-journal.ts";
import type { LoopInput } from "../../../src/core/loop/state.ts";
import type { LogStore, Store } from "../../../src/core/store.ts";
import type { Tool } from "../../../src/core/tool.ts";
import { memoryStore } from "../../../src/stores/memory.ts";
import type { ManualClock } from "../../../src/testing/manual-clock.ts";
import { manualClock } from "../../../src/testing/manual-clock.ts";

/** An executor, and what it does to the world around it. */
export interface Setup {
  readonly executor: Executor;
  readonly clock: ManualClock;
  readonly dispatched: LoopInput[];
  readonly told: readonly SessionEvent[];
  /** Appending to the store, watched. */
  readonly write: MockInstance<LogStore["append"]>;
  /** What it appended. */
  readonly written: () => readonly JournalEntry[];
}

/** An executor of some tools, over a journal that may hold what an earlier process recorded. */
export async function setUp(
  tools: readonly Tool[],
  options: {
    readonly earlier?: readonly JournalEntry[];
    readonly limits?: Partial<Limits>;
    readonly store?: Store;
  } = {},
): Promise<Setup> {
  const { earlier = [], limits, store = memoryStore() } = options;
  const before = await openJournal(store, {
    sessionId: "session_1",
    ifOwned: "take",
    clock: systemClock,
    signal: new AbortController().signal,
  });
  for (const entry of earlier) await before.record(entry);
  const write = vi.spyOn(store.log, "append");
  const clock = manualClock();
  const dispatched: LoopInput[] = [];
  const told: SessionEvent[] = [];
  const agent = defineAgent({ name: "a", instructions: "", tools, limits });
  const executor = new Executor({
    agent,
    sessionId: "session_1",
    ifCallUnknown: "answer",
    context: { tenant: "x" },
    journal: await openJournal(store, {
      sessionId: "session_1",
      ifOwned: "take",
      clock: systemClock,
      signal: new AbortController().signal,
    }),
    clock,
    dispatch: (input) => dispatched.push(input),
    tell: (event) => told.push(event),
    metadata: {},
    watch: UNWATCHED,
  });
  const written = () => write.mock.calls.flatMap(([, , entries]) => entries as readonly JournalEntry[]);
  return { executor, clock, dispatched, told, write, written };
}
