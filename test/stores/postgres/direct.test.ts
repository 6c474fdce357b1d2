// The connection that leases live with: it breaks, comes again, and has the lock of its worker before anybody relies on it.

import { expect, it } from "vitest";

import type { Database } from "../../../src/stores/postgres/database.ts";
import type { PostgresClient } from "../../../src/stores/postgres/pool.ts";
import { Worker } from "../../../src/stores/postgres/worker.ts";
import { directOver, FakeClient } from "./fake-connection.ts";

it("takes no connection for the worker's on which its lock is still held, and tries another", async () => {
  const clients = [new FakeClient(true), new FakeClient(false), new FakeClient(true)];
  const direct = directOver(clients);
  const database = { sql: (text: string) => text, options: { schema: "s" } } as unknown as Database;
  const worker = new Worker(database, direct);
  expect(await worker.number()).toBe(7);
  clients[0]?.emit("end");
  await expect.poll(() => clients[2]?.asked.at(-1)).toContain("OVERRIDING SYSTEM VALUE");
  expect(clients.map(({ isReleased }) => isReleased)).toEqual([true, true, false]);
  expect(await worker.number()).toBe(7);
  worker.close();
  await direct.close();
  expect(clients[2]?.isReleased).toBe(true);
});

it("sets up each thing once on each connection, whenever it was added", async () => {
  const clients = [new FakeClient(true), new FakeClient(true)];
  const direct = directOver(clients);
  const setUps = ["first", "second"].map((name) => async (client: PostgresClient) => {
    await client.query(name);
  });
  for (const setUp of setUps) await direct.add(setUp);
  clients[0]?.emit("error", new Error("broken"));
  clients[0]?.emit("end");
  await expect.poll(() => clients[1]?.asked.length).toBe(3);
  for (const { asked } of clients) expect(asked.slice(1)).toEqual(["first", "second"]);
  await direct.close();
  clients[1]?.emit("end");
});
