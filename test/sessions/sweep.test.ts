// Workers that share an engine: one of them looks for sessions that nobody woke, and others take that over.

import type { ActivationHost, Engine } from "loophost/sessions";
import { memoryStore } from "loophost/stores/memory";
import { manualClock } from "loophost/testing";
import { expect, it } from "vitest";

import { SweepLease } from "../../src/sessions/sweep-lease.ts";
import { Sweep } from "../../src/sessions/sweep.ts";
import { aroundStore } from "../../src/testing/faults/around-store.ts";
import { World } from "./kills/world.ts";

/** An engine between processes, which notes who woke sessions; a wake goes to the first worker that is left. */
function sharedEngine() {
  const hosts = new Set<ActivationHost>();
  const wokeBy: string[] = [];
  const forWorker = (name: string): Engine => ({
    isShared: true,
    async wake(id) {
      wokeBy.push(name);
      for (const host of hosts) {
        await host.activate(id);
        return;
      }
    },
    async work(host) {
      hosts.add(host);
      return { drain: async () => void hosts.delete(host) };
    },
    close: () => Promise.resolve(),
  });
  /** One whose wakes are lost. */
  const deaf: Engine = { ...forWorker("nobody"), wake: () => Promise.resolve() };
  return { forWorker, deaf, wokeBy, hosts };
}

async function setUp(sweeps: readonly boolean[] = [true, true]) {
  const world = new World("SQLite");
  const engine = sharedEngine();
  const poster = world.process(undefined, { engine: engine.deaf, pollMs: 1_000 }).app;
  const workers = [];
  for (const [index, sweep] of sweeps.entries()) {
    const made = world.process(undefined, { engine: engine.forWorker(`worker ${index}`), pollMs: 1_000 });
    workers.push({ ...made, worker: await made.app.work({ sweep }) });
    // The one that comes first sweeps.
    await world.clock.advance(3_000);
  }
  const ask = async (id: string) => {
    const chat = await poster.create("shop", { id });
    const before = world.clock.now();
    await chat.send("say hello");
    await world.until(async () => ((await chat.summary())?.runs === 1 ? true : undefined), 500);
    return world.clock.now() - before;
  };
  return { world, engine, workers, ask };
}

it("is made by one of many workers, within 5 seconds", async () => {
  const { engine, ask } = await setUp([true, true, true]);
  for (const id of ["a", "b", "c"]) expect(await ask(id)).toBeLessThanOrEqual(5_000);
  expect(new Set(engine.wokeBy)).toEqual(new Set(["worker 0"]));
});

it("is taken over from a worker that died, and from one that drains", async () => {
  for (const how of ["dies", "drains"]) {
    const { engine, workers, ask } = await setUp();
    const [first] = workers;
    const [host] = engine.hosts;
    if (how === "drains") await first?.worker.drain();
    else {
      first?.view.kill();
      engine.hosts.delete(host as ActivationHost);
    }
    expect(await ask("a"), how).toBeLessThanOrEqual(8_000);
    expect(engine.wokeBy, how).toEqual(["worker 1"]);
  }
});

it("leaves sweeping to others where a worker was told to", async () => {
  const { engine, ask } = await setUp([false, true]);
  await ask("a");
  expect(engine.wokeBy).toEqual(["worker 1"]);
});

it("does not wake sessions that were posted to just now, nor those that run elsewhere", async () => {
  const { world, engine, workers } = await setUp([true, false]);
  const chat = await world
    .process(undefined, { engine: engine.deaf, pollMs: 1_000 })
    .app.create("shop", { id: "busy" });
  await chat.send('call slow {"ms":120000}');
  const [sweeps, runs] = [...engine.hosts];
  runs?.activate("busy").catch(() => undefined);
  await world.until(() => (world.ledger.includes("slow begun") ? true : undefined));
  for (let second = 0; second < 25; second += 1) await world.clock.advance(1_000);
  expect(engine.wokeBy).toEqual([]);
  engine.hosts.delete(runs as ActivationHost);
  expect(engine.hosts).toEqual(new Set([sweeps]));
  workers[1]?.view.kill();
  await world.until(async () => ((await chat.summary())?.status === "idle" ? true : undefined), 500);
  expect(engine.wokeBy).toEqual(["worker 0"]);
});

/** A session whose tool takes two minutes, run by the nth of two workers. */
async function setUpSlow(nth: number) {
  const made = await setUp();
  const { world, engine } = made;
  const { app } = world.process(undefined, { engine: engine.deaf, pollMs: 1_000 });
  const chat = await app.create("shop", { id: "slow" });
  await chat.send('call slow {"ms":120000}');
  [...engine.hosts][nth]?.activate("slow").catch(() => undefined);
  await world.until(() => (world.ledger.includes("slow begun") ? true : undefined));
  return { ...made, chat };
}

it("does not wake what runs in the worker that sweeps", async () => {
  const { world, engine, chat } = await setUpSlow(0);
  await chat.send("say more");
  for (let second = 0; second < 25; second += 1) await world.clock.advance(1_000);
  expect(engine.wokeBy).toEqual([]);
});

