// Sessions over PostgreSQL alone, in processes that share nothing but the database.

import { setTimeout } from "node:timers/promises";

import { defineAgent } from "loophost";
import { postgresBus, postgresEngine } from "loophost/engines/postgres";
import { local } from "loophost/providers/local";
import type { ActivationHost, Engine, Sessions } from "loophost/sessions";
import { sessions } from "loophost/sessions";
import type { PostgresPool } from "loophost/stores/postgres";
import { Pool } from "pg";
import { describe, expect, it, onTestFinished, vi } from "vitest";

import { scriptedModel } from "../../sessions/scripted-model.ts";
import { newSchema, openedStore } from "./schemas.ts";
import { sharedPostgres, skipped, whyNoPostgres } from "./server.ts";

const agent = defineAgent({ name: "a", instructions: "Answer." });

async function app(schema: string, isWorker: boolean): Promise<Sessions> {
  const { url } = await sharedPostgres();
  const made = sessions({
    store: openedStore(url, { schema }),
    engine: postgresEngine(url, { schema, pollMs: 5_000 }),
    bus: postgresBus(url, { schema }),
    pollMs: 20_000,
    agents: isWorker ? [{ agent, provider: local({ model: scriptedModel }) }] : [],
  });
  onTestFinished(() => made.close());
  return made;
}

