// A journal whose store fails while readers are shown more: it gives up, and does not try for ever, which would block its process.

import { memoryStore } from "loophost/stores/memory";
import { manualClock } from "loophost/testing";
import { expect, it } from "vitest";

import { StoredJournal } from "../../../src/core/journal/stored-journal.ts";
import { slowStore } from "../../support/slow-store.ts";

it("gives up what readers were shown while a write failed", async () => {
  const clock = manualClock();
  const store = slowStore(memoryStore({ now: () => clock.now() }));
  const { signal } = new AbortController();
  const how = { sessionId: "s", ifOwned: "fail", clock, signal, tells: true } as const;
  const journal = await StoredJournal.open(store, how);
  const lost: string[] = [];
  journal.whenLost(({ code }) => lost.push(code));
  store.hold();
  const written = journal.record({ type: "input.sent", runId: "r", ids: [] });
  written.catch(() => undefined);
  await clock.advance(0);
  for (let n = 0; n < 5_000; n += 1) journal.tell?.({ type: "provider", raw: { id: String(n) } });
  store.open(new Error("the disk is full"));
  await expect(written).rejects.toMatchObject({ code: "store_failed" });
  await clock.advance(1_000);
  expect(lost).toEqual(["store_failed"]);
  await journal.close();
  expect(clock.waiting).toBe(0);
});
