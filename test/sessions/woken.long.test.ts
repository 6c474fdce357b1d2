// What a worker does for thousands of sessions that wait for a place: it remembers them, instead of reading about each again and again.

import { defineAgent } from "loophost";
import { local } from "loophost/providers/local";
import { sessions } from "loophost/sessions";
import { memoryStore } from "loophost/stores/memory";
import { manualClock } from "loophost/testing";
import { expect, it } from "vitest";

import { aroundStore } from "../../src/testing/faults/around-store.ts";

const agent = defineAgent({ name: "a", instructions: "" });

it("asks the store once about a session that finds no place, however often it looks for sessions to run", async () => {
  const clock = manualClock();
  const whole = memoryStore({ now: () => clock.now() });
  const calls = { "inbox.read": 0, "inbox.waiting": 0 };
  const counted = aroundStore(whole, (call, work) => {
    if (call === "inbox.read" || call === "inbox.waiting") calls[call] += 1;
    return work();
  });
  const never = new Promise<string>(() => undefined);
  await using app = sessions({
    clock,
    store: { ...counted, close: () => whole.close() },
    agents: [{ agent, provider: local({ model: () => never }) }],
    pollMs: 50,
  });
  // One has the place, 2,000 wait for it in memory.
  for (let n = 0; n < 2_101; n += 1) await (await app.create("a")).send("hello");
  const worker = await app.work({ maxActivations: 1 });
  for (let step = 0; step < 40; step += 1) await clock.advance(50);
  const before = { ...calls };
  for (let step = 0; step < 60; step += 1) await clock.advance(50);
  const active = worker.active;
  const drained = worker.drain({ graceMs: 1 });
  await clock.advance(1);
  await drained;
  expect(active).toBe(1);
  expect(calls["inbox.waiting"]).toBeGreaterThan(before["inbox.waiting"] + 100);
  // Of the one at work, perhaps; a hundred find no place.
  expect(calls["inbox.read"]).toBeLessThan(before["inbox.read"] + 10);
});
