// What else happens to workers and to those who post: each case once, over SQLite, with a clock set by hand.

import type { SessionRef } from "loophost/sessions";
import { readLog } from "loophost/stores/sessions";
import { expect, it } from "vitest";

import { interruptEverywhere } from "./interrupts.ts";
import type { Process } from "./world.ts";
import { World } from "./world.ts";

const ID = "s";

/** Begins a worker, and another whenever one has died. */
function keepWorking(world: World) {
  let workers: Process[] = [];
  return async (place?: Parameters<World["process"]>[0]): Promise<number> => {
    if (workers.every(({ view }) => view.isDead())) {
      const next = world.process(workers.length === 0 ? place : undefined);
      workers = [...workers, next];
      await next.app.work();
    }
    return workers.length;
  };
}

async function entriesOf(world: World): Promise<readonly Record<string, unknown>[]> {
  const entries: Record<string, unknown>[] = [];
  for await (const { entry } of readLog(world.store, ID)) entries.push(Object(entry));
  return entries;
}

it("applies an item that two processes post ten times each once", async () => {
  const world = new World("SQLite");
  const posters = [world.process().app, world.process().app];
  const made: SessionRef[] = [];
  // Who finds the other at it waits a moment, by the clock.
  const making = posters.map(async (app) => void made.push(await app.create("shop", { id: ID })));
  await world.until(() => (made.length === 2 ? true : undefined));
  await Promise.all(making);
  const [chat] = made;
  const posts = Array.from({ length: 20 }, (_, index) =>
    posters[index % 2]?.get(ID).send("say once", { key: "k" }),
  );
  const receipts = await Promise.all(posts.map((post) => Promise.resolve(post)));
  expect(receipts.filter((receipt) => receipt?.isNew)).toHaveLength(1);
  await world.process().app.work();
  await world.until(async () => ((await chat?.summary())?.runs === 1 ? true : undefined));
  await world.until(async () => ((await chat?.summary())?.status === "idle" ? true : undefined));
  expect((await entriesOf(world)).filter(({ type }) => type === "run.started")).toHaveLength(1);
});

it("holds the first of two decisions made at once, and tells the other so", async () => {
  const world = new World("SQLite");
  const [one, other] = [world.process().app, world.process().app];
  const chat = await one.create("shop", { id: ID });
  await chat.send('call refund {"of":"c"}');
  await world.process().app.work();
  const [call = ""] = await world.until(async () => {
    const summary = await chat.summary();
    return summary?.status === "waiting" ? summary.waiting : undefined;
  });
  const [yes, no] = await Promise.all([chat.approve(call), other.get(ID).deny(call)]);
  expect(yes.applied).not.toBe(no.applied);
  expect(no.decision.allow).toBe(yes.decision.allow);
  await world.until(async () => ((await chat.summary())?.status === "idle" ? true : undefined));
  expect(world.ledger).toEqual(yes.decision.allow ? ["refund c"] : []);
});

it("ends a run as interrupted that was interrupted before its worker died, wherever that was", async () => {
  for (let nth = 3; nth <= 9; nth += 1)
    for (const when of ["before", "after"] as const) {
      const world = new World("SQLite");
      const work = keepWorking(world);
      const chat = await world.process().app.create("shop", { id: ID });
      await chat.send("wait", { key: "1" });
      await work({ nth, when });
      await world.until(async () => {
        await work({ nth, when });
        return (await chat.summary())?.status === "running" ? true : undefined;
      });
      await chat.interrupt();
      await world.until(async () => {
        await work();
        return (await chat.summary())?.status === "idle" ? true : undefined;
      });
      const ended = (await entriesOf(world)).filter(({ type }) => type === "run.ended");
      expect(ended, `${when} write ${nth}`).toMatchObject([{ ending: "interrupted" }]);
      expect(world.errors).toEqual([]);
    }
});

it("lets go of a session without losing what runs: tools within the grace are recorded, those beyond are unknown", async () => {
  for (const [ms, graceMs, isKnown] of [
    [5_000, 10_000, true],
    [60_000, 2_000, false],
  ] as const) {
    const world = new World("SQLite");
    const poster = world.process().app;
    const chat = await poster.create("shop", { id: ID });
    await chat.send(`call slow {"ms":${ms}}`);
    const first = await world.process().app.work();
    await world.until(() => (world.ledger.includes("slow begun") ? true : undefined));
    let isDrained = false;
    const before = world.clock.now();
    first.drain({ graceMs }).then(
      () => (isDrained = true),
      () => undefined,
    );
    await world.until(() => (isDrained ? true : undefined));
    expect(world.clock.now() - before).toBeLessThanOrEqual(graceMs + 500);
    await world.process().app.work();
    await world.until(async () => ((await chat.summary())?.status === "idle" ? true : undefined));
    const finished = (await entriesOf(world)).find(({ type }) => type === "call.finished");
    expect(JSON.stringify(finished)).toContain(
      isKnown ? "took its time" : "may or may not have taken effect",
    );
    expect(world.ledger.filter((what) => what === "slow begun")).toHaveLength(1);
    expect(world.errors).toEqual([]);
  }
});

