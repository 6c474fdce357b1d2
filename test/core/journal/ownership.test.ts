// A lease is renewed while its session is open, every ten seconds of thirty, and not a moment longer.

import { memoryStore } from "loophost/stores/memory";
import { manualClock } from "loophost/testing";
import { expect, it } from "vitest";

import { Ownership } from "../../../src/core/journal/ownership.ts";
import type { LogStore } from "../../../src/core/store.ts";

const signal = new AbortController().signal;

/** A log whose renewals are noted, and whose releases wait. */
function watchedLog(clock: { now: () => number }) {
  const { log } = memoryStore({ now: clock.now });
  const released = Promise.withResolvers<void>();
  const renewed: number[] = [];
  const watched: LogStore = {
    ...log,
    renew(id, fence, ttlMs) {
      renewed.push(clock.now());
      return log.renew(id, fence, ttlMs);
    },
    async release(id, fence) {
      await released.promise;
      await log.release(id, fence);
    },
  };
  return { log: watched, renewed, release: released.resolve };
}

it("is renewed every ten seconds", async () => {
  const clock = manualClock();
  const { log, renewed, release } = watchedLog(clock);
  const owned = await Ownership.claim({ log, sessionId: "s", ifOwned: "fail", clock, signal });
  await clock.advance(35_000);
  expect(renewed).toEqual([10_000, 20_000, 30_000]);
  release();
  await owned.release();
});

it("is not renewed while it is being released, and nothing keeps the process alive then", async () => {
  const clock = manualClock();
  const { log, renewed, release } = watchedLog(clock);
  const owned = await Ownership.claim({ log, sessionId: "s", ifOwned: "fail", clock, signal });
  const lost: unknown[] = [];
  owned.whenLost((error) => lost.push(error));
  const releasing = owned.release();
  await clock.advance(60_000);
  expect([renewed, clock.waiting]).toEqual([[], 0]);
  release();
  await releasing;
  expect(lost).toEqual([]);
});

it("is renewed at the same moment as all others, whenever it was claimed", async () => {
  const clock = manualClock();
  const { log, renewed, release } = watchedLog(clock);
  const claim = (sessionId: string) => Ownership.claim({ log, sessionId, ifOwned: "fail", clock, signal });
  const first = await claim("first");
  await clock.advance(4_000);
  const others = await Promise.all(["a", "b", "c"].map(claim));
  await clock.advance(16_000);
  expect(renewed).toEqual([10_000, 10_000, 10_000, 10_000, 20_000, 20_000, 20_000, 20_000]);
  release();
  await first.release();
  await clock.advance(10_000);
  expect(renewed).toHaveLength(11);
  await Promise.all(others.map((owned) => owned.release()));
  expect(clock.waiting).toBe(0);
});
