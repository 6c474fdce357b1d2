// What sessions ask of the database at one moment: few statements, each with a bound in bytes, and everybody's own answer.

import { Pool } from "pg";
import { describe, expect, it, onTestFinished } from "vitest";

import { Batch } from "../../../src/stores/postgres/batch.ts";
import type { Database, Row } from "../../../src/stores/postgres/database.ts";
import type { PostgresPool } from "../../../src/stores/postgres/pool.ts";
import { newSchema, openedStore } from "./schemas.ts";
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
    const store = openedStore(counting, { schema: newSchema() }, (close) =>
      onTestFinished(() => close().then(() => pool.end())),
    );
    return { store, statements: () => sent.splice(0).length };
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
    for (const id of ids) for (const key of ["1", "2", "3"]) await store.inbox.post(id, { key, body: LARGE });
    statements();
    for (const value of await Promise.all(ids.map((id) => store.records.get("c", id))))
      expect(value).toBe(LARGE);
    for (const page of await Promise.all(ids.map((id) => store.log.read(id, 0, 10))))
      expect(page).toEqual([{ seq: 1, entry: LARGE }]);
    for (const items of await Promise.all(ids.map((id) => store.inbox.read(id, 10))))
      expect(items.map(({ body }) => body)).toEqual([LARGE, LARGE, LARGE]);
    expect(statements()).toBeGreaterThan(8);
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

it("has two statements under way, and asks what came meanwhile in the next one", async () => {
  const statements: { readonly asked: readonly unknown[]; readonly answer: () => void }[] = [];
  const database = {
    sql: (text: string) => text,
    queryMany: (_: string, __: string, [asked = []]: readonly (readonly unknown[])[]) =>
      new Promise<readonly Row[]>((resolve) => {
        const rows = asked.map((value, index) => ({ at: index + 1, value }));
        statements.push({ asked, answer: () => resolve(rows) });
      }),
  };
  const batch = new Batch(database as unknown as Database, "a statement");
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const answers: Promise<readonly Row[]>[] = [];
  for (const value of ["a", "b", "c", "d"]) {
    answers.push(batch.ask("It failed", [value]));
    await turn();
    await turn();
  }
  const asked = () => statements.map((statement) => statement.asked);
  expect(asked()).toEqual([["a"], ["b"]]);
  for (const { answer } of statements) answer();
  await turn();
  await turn();
  expect(asked().slice(2)).toEqual([["c", "d"]]);
  statements[2]?.answer();
  const values = (await Promise.all(answers)).map(([row]) => row?.["value"]);
  expect(values).toEqual(["a", "b", "c", "d"]);
});
