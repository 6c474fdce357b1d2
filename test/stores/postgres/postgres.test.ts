// What the PostgreSQL store takes and refuses, and what is its own beside the contract.

import type { Store } from "loophost";
import type { PostgresPool } from "loophost/stores/postgres";
import { postgresStore, postgresStoreSql } from "loophost/stores/postgres";
import type { PoolConfig } from "pg";
import { Pool } from "pg";
import { describe, expect, it, onTestFinished } from "vitest";

import { withoutPassword } from "../../../src/stores/postgres/pool.ts";
import { newSchema, openedStore, preparedOn } from "./schemas.ts";
import { ownPostgres, sharedPostgres, skipped, whyNoPostgres } from "./server.ts";

const LONG = { owner: "the owner", ttlMs: 60_000 };

async function openPool(options: PoolConfig = {}): Promise<Pool> {
  const { url } = await sharedPostgres();
  const pool = new Pool({ connectionString: url, ...options });
  onTestFinished(() => pool.end());
  return pool;
}

/** A pool that counts the statements that hold some words. */
function counting(pool: Pool, words: string): { pool: PostgresPool; count: () => number } {
  let count = 0;
  return {
    pool: {
      query(text, values) {
        if (text.includes(words)) count += 1;
        return pool.query(text, values);
      },
      connect: () => pool.connect(),
    },
    count: () => count,
  };
}

describe("postgresStore()", () => {
  it.each([
    ["no address", 7, undefined],
    ["a path", "sessions.db", undefined],
    ["an address of something else", "mysql://host/db", undefined],
    ["an address that is none", "postgres://[", undefined],
    ["a schema with quotes", "postgres://host/db", { schema: 'a"b' }],
    ["a schema of the database's own", "postgres://host/db", { schema: "pg_x" }],
    ["no time at all", "postgres://host/db", { maxWaitMs: 0 }],
    ["an option there is not", "postgres://host/db", { schemas: "x" }],
    ["a pool with one connection", { query() {}, connect() {}, options: { max: 1 } }, undefined],
  ])("refuses %s", (_, database, options) => {
    const open = () => Reflect.apply(postgresStore, undefined, [database, options]);
    expect(open).toThrow(expect.objectContaining({ code: "invalid_options" }));
  });

  it("shows an address without its secrets", () => {
    expect(withoutPassword("postgres://me:se:c@ret@host:1/db?sslpassword=x&a=b")).toBe(
      "postgres://me@host:1/db?a=b",
    );
    expect(withoutPassword("postgresql://me@/db?host=/tmp&password=x")).toBe("postgresql://me@/db?host=/tmp");
    expect(withoutPassword("postgres://host/db")).toBe("postgres://host/db");
  });

  it("says that nobody listens, and shows no password", async () => {
    const store = openedStore("postgres://me:secret@127.0.0.1:1/db", { maxWaitMs: 100 });
    const failure: unknown = await store.records.get("c", "k").catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({ code: "store_failed" });
    expect(String(failure)).toContain("nobody listens there");
    expect(JSON.stringify([String(failure), failure])).not.toContain("secret");
  });
});

