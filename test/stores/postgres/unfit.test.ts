// A database whose settings would lose writes is refused before the store makes a table in it (D1).

import { expect, it } from "vitest";

import { Database } from "../../../src/stores/postgres/database.ts";
import type { PostgresPool } from "../../../src/stores/postgres/pool.ts";

it("asks for the settings first, and sends nothing else to a database that is not fit", async () => {
  const asked: string[] = [];
  const settings = { version: 160_000, encoding: "UTF8", fsync: "off", commit: "on" };
  const pool = {
    query(text: string) {
      asked.push(text);
      return Promise.resolve({ rows: [settings] });
    },
    connect: () => Promise.reject(new Error("not asked")),
  } as unknown as PostgresPool;
  const database = new Database({
    place: "nowhere",
    schema: "loophost",
    migrate: "auto",
    open: () => Promise.resolve({ pool, end: () => Promise.resolve() }),
    maxWaitMs: 1000,
    durability: "strict",
  });
  await expect(database.ready()).rejects.toThrow("not fit for a store");
  expect(asked).toEqual([expect.stringContaining("server_version_num")]);
});
