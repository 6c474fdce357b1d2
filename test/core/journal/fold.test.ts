// Snapshots outlive releases: from one that another fold made nobody goes on, however alike it looks.

import { memoryStore } from "loophost/stores/memory";
import { expect, it } from "vitest";

import { systemClock } from "../../../src/core/clock.ts";
import { digestOf } from "../../../src/core/digest.ts";
import type { TimedEntry } from "../../../src/core/journal/entry.ts";
import { FOLD } from "../../../src/core/journal/entry.ts";
import { StoredFacts } from "../../../src/core/journal/recorded.ts";
import { StoredJournal } from "../../../src/core/journal/stored-journal.ts";
import type { Json } from "../../../src/core/json.ts";

const ask = { id: "c1", name: "refund", input: { order: 1 } };
const text = (words: string) => [{ type: "text", text: words }];

/** A log with an entry of each type. */
const LOG: readonly Json[] = [
  { type: "session.created", agent: "a", tenant: "acme", about: { plan: "b" } },
  { type: "session.bound", hostSessionId: "host_1" },
  { type: "session.opened", agent: "a", shown: {}, provider: "local" },
  { type: "run.started", runId: "r1", input: [{ type: "message", id: "m1", content: text("hi") }], item: 1 },
  { type: "run.resumed", runId: "r1", elapsedMs: 40 },
  { type: "input.sent", runId: "r1", ids: ["m1"] },
  { type: "said", message: { role: "user", content: text("hi") }, isInput: true },
  { type: "said", message: { role: "assistant", content: [] }, usage: { inputTokens: 1, outputTokens: 2 } },
  {
    type: "told",
    first: 0,
    events: [
      { type: "run.started", runId: "r1" },
      { type: "tool.called", ...ask },
      { type: "approval.requested", ...ask },
    ],
  },
  { type: "cursor", value: { at: 7 } },
  { type: "run.waiting", on: [{ ...ask, what: "approval" }] },
  { type: "item.refused", item: 2, code: "invalid_options", message: "no" },
  { type: "decided", id: "c1", allow: true, digest: "d1", item: 3 },
  { type: "run.resumed", runId: "r1", elapsedMs: 60 },
  { type: "call.started", ...ask, digest: "d1" },
  { type: "call.finished", id: "c1", result: { content: text("done"), isError: false }, digest: "d1" },
  { type: "told", first: 3, events: [{ type: "tool.finished", id: "c1", name: "refund" }] },
  { type: "calls.posted", ids: ["c1"] },
  { type: "run.waiting", on: [{ ...ask, id: "c2", what: "approval" }] },
  { type: "interrupted", runId: "r1", item: 4 },
  { type: "run.ended", runId: "r1", ending: "interrupted", stopReason: null },
  { type: "transcript.replaced", messages: [] },
  { type: "run.started", runId: "r2", input: [{ type: "message", id: "m2", content: text("go") }] },
  { type: "call.started", ...ask, id: "c3", digest: "d3" },
  { type: "run.failed", runId: "r2", code: "tool_failed", message: "no" },
  { type: "of a later release" },
];

/** What is known after each entry of a log, as text. */
function foldsOf(log: readonly Json[]): string {
  const facts = new StoredFacts();
  const after = log.map((entry, index) => {
    facts.apply({ ...(entry as object), at: 1_000 + 10 * index } as unknown as TimedEntry);
    return JSON.stringify(facts, (_, value: unknown) =>
      value instanceof Map || value instanceof Set ? [...value] : value,
    );
  });
  return after.join("\n");
}

it("has a number of its own whenever it makes something else of a log", async () => {
  const digest = (await digestOf(foldsOf(LOG))).slice(0, 12);
  expect({ FOLD, digest }, "the fold changed: raise FOLD, and write both down here").toEqual({
    FOLD: 3,
    digest: "0d1e0c183733",
  });
});

it("reads the log of a session whose snapshot an older release wrote, in which a stopped call still waits", async () => {
  const store = memoryStore();
  const how = { sessionId: "s", ifOwned: "fail", clock: systemClock, signal: AbortSignal.any([]) } as const;
  const journal = await StoredJournal.open(store, how);
  for (const entry of LOG) await journal.record(entry as never);
  await journal.close();
  const older = { waiting: ["c2"], calls: [], decisions: [], told: [] };
  const snapshot = { fold: 2, seq: LOG.length, text: JSON.stringify(older) };
  await store.records.put("snapshots", "s", snapshot);
  const reopened = await StoredJournal.open(store, how);
  expect(reopened.recorded.waiting).toEqual([]);
  expect(reopened.recorded.calls.get("c1")).toMatchObject({ state: "posted" });
  await reopened.close();
});
