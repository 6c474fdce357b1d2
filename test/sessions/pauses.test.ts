// Pauses of sessions: over at their time, counted, and forgotten, so that a worker keeps nothing of sessions that parked.

import { manualClock } from "loophost/testing";
import { expect, it } from "vitest";

import { Pauses } from "../../src/sessions/pauses.ts";

it("leaves a session alone until its time, and knows then how often it failed", async () => {
  const clock = manualClock();
  const pauses = new Pauses(clock);
  pauses.begin("s", { until: "tried again", ms: 500, failures: 3 });
  expect([pauses.leftMs("s"), pauses.leftMs("s", "woken"), pauses.leftMs("other")]).toEqual([500, 0, 0]);
  await clock.advance(500);
  expect([pauses.leftMs("s"), pauses.last("s")?.failures]).toEqual([0, 3]);
  pauses.end("s");
  expect(pauses.last("s")).toBeUndefined();
});

it("forgets pauses that are long over", async () => {
  const clock = manualClock();
  const pauses = new Pauses(clock);
  for (let n = 0; n < 100; n += 1) pauses.begin(`s${n}`, { until: "woken", ms: 5_000, failures: 1 });
  await clock.advance(65_000);
  pauses.begin("another", { until: "woken", ms: 5_000, failures: 0 });
  expect([pauses.last("s0"), pauses.last("s99"), pauses.leftMs("another")]).toEqual([
    undefined,
    undefined,
    5_000,
  ]);
});
