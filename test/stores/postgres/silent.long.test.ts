// A connection that answers no more, while the database answers on others: half-open, as behind a firewall that forgot it.

import { setTimeout } from "node:timers/promises";

import { expect, it } from "vitest";

import type { Database } from "../../../src/stores/postgres/database.ts";
import { Worker } from "../../../src/stores/postgres/worker.ts";
import { directOver, FakeClient } from "./fake-connection.ts";

/** A worker's connections after so long, the first of which renews its row when that is let. */
async function connectionsAfter(ms: number, renewed: Promise<unknown>): Promise<readonly boolean[]> {
  const clients = [new FakeClient(true, renewed), new FakeClient(true)];
  const direct = directOver(clients);
  const database = {
    sql: (text: string) => text,
    once: () => Promise.resolve([]),
    options: { schema: "s" },
  } as unknown as Database;
  const worker = new Worker(database, direct);
  await worker.number();
  await setTimeout(ms);
  const released = clients.map(({ isReleased }) => isReleased);
  worker.close();
  await direct.close();
  return released;
}

it("is replaced within seconds, and kept where it only was slow", async () => {
  const never = new Promise(() => undefined);
  const [silent, slow] = await Promise.all([
    connectionsAfter(7_000, never),
    connectionsAfter(7_000, setTimeout(4_500)),
  ]);
  expect([silent, slow]).toEqual([
    [true, false],
    [false, false],
  ]);
});
