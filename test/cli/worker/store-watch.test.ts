// Whether the store of a worker can be written, and what it says of that.

import { LoophostError } from "loophost";
import { memoryStore } from "loophost/stores/memory";
import { manualClock } from "loophost/testing";
import { expect, it } from "vitest";

import { watchStore } from "../../../src/cli/worker/store-watch.ts";

it("says once that it cannot be written, and once that it can again; ends when it never can", async () => {
  const clock = manualClock();
  const plain = memoryStore();
  let failure: LoophostError | undefined;
  const records = {
    ...plain.records,
    delete: () => (failure === undefined ? Promise.resolve() : Promise.reject(failure)),
  };
  const lines: string[] = [];
  const { signal } = new AbortController();
  const lost = watchStore({ ...plain, records }, clock, (line) => lines.push(line), signal);
  const full = new LoophostError("store_failed", "The disk is full.");
  for (failure of [undefined, full, full, undefined, full]) await clock.advance(5_000);
  expect(lines).toEqual([
    "The disk is full. It is tried again.",
    "The store can be written again.",
    "The disk is full. It is tried again.",
  ]);
  failure = new LoophostError("store_failed", "The file was removed.", { mayRetry: false });
  await clock.advance(5_000);
  expect(await lost).toBe(failure);
});

it("ends when it is told to, also while it waits", async () => {
  const stop = new AbortController();
  const lost = watchStore(memoryStore(), manualClock(), () => undefined, stop.signal);
  stop.abort();
  expect(await lost).toBeUndefined();
});