describe.skipIf(whyNoPostgres !== undefined)(`a database${skipped}`, () => {
  it.each([
    ["fsync=off", "fsync is off"],
    ["synchronous_commit=off", "synchronous_commit is off"],
  ])("with %s is refused, unless it may be", async (setting, why) => {
    const server = await ownPostgres([setting]);
    onTestFinished(() => server.stop());
    const strict = openedStore(server.url);
    await expect(strict.records.get("c", "k")).rejects.toMatchObject({
      code: "store_failed",
      message: expect.stringContaining(why),
    });
    const relaxed = openedStore(server.url, { durability: "relaxed" });
    await relaxed.records.put("c", "k", 1);
    expect(await relaxed.records.get("c", "k")).toBe(1);
  });

  it("that is not there is missed at once", async () => {
    const { url } = await sharedPostgres();
    const store = openedStore(url.replace("/postgres?", "/nowhere?"), { maxWaitMs: 600_000 });
    await expect(store.records.get("c", "k")).rejects.toThrow("there is no such database");
  });

  it("is left alone by a store that may not migrate it, until somebody ran the SQL", async () => {
    const pool = await openPool();
    const schema = newSchema();
    const store = openedStore(pool, { schema, migrate: "refuse" });
    await expect(store.records.get("c", "k")).rejects.toThrow(
      `"${schema}" of the store is not there, this code needs version 3`,
    );
    await pool.query(postgresStoreSql({ schema }));
    await store.records.put("c", "k", 1);
    expect(await store.records.get("c", "k")).toBe(1);
  });

  it("of version 1 is brought up to date with what is in it, while code of version 1 still works", async () => {
    const pool = await openPool();
    const schema = newSchema();
    const [first = ""] = postgresStoreSql({ schema }).split("-- version 2");
    await pool.query(`${first}COMMIT`);
    await pool.query(`INSERT INTO ${schema}.wakes (session, due) VALUES ('s', now())`);
    await openedStore(pool, { schema }).records.put("c", "k", 1);
    await pool.query(`INSERT INTO ${schema}.wakes (session, due) VALUES ('t', now())`);
    await pool.query(`INSERT INTO ${schema}.workers (name, until) VALUES ('older', now())`);
    const { rows } = await pool.query(`SELECT session, tenant FROM ${schema}.wakes ORDER BY session`);
    expect(rows).toEqual([
      { session: "s", tenant: "" },
      { session: "t", tenant: "" },
    ]);
    expect(postgresStoreSql({ schema, from: 1 })).not.toContain("CREATE TABLE logs");
  });

  it("is used when a newer loophost says so, and refused otherwise", async () => {
    const pool = await openPool();
    const schema = newSchema();
    await openedStore(pool, { schema }).records.put("c", "k", 1);
    await pool.query(`UPDATE ${schema}.meta SET version = 9`);
    expect(await openedStore(pool, { schema }).records.get("c", "k")).toBe(1);
    await pool.query(`UPDATE ${schema}.meta SET oldest_code = 9`);
    await expect(openedStore(pool, { schema }).records.get("c", "k")).rejects.toThrow(
      "its version is 9, this one knows 3",
    );
  });

  it("with tables of somebody else in the schema is left as it is", async () => {
    const pool = await openPool();
    const schema = newSchema();
    await pool.query(`CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.logs (theirs int)`);
    const store = openedStore(pool, { schema });
    await expect(store.records.get("c", "k")).rejects.toThrow("has tables of somebody else");
    const { rows } = await pool.query("SELECT tablename FROM pg_tables WHERE schemaname = $1", [schema]);
    expect(rows).toEqual([{ tablename: "logs" }]);
  });

  it("is made once by many who open it at the same moment", async () => {
    const { url } = await sharedPostgres();
    const schema = newSchema();
    const stores = Array.from({ length: 8 }, () => openedStore(url, { schema }));
    await Promise.all(stores.map((store, index) => store.records.put("c", String(index), index)));
    expect(await stores[0]?.records.list("c", "", 10)).toHaveLength(8);
  });

  it("takes what many sessions write at once in few statements", async () => {
    const { pool, count } = counting(await openPool(), "ORDINALITY");
    const { log } = openedStore(pool, { schema: newSchema() });
    const ids = Array.from({ length: 100 }, (_, index) => `s${index}`);
    const fences = await Promise.all(ids.map((id) => log.claim(id, { owner: "o", ttlMs: 0 })));
    const lasts = await Promise.all(
      ids.flatMap((id, index) => [
        log.append(id, fences[index] ?? 0, ["a", "b"]),
        log.append(id, fences[index] ?? 0, ["c"]),
      ]),
    );
    expect(lasts).toEqual(ids.flatMap(() => [2, 3]));
    expect(count()).toBeLessThanOrEqual(4);
  });

  it("fails the append alone that cannot be written, and takes the others of its statement", async () => {
    const pool = await openPool();
    const schema = newSchema();
    const { log } = openedStore(pool, { schema });
    const fences = [await log.claim("a", LONG), await log.claim("b", LONG)];
    await pool.query(`ALTER TABLE ${schema}.entries ADD CONSTRAINT short CHECK (length(entry) < 100)`);
    const outcomes = await Promise.allSettled([
      log.append("a", fences[0] ?? 0, ["x".repeat(200)]),
      log.append("b", fences[1] ?? 0, ["fine"]),
    ]);
    expect(outcomes).toMatchObject([{ reason: { code: "store_failed" } }, { value: 1 }]);
    expect(await log.append("a", fences[0] ?? 0, ["short"])).toBe(1);
  });

  it("writes the same record for two sessions at once, one after the other", async () => {
    const { url } = await sharedPostgres();
    const { log, records } = openedStore(url, { schema: newSchema() });
    const fences = [await log.claim("a", LONG), await log.claim("b", LONG)];
    const put = (value: number) => ({ records: [{ collection: "c", key: "k", value }] });
    const lasts = await Promise.all([
      log.append("a", fences[0] ?? 0, ["x"], put(1)),
      log.append("a", fences[0] ?? 0, ["y"], put(2)),
      log.append("b", fences[1] ?? 0, ["z"], put(3)),
    ]);
    expect(lasts).toEqual([1, 2, 1]);
    expect(await records.get("c", "k")).toBe(3);
  });

  it("never releases or claims before what was appended first", async () => {
    const { url } = await sharedPostgres();
    const { log } = openedStore(url, { schema: newSchema() });
    const fence = await log.claim("s", LONG);
    const [last, , next] = await Promise.all([
      log.append("s", fence, ["a"]),
      log.release("s", fence),
      log.claim("s", LONG),
    ]);
    expect([last, next > fence]).toEqual([1, true]);
  });

  it.each([
    ["an entry", "UPDATE @.entries SET entry = '\"x\"' WHERE seq = 2"],
    ["an entry that is gone", "DELETE FROM @.entries WHERE seq = 2"],
    ["the last entry that is gone", "DELETE FROM @.entries WHERE seq = 3"],
    ["entries that changed places", "UPDATE @.entries SET seq = CASE seq WHEN 1 THEN 9 ELSE seq - 1 END"],
    ["the end of a log", "UPDATE @.logs SET sum = sum + 1"],
    ["a record", "UPDATE @.records SET value = '2'"],
    ["an item", "UPDATE @.inbox SET body = '2'"],
  ])("that holds other than was written says so: %s", async (_, sql) => {
    const pool = await openPool();
    const schema = newSchema();
    const store = openedStore(pool, { schema });
    const fence = await store.log.claim("s", LONG);
    await store.log.append("s", fence, ["a", "b", "c"]);
    await store.records.put("c", "k", 1);
    await store.inbox.post("s", { key: "k", body: 1 });
    await pool.query(sql.replaceAll("@.", `${schema}.`));
    await expect(readAll(store)).rejects.toMatchObject({ code: "store_damaged" });
  });

  it("gives a log in pages that are not too large", async () => {
    const { url } = await sharedPostgres();
    const { log } = openedStore(url, { schema: newSchema() });
    const fence = await log.claim("s", LONG);
    for (let batch = 0; batch < 4; batch += 1)
      await log.append(
        "s",
        fence,
        Array.from({ length: 3 }, () => "x".repeat(300_000)),
      );
    const lengths = [];
    for (let after = 0; after < 12;) {
      const page = await log.read("s", after, 100);
      lengths.push(page.length);
      after += page.length;
    }
    expect(lengths).toEqual([4, 4, 4]);
  });

  it.each([["a\0b"], ["half \ud83d"], ["x".repeat(1_201)]])(
    "refuses a name it cannot hold: %j",
    async (name) => {
      const { url } = await sharedPostgres();
      const store = openedStore(url, { schema: newSchema() });
      const attempts = [
        () => store.log.claim(name, LONG),
        () => store.log.append("s", 1, ["a"], { records: [{ collection: name, key: "k", value: 1 }] }),
        () => store.records.put("c", name, 1),
        () => store.inbox.post(name, { key: "k", body: 1 }),
      ];
      for (const attempt of attempts)
        await expect(attempt()).rejects.toMatchObject({ code: "invalid_options" });
    },
  );

  it("without a direct connection lets leases end with their time alone", async () => {
    const { url } = await sharedPostgres();
    const schema = newSchema();
    const [store, rival] = [postgresStore(url, { schema, directUrl: null }), openedStore(url, { schema })];
    await store.log.claim("s", LONG);
    await store.close();
    await expect(rival.log.claim("s", LONG)).rejects.toMatchObject({ code: "session_owned" });
  });

  it("leaves the pool of the application as it was", async () => {
    const pool = await openPool();
    const store = postgresStore(pool, { schema: newSchema() });
    await store.log.claim("s", LONG);
    await store.close();
    await store.close();
    expect((await pool.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
    expect(pool.totalCount - pool.idleCount).toBe(0);
    await expect(store.records.get("c", "k")).rejects.toThrow("The store is closed");
  });

  it("prepares its statements once for each connection, and goes on without where a pooler forgets them", async () => {
    const pool = await openPool({ max: 1 });
    const database = preparedOn(pool);
    const prepared = async () => (await pool.query("SELECT FROM pg_prepared_statements")).rowCount;
    const one = () => database.once("SELECT $1::int AS one", [1]);
    await one();
    expect(await one()).toEqual([{ one: 1 }]);
    expect(await prepared()).toBe(1);
    await pool.query("DEALLOCATE ALL");
    expect(await one()).toEqual([{ one: 1 }]);
    expect(await one()).toEqual([{ one: 1 }]);
    expect(await prepared()).toBe(0);
    await expect(database.once("SELECT 1 / $1::int", [0])).rejects.toThrow("division by zero");
  });

  it("renews the leases of all sessions in one statement; one that was replaced does not spoil the others", async () => {
    const { pool, count } = counting(await openPool(), "SET lease_until");
    const { log } = openedStore(pool, { schema: newSchema() });
    const ids = Array.from({ length: 50 }, (_, index) => `s${index}`);
    const fences = await Promise.all(ids.map((id) => log.claim(id, LONG)));
    await log.claim("s7", { ...LONG, force: true });
    const renewed = await Promise.allSettled(
      ids.map((id, index) => log.renew(id, fences[index] ?? 0, 60_000)),
    );
    expect(count()).toBe(1);
    expect(renewed.map(({ status }) => status).indexOf("rejected")).toBe(7);
    expect(renewed.filter(({ status }) => status === "rejected")).toMatchObject([
      { reason: { code: "stale_owner" } },
    ]);
  });
});

async function readAll({ log, records, inbox }: Store): Promise<void> {
  await log.read("s", 0, 10);
  await log.read("s", 1, 1);
  await records.get("c", "k");
  await inbox.read("s", 10);
}