describe.skipIf(whyNoPostgres !== undefined)(`the engine on PostgreSQL${skipped}`, () => {
  it("wakes a worker at once, and carries deltas and news to whoever follows, without a poll", async () => {
    const schema = newSchema();
    const [web, worker] = [await app(schema, false), await app(schema, true)];
    await worker.work({ sweep: false });
    const chat = await web.create("a");
    const types: string[] = [];
    const followed = (async () => {
      for await (const { type } of chat.follow()) {
        types.push(type);
        if (type === "run.ended") return;
      }
    })();
    // So that the follower is there before there is anything to follow.
    await web.create("a", { id: "another" });
    const at = performance.now();
    await chat.send("stream a few words");
    expect((await chat.result()).text).toBe("a few words ");
    await followed;
    expect(performance.now() - at).toBeLessThan(4_000);
    expect(types).toContain("message");
  });

  it("runs a session again that is woken while it runs, and forgets one that is done", async () => {
    const schema = newSchema();
    const { url } = await sharedPostgres();
    const engine = postgresEngine(url, { schema, pollMs: 60_000 });
    onTestFinished(() => engine.close());
    const begun: string[] = [];
    const ran: (() => void)[] = [];
    const twice = Promise.withResolvers<void>();
    await engine.work({
      async activate(id) {
        begun.push(id);
        if (begun.length === 2) twice.resolve();
        await new Promise<void>((resolve) => ran.push(resolve));
        return { now: "parked" };
      },
    });
    await engine.wake("s");
    await expect.poll(() => begun.length).toBe(1);
    await engine.wake("s");
    await engine.wake("s");
    ran[0]?.();
    await twice.promise;
    ran[1]?.();
    await engine.wake("t");
    await expect.poll(() => begun).toEqual(["s", "s", "t"]);
    ran[2]?.();
  });

  it("brings a session back that is to be run again, and wakes one at its time", async () => {
    const schema = newSchema();
    const { url } = await sharedPostgres();
    const engine = postgresEngine(url, { schema, pollMs: 20 });
    onTestFinished(() => engine.close());
    const begun: string[] = [];
    await engine.work({
      activate(id) {
        begun.push(id);
        return Promise.resolve(begun.length < 3 ? { now: "again", afterMs: 10 } : { now: "parked" });
      },
    });
    await engine.wake("s", { at: new Date(Date.now() + 50) });
    await expect.poll(() => begun).toEqual(["s", "s", "s"]);
  });

  it.each([-86_400_000, 86_400_000])(
    "wakes a session in the time from now to its date, on a machine whose clock is off: by %i ms",
    async (offByMs) => {
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + offByMs });
      onTestFinished(() => void vi.useRealTimers());
      const { url } = await sharedPostgres();
      const engine = postgresEngine(url, { schema: newSchema(), pollMs: 20 });
      onTestFinished(() => engine.close());
      const begun: string[] = [];
      await engine.work({
        async activate(id) {
          begun.push(id);
          return { now: "parked" };
        },
      });
      await engine.wake("tomorrow", { at: new Date(Date.now() + 86_400_000) });
      await engine.wake("soon", { at: new Date(Date.now() + 50) });
      await expect.poll(() => begun).toEqual(["soon"]);
      await expect(engine.wake("s", { at: new Date(Number.NaN) })).rejects.toMatchObject({
        code: "invalid_options",
      });
    },
  );

  /** An engine that hears of what it picked when it is let, with a session that waits, and a worker that has begun to pick. */
  async function slowlyPicking(activate: ActivationHost["activate"]) {
    const { url } = await sharedPostgres();
    const pool = new Pool({ connectionString: url });
    const mayHear = Promise.withResolvers<void>();
    const hasPicked = Promise.withResolvers<void>();
    const slow: PostgresPool = {
      connect: () => pool.connect(),
      async query(text, values) {
        const reply = await pool.query(text, values);
        if (text.includes("WITH RECURSIVE")) {
          hasPicked.resolve();
          await mayHear.promise;
        }
        return reply;
      },
    };
    const engine = postgresEngine(slow, { schema: newSchema(), pollMs: 60_000 });
    onTestFinished(() => engine.close().then(() => pool.end()));
    await engine.wake("first");
    const worker = await engine.work({ activate });
    await hasPicked.promise;
    return { engine, worker, mayHear };
  }

  it("picks again at once what it was told of while it picked", async () => {
    const begun: string[] = [];
    const { engine, mayHear } = await slowlyPicking((id) => {
      begun.push(id);
      return new Promise(() => undefined);
    });
    await engine.wake("second");
    // Told within a moment; later than this it picks again all the same.
    await setTimeout(100);
    mayHear.resolve();
    await expect.poll(() => begun).toEqual(["first", "second"]);
  });

  it("drains only once it has heard of what it picked, and that was run", async () => {
    const done: string[] = [];
    const { worker, mayHear } = await slowlyPicking(async (id) => {
      await setTimeout(20);
      done.push(id);
      return { now: "parked" };
    });
    const drained = worker.drain({ graceMs: 10_000 }).then(() => [...done]);
    await setTimeout(20);
    mayHear.resolve();
    expect(await drained).toEqual(["first"]);
  });

  it.each([
    ["the reply to its pick was lost", "SKIP LOCKED", true, 1],
    ["its rest could not be noted", "parked AS", false, 2],
  ])("runs a session that is its worker's and that it does not run: %s", async (_, words, isDone, times) => {
    const pool = new Pool({ connectionString: (await sharedPostgres()).url });
    let hasFailed = false;
    const failing: PostgresPool = {
      connect: () => pool.connect(),
      async query(text, values) {
        const fails = !hasFailed && text.includes(words);
        hasFailed ||= fails;
        if (fails && !isDone) throw new Error("refused");
        const reply = await pool.query(text, values);
        if (fails) throw new Error("Connection terminated unexpectedly");
        return reply;
      },
    };
    const engine = postgresEngine(failing, { schema: newSchema(), pollMs: 20 });
    onTestFinished(() => engine.close().then(() => pool.end()));
    await engine.wake("s");
    const begun: string[] = [];
    await engine.work({
      activate(id) {
        begun.push(id);
        return Promise.resolve({ now: "parked" });
      },
    });
    await expect.poll(() => begun).toHaveLength(times);
    // A worker picks in turn: what was there is dealt with before what comes.
    await engine.wake("t");
    await expect.poll(() => begun).toEqual([...Array.from({ length: times }, () => "s"), "t"]);
  });

  it("lets tenants take turns, whoever has more waiting, and each has its oldest first", async () => {
    const { url } = await sharedPostgres();
    const engine = postgresEngine(url, { schema: newSchema(), maxActivations: 4, pollMs: 60_000 });
    onTestFinished(() => engine.close());
    for (const id of ["a1", "a2", "a3", "a4", "a5", "a6", "a7"]) await engine.wake(id, { tenant: "a" });
    for (const id of ["b1", "c1"]) await engine.wake(id, { tenant: id.slice(0, 1) });
    await engine.wake("nobody's");
    const begun: string[] = [];
    const ends: (() => void)[] = [];
    await engine.work({
      async activate(id) {
        begun.push(id);
        await new Promise<void>((resolve) => ends.push(resolve));
        return { now: "parked" };
      },
    });
    await expect.poll(() => begun.toSorted()).toEqual(["a1", "b1", "c1", "nobody's"]);
    await engine.wake("b2", { tenant: "b" });
    for (const [index, id] of ["a2", "b2", "a3", "a4"].entries()) {
      ends[index]?.();
      await expect.poll(() => begun.at(-1)).toBe(id);
    }
    for (const end of ends) end();
  });

  it("runs one session at a time where that is asked for, and gives it to another worker when it drains", async () => {
    const { url } = await sharedPostgres();
    const schema = newSchema();
    const [engine, other] = [1, 2].map((maxActivations) =>
      postgresEngine(url, { schema, maxActivations, pollMs: 20 }),
    ) as [Engine, Engine];
    onTestFinished(() => Promise.all([engine.close(), other.close()]).then(() => undefined));
    // So that one of their workers sweeps for all.
    expect(engine.isShared).toBe(true);
    for (const id of ["a", "b"]) await engine.wake(id);
    const begun: string[] = [];
    const activate = (id: string) => {
      begun.push(id);
      return new Promise<never>(() => undefined);
    };
    const worker = await engine.work({ activate });
    await expect.poll(() => begun).toEqual(["a"]);
    await worker.drain({ graceMs: 0 });
    expect(begun).toEqual(["a"]);
    begun.length = 0;
    await other.work({ activate });
    await expect.poll(() => begun.toSorted()).toEqual(["a", "b"]);
  });

  it("runs a session that is due again at once, without waiting for a poll", async () => {
    const { url } = await sharedPostgres();
    const engine = postgresEngine(url, { schema: newSchema(), pollMs: 60_000 });
    onTestFinished(() => engine.close());
    let activations = 0;
    const activate: ActivationHost["activate"] = async () => {
      activations += 1;
      return activations < 3 ? { now: "again", afterMs: 0 } : { now: "parked" };
    };
    const worker = await engine.work({ activate });
    await engine.wake("s");
    await expect.poll(() => activations).toBe(3);
    await worker.drain({ graceMs: 1_000 });
  });
});
