// Who listens to the writes of a journal hears of one once it is durable, and cannot break it.

import { memoryStore } from "loophost/stores/memory";
import { manualClock, settleMicrotasks } from "loophost/testing";
import { expect, it } from "vitest";

import { openJournal } from "../../../src/core/journal/open-journal.ts";
import type { Store } from "../../../src/core/store.ts";

const signal = new AbortController().signal;
const entry = { type: "interrupted", runId: "run_1" } as const;

function open(store: Store, onWritten: () => void) {
  return openJournal(store, { sessionId: "s", ifOwned: "fail", clock: manualClock(), signal, onWritten });
}

it("calls back after a write is durable, and not before", async () => {
  const store = memoryStore();
  const durable = Promise.withResolvers<void>();
  const slow: Store = {
    ...store,
    log: { ...store.log, append: (...given) => durable.promise.then(() => store.log.append(...given)) },
  };
  let written = 0;
  const journal = await open(slow, () => (written += 1));
  const recorded = journal.record(entry);
  await settleMicrotasks();
  expect(written).toBe(0);
  durable.resolve();
  await recorded;
  expect(written).toBe(1);
  await journal.close();
});

it("contains a callback that throws: the entry is written, and the journal goes on", async () => {
  const store = memoryStore();
  const journal = await open(store, () => {
    throw new Error("no");
  });
  await journal.record(entry);
  await journal.record(entry);
  await journal.close();
  expect(await store.log.read("s", 0, 10)).toHaveLength(2);
});
