// How long a store waits for its database, and what becomes of what comes too late.

import { Pool } from "pg";
import { describe, expect, it, onTestFinished } from "vitest";

import { Database } from "../../../src/stores/postgres/database.ts";
import { Patience } from "../../../src/stores/postgres/patience.ts";
import type { PostgresClient, PostgresPool } from "../../../src/stores/postgres/pool.ts";
import { newSchema, openedStore } from "./schemas.ts";
import { sharedPostgres, skipped, whyNoPostgres } from "./server.ts";

it("gives back a connection that comes after the deadline, which would be lost to the pool otherwise", async () => {
  const coming = Promise.withResolvers<PostgresClient>();
  const released = Promise.withResolvers<unknown>();
  const pool = { connect: () => coming.promise } as unknown as PostgresPool;
  const database = new Database({
    place: "nowhere",
    schema: "loophost",
    migrate: "auto",
    open: () => Promise.reject(new Error("not asked")),
    maxWaitMs: 20,
    durability: "strict",
  });
  await expect(database.connect(pool)).rejects.toThrow("did not answer within 20 ms");
  coming.resolve({ release: released.resolve } as unknown as PostgresClient);
  expect(await released.promise).toBe(true);
});

it("pauses between tries for longer each time, and gives up when the time is over", async () => {
  const patience = new Patience(150);
  const startedAt = performance.now();
  let pauses = 0;
  const gone = new Error("gone");
  const pauseForever = async () => {
    for (;;) {
      await patience.pause(gone);
      pauses += 1;
    }
  };
  await expect(pauseForever()).rejects.toBe(gone);
  // At least half of 20 ms and of 40.
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(28);
  expect(pauses).toBeLessThan(6);
});

describe.skipIf(whyNoPostgres !== undefined)(`the PostgreSQL store${skipped}`, () => {
  it("takes a wait longer than a timer can be", async () => {
    const { url } = await sharedPostgres();
    const store = openedStore(url, { schema: newSchema(), maxWaitMs: 1e12 });
    await store.records.put("c", "k", 1);
    expect(await store.records.get("c", "k")).toBe(1);
  });

  it("gives back the connection over which it made its tables", async () => {
    const { url } = await sharedPostgres();
    const pool = new Pool({ connectionString: url });
    onTestFinished(() => pool.end());
    let closed = 0;
    pool.on("remove", () => (closed += 1));
    await openedStore(pool, { schema: newSchema() }).records.put("c", "k", 1);
    expect(closed).toBe(0);
  });

  it("refuses a name it cannot hold in whatever is asked of it", async () => {
    const { url } = await sharedPostgres();
    const { log, records, inbox } = openedStore(url, { schema: newSchema() });
    const name = "half \ud83d";
    const calls: Record<string, () => Promise<unknown>> = {
      claim: () => log.claim(name, { owner: "o", ttlMs: 1_000 }),
      renew: () => log.renew(name, 1, 1_000),
      release: () => log.release(name, 1),
      append: () => log.append(name, 1, ["a"]),
      read: () => log.read(name, 0, 1),
      "log.delete": () => log.delete(name, 1),
      get: () => records.get("c", name),
      put: () => records.put(name, "k", 1),
      "records.delete": () => records.delete("c", name),
      list: () => records.list(name, "", 1),
      post: () => inbox.post("s", { key: name, body: 1 }),
      "inbox.read": () => inbox.read(name, 1),
      waiting: () => inbox.waiting(name, 1),
    };
    for (const [call, work] of Object.entries(calls))
      await expect(work(), call).rejects.toMatchObject({
        code: "invalid_options",
        message: expect.stringContaining("holds half a character, which not every store can keep") as string,
      });
  });

  it("reads one thing at a time where that is asked for, and nothing where nothing is", async () => {
    const { url } = await sharedPostgres();
    const { log, records, inbox } = openedStore(url, { schema: newSchema() });
    const longest = "n".repeat(1_200);
    const fence = await log.claim(longest, { owner: "o", ttlMs: 60_000 });
    await log.append(longest, fence, ["a", "b"]);
    for (const key of ["k", "l"]) {
      await records.put("c", key, key);
      expect(await inbox.post(longest, { key, body: key })).toMatchObject({ isNew: true });
    }
    const read = (limit: number) =>
      Promise.all([
        log.read(longest, 0, limit),
        records.list("c", "", limit),
        inbox.read(longest, limit),
        inbox.waiting("", limit),
      ]);
    expect((await read(1)).map(({ length }) => length)).toEqual([1, 1, 1, 1]);
    expect(await read(0)).toEqual([[], [], [], []]);
  });
});
