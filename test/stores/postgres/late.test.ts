// A connection that comes after its deadline is given back, or each outage would leave the pool one smaller.

import { expect, it } from "vitest";

import { Database } from "../../../src/stores/postgres/database.ts";
import type { PostgresClient, PostgresPool } from "../../../src/stores/postgres/pool.ts";

it("releases a connection that comes too late, as one whose state nobody knows", async () => {
  const coming = Promise.withResolvers<PostgresClient>();
  const released: (boolean | undefined)[] = [];
  const pool = { connect: () => coming.promise } as unknown as PostgresPool;
  const database = new Database({
    place: "nowhere",
    schema: "loophost",
    migrate: "auto",
    open: () => Promise.reject(new Error("not asked")),
    maxWaitMs: 1,
    durability: "strict",
  });
  await expect(database.connect(pool)).rejects.toThrow("did not answer within 1 ms");
  expect(released).toEqual([]);
  coming.resolve({ release: (destroy?: boolean) => released.push(destroy) } as unknown as PostgresClient);
  await expect.poll(() => released).toEqual([true]);
});
