// A row that somebody keeps locked, by hand or in a transaction that hangs: the sessions of others go on.

import { setTimeout as sleep } from "node:timers/promises";

import type { Store } from "loophost";
import { postgresEngine } from "loophost/engines/postgres";
import { Pool } from "pg";
import { describe, expect, it, onTestFinished } from "vitest";

import { startProxy } from "./proxy.ts";
import { newSchema, openedStore } from "./schemas.ts";
import { sharedPostgres, skipped, whyNoPostgres } from "./server.ts";

const LEASE_MS = 60_000;
const LEASE = { owner: "the owner", ttlMs: LEASE_MS };
const IDS = Array.from({ length: 20 }, (_, index) => `s${index}`);
/** Less than a store waits for its database. */
const LATE_MS = 8_000;

describe.skipIf(whyNoPostgres !== undefined)(`a row that stays locked${skipped}`, () => {
  it("holds up nobody else's claims, appends and renewals, and its own are done once it is free", async () => {
    const { store, lock, unlock, schema } = await lockable();
    const fences = await claimed(store, [...IDS, "stuck", "stuck too"]);
    await lock(`SELECT FROM ${schema}.logs WHERE id LIKE 'stuck%' FOR UPDATE`);
    let isOver = false;
    const append = (id: string) => store.log.append(id, fences.get(id) ?? 0, [id]);
    const stuck = Promise.all([append("stuck"), store.log.claim("stuck too", { ...LEASE, force: true })]);
    stuck.finally(() => (isOver = true)).catch(() => undefined);
    // Together with one that is locked, and once more.
    await inTime(Promise.all(IDS.map(append)));
    await inTime(Promise.all(IDS.map(append)));
    await inTime(
      claimed(
        store,
        IDS.map((id) => `new ${id}`),
      ),
    );
    const renew = (id: string) => store.log.renew(id, fences.get(id) ?? 0, LEASE_MS);
    const renewing = renew("stuck");
    await inTime(Promise.all(IDS.map(renew)));
    expect(isOver).toBe(false);
    await unlock();
    expect(await stuck).toEqual([1, expect.any(Number)]);
    await renewing;
    expect(await append("stuck")).toBe(2);
  });

  it("holds up nobody else's wakes and picks", async () => {
    const { store, url, lock, unlock, admin, schema } = await lockable();
    await claimed(store, ["any"]); // which makes the tables
    const begun: string[] = [];
    const engine = postgresEngine(url, { schema, pollMs: 50 });
    onTestFinished(() => engine.close());
    // Of a worker that is gone: it is freed by others, and so would be before it is locked, were one at work.
    await admin.query(`INSERT INTO ${schema}.wakes (session, due, worker) VALUES ('stuck', now(), 4711)`);
    await lock(`SELECT FROM ${schema}.wakes WHERE session = 'stuck' FOR UPDATE`);
    await engine.work({
      async activate(id) {
        begun.push(id);
        return { now: "parked" };
      },
    });
    const woken = engine.wake("stuck");
    await inTime(Promise.all(IDS.map((id) => engine.wake(id))));
    await expect.poll(() => begun.toSorted()).toEqual(IDS.toSorted());
    await unlock();
    await woken;
    await expect.poll(() => begun).toContain("stuck");
  });

  it.each([
    ["records", (store: Store) => (id: string) => store.records.put("stuck", id, "changed")],
    ["records, to be deleted", (store: Store) => (id: string) => store.records.delete("stuck", id)],
    [
      "logs",
      (store: Store, fences: ReadonlyMap<string, number>) => (id: string) =>
        store.log.append(id, fences.get(id) ?? 0, [id]),
    ],
  ])(
    "holds up nobody else where a store has few connections, and more rows than those are locked: %s",
    async (_, ask) => {
      const pool = new Pool({ connectionString: (await sharedPostgres()).url, max: 3 });
      onTestFinished(() => pool.end());
      const { store, lock, unlock, schema } = await lockable({ url: pool, maxWaitMs: 60_000 });
      const stuck = IDS.slice(0, 10);
      for (const id of stuck) await store.records.put("stuck", id, "first");
      const fences = await claimed(store, [...stuck, "free"]);
      await lock(
        `SELECT FROM ${schema}.logs WHERE id <> 'free' FOR UPDATE; SELECT FROM ${schema}.records FOR UPDATE`,
      );
      const asked = Promise.all<unknown>(stuck.map((id) => ask(store, fences)(id)));
      asked.catch(() => undefined);
      // Let it be found out that they are locked.
      await sleep(2_000);
      const at = performance.now();
      for (let n = 1; n <= 4; n += 1) {
        await store.log.append("free", fences.get("free") ?? 0, [n]);
        await store.records.put("free", "free", n);
      }
      expect(performance.now() - at).toBeLessThan(4_000);
      await unlock();
      await asked;
    },
  );

  it("says so when it stays locked for too long", async () => {
    const { store, lock, schema } = await lockable({ maxWaitMs: 1_000 });
    const fences = await claimed(store, ["stuck"]);
    await store.records.put("locked", "stuck", 1);
    await lock(`SELECT FROM ${schema}.logs FOR UPDATE; SELECT FROM ${schema}.records FOR UPDATE`);
    for (const work of [
      () => store.log.append("stuck", fences.get("stuck") ?? 0, [1]),
      () => store.log.claim("stuck", LEASE),
      () => store.log.delete("stuck", fences.get("stuck") ?? 0),
      () => store.records.put("locked", "stuck", 2),
      () => store.records.delete("locked", "stuck"),
    ])
      await expect(work()).rejects.toMatchObject({
        code: "store_failed",
        message: expect.stringContaining("somebody keeps it locked"),
      });
  });

  it("is waited for anew by statements that somebody cancels", async () => {
    const { store, lock, unlock, admin, schema } = await lockable();
    const fences = await claimed(store, ["s", "other"]);
    await store.records.put("locked", "s", 1);
    await lock(`SELECT FROM ${schema}.logs FOR UPDATE; SELECT FROM ${schema}.records FOR UPDATE`);
    const asked = Promise.all([
      store.log.append("s", fences.get("s") ?? 0, ["an entry"]),
      store.log.claim("other", { ...LEASE, force: true }),
      store.records.put("locked", "s", 2),
    ]);
    const cancel = `SELECT pg_cancel_backend(pid) FROM pg_stat_activity
      WHERE cardinality(pg_blocking_pids(pid)) > 0 AND query LIKE '%${schema}%'`;
    let cancelled = 0;
    await expect
      .poll(async () => (cancelled += (await admin.query(cancel)).rowCount ?? 0))
      .toBeGreaterThan(5);
    await unlock();
    expect(await asked).toEqual([1, expect.any(Number), undefined]);
    expect(await store.records.get("locked", "s")).toBe(2);
  });

  it("does not use up the lease of who claims it", async () => {
    const { store, lock, unlock, isWaitedFor, admin, schema } = await lockable();
    const fence = (await claimed(store, ["s"])).get("s") ?? 0;
    await store.log.release("s", fence);
    await lock(`SELECT FROM ${schema}.logs FOR UPDATE`);
    const claiming = store.log.claim("s", LEASE);
    await isWaitedFor();
    const { rows } = await admin.query("SELECT clock_timestamp()::text AS at");
    await unlock();
    await claiming;
    const isWhole = `SELECT lease_until >= $1::timestamptz + interval '${LEASE_MS} ms' AS whole FROM ${schema}.logs`;
    expect((await admin.query(isWhole, [rows[0].at])).rows).toEqual([{ whole: true }]);
  });

  it("does not make appends forget that they may be written already", async () => {
    const { url, loseReplyTo } = await startProxy(await sharedPostgres());
    const { store, lock, unlock, admin, schema } = await lockable({ url });
    const fences = await claimed(store, ["a", "b"]);
    const append = (id: string, text: string) => store.log.append(id, fences.get(id) ?? 0, [text]);
    await Promise.all([append("a", "first"), append("b", "first")]);
    // What updates them hangs at its end, as one that waits for a standby does.
    await admin.query(`CREATE FUNCTION ${schema}.hang() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NULL; END $$;
      CREATE TRIGGER hang AFTER UPDATE ON ${schema}.logs EXECUTE FUNCTION ${schema}.hang()`);
    await lock("SELECT pg_advisory_xact_lock(4711)");
    const broken = loseReplyTo("the second", "whileIsDone");
    const appends = Promise.all([append("a", "the second"), append("b", "the second")]);
    await broken;
    // The next attempt waits behind the first, and is cancelled.
    const cancel = `SELECT pg_cancel_backend(pid) FROM pg_stat_activity
      WHERE cardinality(pg_blocking_pids(pid)) > 0 AND wait_event = 'transactionid' AND query LIKE '%${schema}%'`;
    await expect.poll(async () => (await admin.query(cancel)).rowCount).toBe(1);
    await unlock();
    expect(await appends).toEqual([2, 2]);
    for (const id of ["a", "b"])
      expect((await store.log.read(id, 0, 10)).map(({ entry }) => entry)).toEqual(["first", "the second"]);
  });
});

