// Long sessions are opened from a snapshot: few entries are read, and what is known is what their log says.

import { memoryStore } from "loophost/stores/memory";
import { deleteSession, readLog } from "loophost/stores/sessions";
import { expect, it } from "vitest";

import { systemClock } from "../../../src/core/clock.ts";
import type { JournalEntry } from "../../../src/core/journal/entry.ts";
import { StoredFacts } from "../../../src/core/journal/recorded.ts";
import { StoredJournal } from "../../../src/core/journal/stored-journal.ts";
import type { Store } from "../../../src/core/store.ts";

const OPENED: JournalEntry = {
  type: "session.opened",
  agent: "a",
  shown: { instructions: "", model: "", tools: "[]", output: "null" },
  provider: "local",
};

/** A run with a call that waits for a decision, and keys no map should have. */
function runEntries(n: number): JournalEntry[] {
  const id = `call_${n % 50}`;
  const digest = `d${n}`;
  const input = { "\0map": [1], __proto__: { n } };
  return [
    {
      type: "run.started",
      runId: `run_${n}`,
      input: [{ type: "message", id: `m${n}`, content: [] } as never],
    },
    {
      type: "said",
      message: { role: "user", content: [{ type: "text", text: `hello ${n}` }] },
      isInput: true,
    },
    { type: "run.waiting", on: [{ id, name: "t", input, kind: "approval" } as never] },
    { type: "decided", id, allow: true, digest },
    { type: "call.started", id, name: "t", input, digest },
    { type: "call.finished", id, result: { content: [], isError: false }, digest },
    { type: "calls.posted", ids: [id] },
    { type: "cursor", value: { n } },
    ...(n % 100 === 99 ? [{ type: "transcript.replaced", messages: [] } as const] : []),
    {
      type: "run.ended",
      runId: `run_${n}`,
      terminal: "end_turn",
      ending: "completed",
      stopReason: null,
    } as never,
  ];
}

const open = (store: Store) =>
  StoredJournal.open(store, {
    sessionId: "s",
    ifOwned: "fail",
    clock: systemClock,
    signal: new AbortController().signal,
  });

/** The same store, and how many entries were read from it. */
function counted(store: Store): Store & { read: number } {
  const all = {
    ...store,
    read: 0,
    log: {
      ...store.log,
      read: async (id: string, after: number, limit: number) => {
        const page = await store.log.read(id, after, limit);
        all.read += page.length;
        return page;
      },
    },
  };
  return all;
}

/** What the log alone says. */
async function folded(store: Store): Promise<StoredFacts> {
  const facts = new StoredFacts();
  for await (const { entry } of readLog(store, "s")) facts.apply(entry as unknown as JournalEntry);
  return facts;
}

it("opens a session of 20,000 entries by reading the last thousand or so, and knows what its log says", async () => {
  const store = memoryStore();
  const journal = await open(store);
  await journal.record(OPENED);
  for (let n = 0, entries = 1; entries < 20_000; n += 1) {
    const run = runEntries(n);
    entries += run.length;
    await Promise.all(run.map((entry) => journal.record(entry)));
  }
  await journal.close();
  const watched = counted(store);
  const reopened = await open(watched);
  expect(watched.read).toBeLessThan(1_100);
  expect(structuredClone(reopened.recorded)).toEqual(structuredClone(await folded(store)));
  await reopened.close();
});

it("knows what the log says wherever in a run a snapshot fell", async () => {
  for (const offset of [990, 992, 993, 994, 995, 996, 997, 998, 999]) {
    const store = memoryStore();
    const journal = await open(store);
    for (let n = 0; n < offset; n += 1) await journal.record(OPENED);
    for (const entry of [1, 2, 3].flatMap(runEntries).slice(0, -3)) await journal.record(entry);
    await journal.close();
    const watched = counted(store);
    const reopened = await open(watched);
    expect(watched.read).toBeLessThan(50);
    expect(reopened.recorded).toEqual(await folded(store));
    await reopened.close();
  }
});

it("takes no snapshot of a session that was deleted, nor one of another fold", async () => {
  const store = memoryStore();
  const journal = await open(store);
  await Promise.all(Array.from({ length: 1_500 }, () => journal.record(OPENED)));
  await journal.close();
  const snapshot = await store.records.get("snapshots", "s");
  expect(snapshot).toMatchObject({ seq: 1_500 });
  await store.records.put("snapshots", "s", { fold: 0, seq: 1_500, text: "{}" });
  const unread = await open(store);
  expect(unread.recorded.opened).toMatchObject(OPENED);
  await unread.close();
  await deleteSession(store, "s");
  expect(await store.records.get("snapshots", "s")).toBeUndefined();
  // As a crash between the two deletions of another release would leave it.
  await store.records.put("snapshots", "s", snapshot ?? null);
  const anew = await open(store);
  expect(anew.recorded.opened).toBeUndefined();
  await anew.record(OPENED);
  await anew.close();
  await store.records.put("snapshots", "s", snapshot ?? null);
  const shorter = await open(store);
  expect(shorter.recorded.opened).toMatchObject(OPENED);
  await shorter.close();
});

it("forgets calls whose results the host has long had, and no other, when it writes a snapshot", async () => {
  const store = memoryStore();
  const journal = await open(store);
  const entriesOf = (id: string): JournalEntry[] => [
    { type: "decided", id, allow: true, digest: id },
    { type: "call.started", id, name: "t", input: {}, digest: id },
    { type: "call.finished", id, result: { content: [], isError: false }, digest: id },
    { type: "calls.posted", ids: [id] },
  ];
  const unknown = entriesOf("in doubt").slice(0, 2);
  const many = Array.from({ length: 6_000 }, (_, n) => entriesOf(`c${n}`)).flat();
  await Promise.all([...unknown, ...many].map((entry) => journal.record(entry)));
  await journal.record(OPENED);
  await journal.close();
  const { recorded } = await open(store);
  expect(recorded.calls.size).toBe(5_001);
  expect(recorded.calls.get("in doubt")).toMatchObject({ state: "started" });
  expect([...recorded.calls.keys()].at(1)).toBe("c1000");
  expect(recorded.decisions.size).toBe(5_001);
});