it("is left to others by a worker that drains, also while it still waits for a tool", async () => {
  const { engine, workers, ask } = await setUpSlow(0);
  const [first] = workers;
  let hasDrained = false;
  const drained = first?.worker.drain({ graceMs: 60_000 }).then(() => (hasDrained = true));
  expect(await ask("lost")).toBeLessThanOrEqual(8_000);
  expect([engine.wokeBy, hasDrained]).toEqual([["worker 1"], false]);
  first?.view.kill();
  await Promise.race([drained, first?.view.died]);
});

it("is not needed where a session is at work: its worker sees what is posted to it, whoever sweeps", async () => {
  const { world, chat } = await setUpSlow(1);
  const before = world.clock.now();
  await chat.interrupt();
  await world.until(async () => ((await chat.summary())?.status === "idle" ? true : undefined));
  expect(world.clock.now() - before).toBeLessThanOrEqual(3_000);
  expect(await chat.result()).toMatchObject({ ending: "interrupted" });
});

it("is over as soon as a worker rests, also while the store takes its time to take the lease back", async () => {
  const clock = manualClock();
  const store = memoryStore({ now: () => clock.now() });
  const releasing = Promise.withResolvers<void>();
  const woken: string[] = [];
  const engine: Engine = {
    isShared: true,
    wake: async (id) => void woken.push(id),
    work: () => Promise.reject(new Error("not asked")),
    close: () => Promise.resolve(),
  };
  const slow = { ...store, log: { ...store.log, release: () => releasing.promise } };
  const sweep = new Sweep(
    { store: slow, engine, clock, pollMs: 1_000 },
    { active: new Map(), isBusyWith: () => false, tell: () => undefined },
    true,
  );
  await store.inbox.post("before", { key: "k", body: 1 });
  for (let second = 0; second < 5; second += 1) await clock.advance(1_000);
  expect(woken).toContain("before");
  let hasRested = false;
  const rested = sweep.rest().then(() => (hasRested = true));
  woken.length = 0;
  for (let second = 0; second < 5; second += 1) await clock.advance(1_000);
  expect([woken, hasRested]).toEqual([[], false]);
  releasing.resolve();
  await rested;
  sweep.stop();
});

it("asks the store for the lease once in three seconds, and knows within ten that another has it", async () => {
  const clock = manualClock();
  await clock.advance(60_000);
  const store = memoryStore({ now: () => clock.now() });
  const calls: string[] = [];
  const counted = aroundStore(store, (call, work) => {
    calls.push(call);
    return work();
  });
  const [lease, rival] = [new SweepLease(counted.log, clock), new SweepLease(store.log, clock)];
  for (let look = 0; look < 4; look += 1) {
    expect([await lease.isOurs(), await rival.isOurs()]).toEqual([true, false]);
    await clock.advance(1_000);
  }
  expect(calls).toEqual(["log.claim"]);
  expect(await lease.isOurs()).toBe(true);
  expect(calls).toEqual(["log.claim", "log.renew"]);
  // As a process that hangs.
  await clock.advance(11_000);
  expect([await rival.isOurs(), await lease.isOurs()]).toEqual([true, false]);
});

it("wakes others though the engine refuses one, and tells of it once", async () => {
  const store = memoryStore();
  const clock = manualClock();
  const woken = new Set<string>();
  const told: string[] = [];
  const engine: Engine = {
    wake(id) {
      if (id === "bad") return Promise.reject(new Error("an id it cannot take"));
      woken.add(id);
      return Promise.resolve();
    },
    work: () => Promise.reject(new Error("unused")),
    close: () => Promise.resolve(),
  };
  for (const id of ["a", "bad", "c"]) await store.inbox.post(id, { key: "1", body: 1 });
  const host = {
    active: new Map(),
    isBusyWith: () => false,
    tell: (id: string, thrown: unknown) => told.push(`${id}: ${String(thrown)}`),
  };
  const sweep = new Sweep({ store, engine, clock, pollMs: 100 }, host, true);
  for (let look = 0; look < 5; look += 1) await clock.advance(100);
  sweep.stop();
  expect([...woken]).toEqual(["a", "c"]);
  expect(told).toEqual(["bad: Error: an id it cannot take"]);
});

it("tells once of a session that is woken for half a minute, and that no worker takes", async () => {
  const clock = manualClock();
  const store = memoryStore({ now: () => clock.now() });
  const told: string[] = [];
  const engine: Engine = {
    isShared: true,
    wake: () => Promise.resolve(),
    work: () => Promise.reject(new Error("unused")),
    close: () => Promise.resolve(),
  };
  for (const [id, status] of Object.entries({ stuck: "idle", waits: "waiting", runs: "running" })) {
    await store.records.put("sessions", id, { sessionId: id, status });
    await store.inbox.post(id, { key: "1", body: { ask: "message", prompt: "Hi" } });
  }
  const tell = (id: string, thrown: unknown) => told.push(`${id}: ${String(thrown)}`);
  const host = { active: new Map(), isBusyWith: () => false, tell };
  const sweep = new Sweep({ store, engine, clock, pollMs: 1_000 }, host, true);
  for (let second = 0; second < 29; second += 1) await clock.advance(1_000);
  expect(told).toEqual([]);
  for (let second = 0; second < 60; second += 1) await clock.advance(1_000);
  sweep.stop();
  expect(told).toEqual([expect.stringContaining("stuck: LoophostError: For 30 s something was asked")]);
});
