// What sessions ask of the database at one moment: few statements, each with a bound in bytes, and everybody's own answer.

import { Pool } from "pg";
import { describe, expect, it, onTestFinished } from "vitest";

import { Batch } from "../../../src/stores/postgres/batch.ts";
import type { Database, Row } from "../../../src/stores/postgres/database.ts";
import { postgresInbox } from "../../../src/stores/postgres/inbox.ts";
import type { PostgresPool } from "../../../src/stores/postgres/pool.ts";
import { postgresRecords } from "../../../src/stores/postgres/records.ts";
import { newSchema, openedStore, preparedOn } from "./schemas.ts";
import { sharedPostgres, skipped, whyNoPostgres } from "./server.ts";

const LARGE = "x".repeat(600_000);
const IDS = Array.from({ length: 30 }, (_, index) => `s${index}`);

describe.skipIf(whyNoPostgres !== undefined)(`asks of one moment${skipped}`, () => {
  /** A store, and the statements that were sent since it was asked last. */
  async function counted() {
    const pool = new Pool({ connectionString: (await sharedPostgres()).url });
    const sent: string[] = [];
    const counting: PostgresPool = {
      connect: () => pool.connect(),
      query(text, values) {
        sent.push(text);
        return pool.query(text, values);
      },
    };
    const schema = newSchema();
    const store = openedStore(counting, { schema }, (close) =>
      onTestFinished(() => close().then(() => pool.end())),
    );
    return { store, schema, statements: () => sent.splice(0).length };
  }

  it("share statements: claims, reads of records, inboxes and logs, and what lets go of logs", async () => {
    const { store, statements } = await counted();
    const another = await store.log.claim("another", { owner: "o", ttlMs: 60_000 });
    statements();
    const fences = await Promise.all(IDS.map((id) => store.log.claim(id, { owner: "o", ttlMs: 60_000 })));
    expect(statements()).toBeLessThan(4);
    expect(new Set([another, ...fences]).size).toBe(IDS.length + 1);
    await Promise.all(IDS.map((id, index) => store.log.append(id, fences[index] ?? 0, [id, "two"])));
    await Promise.all(IDS.map((id) => store.records.put("c", id, id)));
    for (const id of IDS) await store.inbox.post(id, { key: "k", body: id });
    statements();
    expect(await Promise.all(IDS.map((id) => store.records.get("c", id)))).toEqual(IDS);
    expect(await store.records.get("c", "none")).toBeUndefined();
    const inboxes = await Promise.all(IDS.map((id) => store.inbox.read(id, 10)));
    expect(inboxes.map((items) => items.map(({ body }) => body))).toEqual(IDS.map((id) => [id]));
    const logs = await Promise.all(IDS.map((id, index) => store.log.read(id, index % 2, 10)));
    expect(logs.map((page) => page.map(({ entry }) => entry))).toEqual(
      IDS.map((id, index) => [id, "two"].slice(index % 2)),
    );
    await Promise.all(IDS.map((id, index) => store.log.release(id, fences[index] ?? 0)));
    expect(statements()).toBeLessThan(10);
  });

  it("are made again, alone if need be, where their answers together are too large", async () => {
    const { store, statements } = await counted();
    const ids = IDS.slice(0, 5);
    const fences = await Promise.all(ids.map((id) => store.log.claim(id, { owner: "o", ttlMs: 60_000 })));
    await Promise.all(ids.map((id, index) => store.log.append(id, fences[index] ?? 0, [LARGE])));
    await Promise.all(ids.map((id) => store.records.put("c", id, LARGE)));
    for (const id of ids) for (const key of ["1", "2"]) await store.inbox.post(id, { key, body: LARGE });
    statements();
    for (const value of await Promise.all(ids.map((id) => store.records.get("c", id))))
      expect(value).toBe(LARGE);
    for (const page of await Promise.all(ids.map((id) => store.log.read(id, 0, 10))))
      expect(page).toEqual([{ seq: 1, entry: LARGE }]);
    for (const items of await Promise.all(ids.map((id) => store.inbox.read(id, 10))))
      expect(items.map(({ body }) => body)).toEqual([LARGE, LARGE]);
    expect(statements()).toBeGreaterThan(8);
  });

  it("share what is posted: a key counts once, whoever posts it, and an inbox that is full refuses what is its own", async () => {
    const { store, schema, statements } = await counted();
    const other = openedStore((await sharedPostgres()).url, { schema });
    await Promise.all(IDS.map((key) => store.inbox.post("s", { key, body: key })));
    statements();
    const keys = ["new", "s1", "new", "newer"];
    const receipts = await Promise.all(keys.map((key, body) => store.inbox.post("s", { key, body })));
    expect(statements()).toBe(1);
    expect(receipts.map(({ isNew }) => isNew)).toEqual([true, false, false, true]);
    const [first, , again, last] = receipts.map(({ n }) => n);
    expect([again, last]).toEqual([first, (first ?? 0) + 1]);
    const posted = await store.inbox.read("s", 100);
    expect(posted.map(({ key }) => key)).toEqual([...IDS, "new", "newer"]);
    expect(posted.slice(-2).map(({ body }) => body)).toEqual([0, 3]);
    const room = 1_000 - posted.length;
    const many = Array.from({ length: room + 3 }, (_, index) =>
      store.inbox.post("s", { key: `k${index}`, body: 1 }),
    );
    const outcomes = await Promise.allSettled([...many, store.inbox.post("other", { key: "k", body: 1 })]);
    const refused = outcomes.flatMap((outcome, index) => (outcome.status === "rejected" ? [index] : []));
    expect(refused).toEqual([room, room + 1, room + 2]);
    expect(outcomes[room]).toMatchObject({ reason: { code: "inbox_full" } });
    // Both at once.
    const both = await Promise.all(
      [store, other].map(({ inbox }) => inbox.post("s 2", { key: "k", body: 1 })),
    );
    expect(both.filter(({ isNew }) => isNew)).toHaveLength(1);
    expect(new Set(both.map(({ n }) => n)).size).toBe(1);
  });

  it("are planned once for a connection, however few are asked at a time", async () => {
    const pool = new Pool({ connectionString: (await sharedPostgres()).url, max: 1 });
    onTestFinished(() => pool.end());
    const database = preparedOn(pool);
    const [records, inbox] = [postgresRecords(database), postgresInbox(database)];
    for (let times = 0; times < 8; times += 1) {
      await records.get("c", "k");
      await inbox.read("s", 1);
      await inbox.post(`s${times}`, { key: "k", body: 1 });
    }
    const plans = await pool.query("SELECT generic_plans > 0 AS is_kept FROM pg_prepared_statements");
    expect(plans.rows.map(({ is_kept: isKept }) => isKept)).toEqual([true, true, true]);
  });

  it("do not fail with one among them that is refused", async () => {
    const pool = new Pool({ connectionString: (await sharedPostgres()).url });
    const store = openedStore(
      {
        connect: () => pool.connect(),
        query: (text, values) =>
          JSON.stringify(values ?? []).includes("damaged")
            ? Promise.reject(Object.assign(new Error("invalid page in block 0"), { code: "XX001" }))
            : pool.query(text, values),
      },
      { schema: newSchema() },
      (close) => onTestFinished(() => close().then(() => pool.end())),
    );
    await store.records.put("c", "sound", 1);
    const read = await Promise.allSettled(
      ["sound", "damaged", "none"].map((key) => store.records.get("c", key)),
    );
    expect(read).toMatchObject([
      { value: 1 },
      {
        reason: {
          code: "store_damaged",
          message: expect.stringMatching(/^Record c\/damaged could not be read: /),
        },
      },
      { value: undefined },
    ]);
  });
});

