// A journal is released by its last write, in one transaction, and by itself when there is nothing left to write.

import type { Along } from "loophost";
import { memoryStore } from "loophost/stores/memory";
import { faultyStore, manualClock } from "loophost/testing";
import { expect, it } from "vitest";

import { StoredJournal } from "../../../src/core/journal/stored-journal.ts";

const how = {
  sessionId: "s1",
  ifOwned: "fail",
  clock: manualClock(),
  signal: new AbortController().signal,
  tells: true,
} as const;

/** A store that notes what was written along with entries. */
function watched() {
  const store = faultyStore(memoryStore(), []);
  const along: (Along | undefined)[] = [];
  const append: typeof store.log.append = (id, fence, entries, more) => {
    along.push(more);
    return store.log.append(id, fence, entries, more);
  };
  return { store: { ...store, log: { ...store.log, append } }, calls: store.calls, along };
}

it("is released along with the last entries, of several writes with the last alone", async () => {
  const { store, calls, along } = watched();
  const journal = await StoredJournal.open(store, how);
  for (let n = 0; n < 5_000; n += 1) journal.tell?.({ type: "provider", raw: { id: `e${n}` } });
  await journal.close();
  expect(along.map((written) => written?.release)).toEqual([false, true]);
  expect(calls).not.toContain("log.release");
  const next = await StoredJournal.open(store, how);
  expect(next.recorded.toldEvents).toBe(5_000);
  await next.close();
  expect(calls.filter((call) => call === "log.release")).toHaveLength(1);
});

it("is released by itself when the last write fails", async () => {
  const { store, calls } = watched();
  const broken = faultyStore(store, [{ on: "log.append", how: "fail" }]);
  const journal = await StoredJournal.open(broken, how);
  journal.tell?.({ type: "provider", raw: { id: "e" } });
  await journal.close();
  expect(calls).toContain("log.release");
  await (await StoredJournal.open(store, how)).close();
});
