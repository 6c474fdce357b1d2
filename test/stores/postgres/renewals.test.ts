// Renewals of leases, many in one statement: their order, and that each hears what became of it.

import { expect, it } from "vitest";

import type { Database, Row } from "../../../src/stores/postgres/database.ts";
import { Renewals } from "../../../src/stores/postgres/renewals.ts";

type Query = (doing: string, ids: readonly string[], fences: readonly number[]) => Promise<readonly Row[]>;

function renewals(query: Query): Renewals {
  const database = {
    sql: (text: string) => text,
    queryMany: (doing: string, _: string, [ids, fences]: [string[], number[]]) => query(doing, ids, fences),
  };
  return new Renewals(database as unknown as Database);
}

it("changes rows by id, as appends do: in another order the two would deadlock", async () => {
  const asked: (readonly string[])[] = [];
  const leases = renewals(async (_, ids, fences) => {
    asked.push(ids);
    return ids.map((id, index) => ({ id, fence: String(fences[index]) }));
  });
  await Promise.all(["c", "a", "d", "b"].map((id, index) => leases.renew(id, index + 1, 1_000)));
  await leases.renew("e", 1, null);
  expect(asked).toEqual([["a", "b", "c", "d"], ["e"]]);
});

it("tells each lease of a statement that failed, and names the session where there is one", async () => {
  const leases = renewals((doing) => Promise.reject(new Error(doing)));
  const [one] = await Promise.allSettled([leases.renew("s", 1, 1_000)]);
  expect(one).toMatchObject({ reason: { message: "The lease on session s could not be renewed" } });
  const many = await Promise.allSettled(["a", "b"].map((id) => leases.renew(id, 1, 1_000)));
  const message = "The leases on 2 sessions could not be renewed";
  expect(many).toMatchObject([{ reason: { message } }, { reason: { message } }]);
});