/** A store, and somebody who locks its rows. */
async function lockable({
  url,
  maxWaitMs = 20_000,
}: { readonly url?: string | Pool; readonly maxWaitMs?: number } = {}) {
  const server = await sharedPostgres();
  const schema = newSchema();
  const store = openedStore(url ?? server.url, { schema, maxWaitMs });
  const admin = new Pool({ connectionString: server.url });
  const locker = await admin.connect();
  onTestFinished(async () => {
    await locker.query("ROLLBACK");
    locker.release();
    await admin.end();
  });
  return {
    store,
    url: server.url,
    admin,
    schema,
    /** Locks until `unlock()`. */
    lock: async (sql: string) => {
      await locker.query("BEGIN");
      await locker.query(sql);
    },
    unlock: () => locker.query("COMMIT"),
    /** Resolves when somebody waits for the lock. */
    isWaitedFor: async () => {
      const { rows } = await locker.query("SELECT pg_backend_pid() AS pid");
      const waiting = "SELECT FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))";
      await expect.poll(async () => (await admin.query(waiting, [rows[0].pid])).rowCount).toBe(1);
    },
  };
}

async function claimed(store: Store, ids: readonly string[]): Promise<ReadonlyMap<string, number>> {
  return new Map(await Promise.all(ids.map(async (id) => [id, await store.log.claim(id, LEASE)] as const)));
}

async function inTime(work: Promise<unknown>): Promise<void> {
  const late = new Promise((_, reject) => setTimeout(reject, LATE_MS, new Error("it had to wait")).unref());
  await Promise.race([work, late]);
}
