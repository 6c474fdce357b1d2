// Workers that are stopped, cut off from their store, or have a slow or faulty one; two releases at once; many sessions: each
// case once, over SQLite, with a clock set by hand.

import type { SessionRef } from "loophost/sessions";
import { readLog } from "loophost/stores/sessions";
import { expect, it } from "vitest";

import { World } from "./world.ts";

const ID = "s";

async function typesOf(world: World, type: string): Promise<readonly Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  for await (const { entry } of readLog(world.store, ID))
    if (Object(entry).type === type) found.push(Object(entry));
  return found;
}

it.each(["is stopped", "is cut off from the store"])(
  "lets others take over from a worker that %s; back again it begins no tool and writes nothing",
  async (what) => {
    const world = new World("SQLite");
    const chat = await world.process().app.create("shop", { id: ID });
    await chat.send('call slow {"ms":2000} charge {"of":"a"}', { key: "1" });
    await chat.send('call charge {"of":"b"}', { key: "2" });
    const sleeper = world.process();
    await sleeper.app.work();
    await world.until(() => (world.ledger.includes("charge a") ? true : undefined));
    if (what === "is stopped") sleeper.gate.hold();
    else sleeper.gate.fail();
    await world.clock.advance(3_000);
    world.lapse();
    const next = world.process();
    await next.app.work();
    await world.until(async () => {
      const summary = await chat.summary();
      return summary?.runs === 2 && summary.status === "idle" ? true : undefined;
    });
    const before = [...world.ledger];
    const entries = (await typesOf(world, "call.finished")).length;
    sleeper.gate.open();
    for (let second = 0; second < 10; second += 1) await world.clock.advance(1_000);
    expect(world.ledger).toEqual(before);
    expect(await typesOf(world, "call.finished")).toHaveLength(entries);
    expect(before.filter((done) => done.startsWith("charge"))).toEqual(["charge a", "charge b"]);
    expect(await typesOf(world, "run.ended")).toHaveLength(2);
    // It is a worker like all others again.
    next.view.kill();
    await chat.send("say hello", { key: "3" });
    await world.until(async () => ((await chat.summary())?.runs === 3 ? true : undefined));
  },
);

it("tells nothing that is not on record, however slow the store is; running, parking and draining", async () => {
  const world = new World("SQLite");
  const chat = await world.process().app.create("shop", { id: ID });
  await chat.send('call charge {"of":"a"}', { key: "1" });
  await chat.send('call refund {"of":"b"}', { key: "2" });
  const slow = world.process(undefined, { pollMs: 1_000 });
  slow.gate.writeMs = 7_000;
  const worker = await slow.app.work();
  const [call = ""] = await world.until(async () => {
    const summary = await chat.summary();
    return summary?.status === "waiting" ? summary.waiting : undefined;
  }, 1_000);
  await chat.approve(call);
  await world.until(() => (world.ledger.includes("refund b") ? true : undefined), 1_000);
  let isDrained = false;
  worker.drain({ graceMs: 60_000 }).then(
    () => (isDrained = true),
    () => undefined,
  );
  await world.until(() => isDrained || undefined, 1_000);
  await world.process().app.work();
  await world.until(async () => ((await chat.summary())?.status === "idle" ? true : undefined), 1_000);
  expect(world.ledger).toEqual(["charge a", "refund b"]);
  expect(await typesOf(world, "call.finished")).toHaveLength(2);
  expect(JSON.stringify(await typesOf(world, "call.finished"))).not.toContain("may or may not");
});

it("comes to its end whichever call to the store fails once, with nothing done twice", async () => {
  const play = async (failAt: number | undefined) => {
    const world = new World("SQLite");
    const chat = await world.process().app.create("shop", { id: ID });
    await chat.send('call charge {"of":"a"}', { key: "1" });
    const worker = world.process(undefined, { pollMs: 1_000 });
    worker.gate.failAt = failAt;
    await worker.app.work();
    await world.until(async () => {
      const summary = await chat.summary();
      return summary?.runs === 1 && summary.status === "idle" ? true : undefined;
    }, 1_000);
    expect(world.ledger, `call ${failAt}`).toEqual(["charge a"]);
    expect(await typesOf(world, "run.ended"), `call ${failAt}`).toHaveLength(1);
    return worker.gate.calls();
  };
  const calls = await play(undefined);
  for (let nth = 1; nth <= calls; nth += 3) await play(nth);
});

it("goes on under workers of two releases at once, and back again", async () => {
  const world = new World("SQLite");
  const chat = await world.process().app.create("shop", { id: ID });
  await chat.send('call refund {"of":"a"}', { key: "1" });
  let worker = world.process();
  await worker.app.work();
  for (const [key, release] of [
    ["2", "new"],
    ["3", "old"],
    ["4", "new"],
  ] as const) {
    const [call = ""] = await world.until(async () => {
      const summary = await chat.summary();
      return summary?.status === "waiting" ? summary.waiting : undefined;
    });
    worker.view.kill();
    worker = world.process(undefined, { release });
    await worker.app.work();
    await chat.send(`call refund {"of":"${key}"}`, { key });
    await chat.approve(call);
    await world.until(async () => ((await chat.summary())?.runs === Number(key) ? true : undefined));
  }
  expect(world.ledger).toEqual(["refund a", "refund 2", "refund 3"]);
  expect(world.errors).toEqual([]);
});

it("lets a tenant with few sessions wait for none of another's many", async () => {
  const world = new World("SQLite");
  const poster = world.process().app;
  for (let index = 0; index < 40; index += 1)
    await (await poster.create("shop", { id: `big${index}`, tenant: "big" })).send('call slow {"ms":900}');
  const small = await poster.create("shop", { id: ID, tenant: "small" });
  await world.process().app.work({ maxActivations: 2 });
  await world.until(() => (world.ledger.length > 0 ? true : undefined));
  const before = world.clock.now();
  await small.send('call charge {"of":"a"}');
  await world.until(() => (world.ledger.includes("charge a") ? true : undefined));
  expect(world.clock.now() - before).toBeLessThanOrEqual(1_000);
});

it("keeps parked sessions at no cost: none is opened, nothing is written", async () => {
  const world = new World("SQLite");
  const poster = world.process().app;
  const chats: SessionRef[] = [];
  for (let index = 0; index < 20; index += 1) {
    const chat = await poster.create("shop", { id: `s${index}` });
    await chat.send('call refund {"of":"a"}');
    chats.push(chat);
  }
  const worker = world.process(undefined, { pollMs: 1_000 });
  await worker.app.work();
  await world.until(async () => {
    const all = await Promise.all(chats.map((chat) => chat.summary()));
    return all.every((summary) => summary?.status === "waiting") ? true : undefined;
  });
  await world.clock.advance(2_000);
  const [writes, calls] = [worker.view.writes(), worker.gate.calls()];
  await world.clock.advance(60_000);
  expect(worker.view.writes()).toBe(writes);
  // The inboxes each second, and those that run each fifth.
  expect(worker.gate.calls() - calls).toBeLessThanOrEqual(75);
});
