import { expect, it } from "vitest";

import { SharedWork } from "../../../src/core/async/shared-work.ts";

function held() {
  let stopped: AbortSignal | undefined;
  const { promise, resolve } = Promise.withResolvers<string>();
  const work = new SharedWork((signal) => {
    stopped = signal;
    return promise;
  });
  return { work, resolve, isStopped: () => stopped?.aborted };
}

it("goes on for those who still wait, and stops with the last", async () => {
  const { work, isStopped } = held();
  const [one, two] = [new AbortController(), new AbortController()];
  const waits = [work.join(one.signal), work.join(two.signal)];
  one.abort(new Error("one left"));
  await expect(waits[0]).rejects.toThrow("one left");
  expect([isStopped(), work.isStopped]).toEqual([false, false]);
  two.abort(new Error("two left"));
  await expect(waits[1]).rejects.toThrow("two left");
  expect([isStopped(), work.isStopped]).toEqual([true, true]);
});

it("gives its result to everybody, and is not stopped by an abort that comes later", async () => {
  const { work, resolve, isStopped } = held();
  const late = new AbortController();
  const waits = Promise.all([work.join(late.signal), work.join(new AbortController().signal)]);
  resolve("done");
  expect(await waits).toEqual(["done", "done"]);
  late.abort();
  expect(isStopped()).toBe(false);
});
