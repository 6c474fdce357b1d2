// Workers of one process: several of them, and how they are told to stop.

import { defineAgent } from "loophost";
import { local } from "loophost/providers/local";
import { sessions } from "loophost/sessions";
import { memoryStore } from "loophost/stores/memory";
import { manualClock, settleMicrotasks } from "loophost/testing";
import { expect, it, vi } from "vitest";

import { aroundStore } from "../../src/testing/faults/around-store.ts";

const agents = [
  { agent: defineAgent({ name: "a", instructions: "" }), provider: local({ model: () => "hi" }) },
];

it.each(["first", "second"])("goes on when the %s of two workers drains", async (which) => {
  await using app = sessions({ agents });
  const [first, second] = [await app.work(), await app.work()];
  await (which === "first" ? first : second).drain();
  const chat = await app.create("a");
  await chat.send("Hello");
  expect(await chat.result({ signal: AbortSignal.timeout(5_000) })).toMatchObject({ text: "hi" });
});

it.each([Number.NaN, -1, "5000"])("refuses to drain with graceMs %j, and goes on", async (graceMs) => {
  await using app = sessions({ agents });
  const worker = await app.work();
  await expect(worker.drain({ graceMs: graceMs as number })).rejects.toMatchObject({
    code: "invalid_options",
  });
  const chat = await app.create("a");
  await chat.send("Hello");
  expect(await chat.result({ signal: AbortSignal.timeout(5_000) })).toMatchObject({ text: "hi" });
});

it("says to a process that only talks to sessions that its Node is too old", () => {
  vi.stubGlobal("process", { versions: { node: "20.20.2" } });
  try {
    expect(() => sessions({})).toThrow(expect.objectContaining({ code: "missing_dependency" }));
  } finally {
    vi.unstubAllGlobals();
  }
});

it("drains within its grace and 5 s, though the store is away", async () => {
  const clock = manualClock();
  let isAway = false;
  const never = () => new Promise<never>(() => undefined);
  const store = {
    ...aroundStore(memoryStore(), (_, work) => (isAway ? never() : work())),
    callTimeoutMs: Infinity,
    close: () => Promise.resolve(),
  };
  const asked: string[] = [];
  const engine = {
    isShared: true,
    wake: () => Promise.resolve(),
    work: () =>
      Promise.resolve({
        drain() {
          asked.push("drain");
          return Promise.resolve();
        },
      }),
    close: () => Promise.resolve(),
  };
  const worker = await sessions({ agents, store, engine, clock }).work();
  // Until it has the lease under which one worker sweeps.
  await clock.advance(2_000);
  isAway = true;
  let isDrained = false;
  const drained = worker.drain({ graceMs: 1_000 }).then(() => (isDrained = true));
  await settleMicrotasks();
  expect(asked).toEqual(["drain"]);
  await clock.advance(5_999);
  expect(isDrained).toBe(false);
  await clock.advance(1);
  await drained;
});