it("begins no tool that waits for a place while it lets go", async () => {
  const world = new World("SQLite");
  const chat = await world.process().app.create("shop", { id: ID });
  const calls = Array.from({ length: 12 }, () => 'slow {"ms":3000}').join(" ");
  await chat.send(`call ${calls}`);
  const first = await world.process().app.work();
  await world.until(() => (world.ledger.includes("slow begun") ? true : undefined));
  const begun = world.ledger.length;
  let isDrained = false;
  first.drain({ graceMs: 10_000 }).then(
    () => (isDrained = true),
    () => undefined,
  );
  await world.until(() => (isDrained ? true : undefined));
  expect(world.ledger.filter((what) => what === "slow begun")).toHaveLength(begun);
  await world.process().app.work();
  await world.until(async () => ((await chat.summary())?.status === "idle" ? true : undefined));
  // All of them in the end, each once.
  expect(world.ledger.filter((what) => what === "slow begun")).toHaveLength(12);
});

it("answers a call with an error under which three processes died, whatever its policy", async () => {
  for (const ifCrashed of [undefined, "rerun"] as const) {
    const world = new World("SQLite", ifCrashed);
    const work = keepWorking(world);
    const chat = await world.process().app.create("shop", { id: ID });
    await chat.send("call deadly {}");
    let workers = 0;
    await world.until(async () => {
      workers = await work();
      return (await chat.summary())?.runs === 1 && (await chat.summary())?.status === "idle"
        ? true
        : undefined;
    });
    expect(world.ledger).toHaveLength(ifCrashed === "rerun" ? 3 : 1);
    expect(workers).toBe(ifCrashed === "rerun" ? 4 : 2);
  }
});

it("fails a run that takes its workers down without anything on record, and goes on with the next message", async () => {
  const world = new World("SQLite");
  const work = keepWorking(world);
  const chat = await world.process().app.create("shop", { id: ID });
  await chat.send("say die", { key: "1" });
  await chat.send("say alive", { key: "2" });
  const workers = { most: 0 };
  await world.until(async () => {
    workers.most = await work();
    const summary = await chat.summary();
    return summary?.runs === 2 && summary.status === "idle" ? true : undefined;
  });
  const entries = await entriesOf(world);
  expect(entries.find(({ type }) => type === "run.failed")).toMatchObject({ code: "worker_lost" });
  expect(workers.most).toBeLessThan(15);
  expect(entries.findLast(({ type }) => type === "run.ended")).toMatchObject({ ending: "completed" });
});

it("stops a worker that is replaced by force, and loses nothing", async () => {
  const world = new World("SQLite");
  const poster = world.process().app;
  const chat = await poster.create("shop", { id: ID });
  await chat.send('call slow {"ms":1000}', { key: "1" });
  const first = world.process();
  await first.app.work();
  await world.until(() => (world.ledger.includes("slow begun") ? true : undefined));
  const fence = await world.store.log.claim(ID, { owner: "an operator", ttlMs: 0, force: true });
  await world.store.log.release(ID, fence);
  await world.until(async () => ((await chat.summary())?.status === "idle" ? true : undefined));
  expect(world.ledger.filter((what) => what === "slow begun")).toHaveLength(1);
  expect((await entriesOf(world)).filter(({ type }) => type === "run.ended")).toHaveLength(1);
});

it("does not open a session for a message that waits behind a decision, and delivers it after that", async () => {
  const world = new World("SQLite");
  const chat = await world.process().app.create("shop", { id: ID });
  const worker = world.process();
  await worker.app.work();
  await chat.send('call refund {"of":"c"}', { key: "1" });
  const [call = ""] = await world.until(async () => {
    const summary = await chat.summary();
    return summary?.status === "waiting" ? summary.waiting : undefined;
  });
  await chat.send("say later", { key: "2" });
  for (let second = 0; second < 3; second += 1) await world.clock.advance(1_000);
  const writes = worker.view.writes();
  for (let second = 0; second < 10; second += 1) await world.clock.advance(1_000);
  expect(worker.view.writes()).toBe(writes);
  await chat.approve(call);
  await world.until(async () => {
    const summary = await chat.summary();
    return summary?.runs === 2 && summary.status === "idle" ? true : undefined;
  });
  expect(world.ledger).toEqual(["refund c"]);
});

it("asks no model and runs no tool once a run was interrupted, by who runs it or by who takes it over", async () => {
  await expect(interruptEverywhere("local")).resolves.toBe(9);
});