/** A batch whose statements are answered by hand. */
function heldBatch() {
  const statements: { readonly asked: readonly unknown[]; readonly answer: () => void }[] = [];
  const database = {
    sql: (text: string) => text,
    queryMany: (_: string, __: string, [asked = []]: readonly (readonly unknown[])[]) =>
      new Promise<readonly Row[]>((resolve) => {
        const rows = asked.map((value, index) => ({ at: index + 1, value }));
        statements.push({ asked, answer: () => resolve(rows) });
      }),
  };
  const turn = async () => {
    for (let times = 0; times < 2; times += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    batch: new Batch(database as unknown as Database, "a statement"),
    turn,
    asked: () => statements.map((statement) => statement.asked),
    answer: async () => {
      for (const { answer } of statements) answer();
      await turn();
    },
  };
}

it("has two statements under way, and asks what came meanwhile in the next one", async () => {
  const { batch, turn, asked, answer } = heldBatch();
  const answers: Promise<readonly Row[]>[] = [];
  for (const value of ["a", "b", "c", "d"]) {
    answers.push(batch.ask("It failed", [value]));
    await turn();
  }
  expect(asked()).toEqual([["a"], ["b"]]);
  await answer();
  expect(asked().slice(2)).toEqual([["c", "d"]]);
  await answer();
  const values = (await Promise.all(answers)).map(([row]) => row?.["value"]);
  expect(values).toEqual(["a", "b", "c", "d"]);
});

it("asks no more at once than a statement may hold, and refuses what would fill the memory", async () => {
  const { batch, turn, asked, answer } = heldBatch();
  const ask = (value: string, chars: number) => batch.ask("It failed", [value], chars);
  const answers = [ask("a", 3e6), ask("b", 3e6), ask("c", 1e6), ask("d", 240e6)];
  await expect(ask("e", 10e6)).rejects.toThrow("It failed: too much waits for the database already.");
  await turn();
  expect(asked()).toEqual([["a"], ["b", "c"]]);
  await answer();
  expect(asked().slice(2)).toEqual([["d"]]);
  await answer();
  await Promise.all(answers);
  answers.push(ask("e", 10e6));
  await turn();
  await answer();
  expect(asked().slice(3)).toEqual([["e"]]);
});
