// How long the PostgreSQL store waits for a database that is away, or answers no more.

import type { Store } from "loophost";
import { describe, expect, it } from "vitest";

import { startProxy } from "./proxy.ts";
import { newSchema, openedStore } from "./schemas.ts";
import { ownPostgres, sharedPostgres, skipped, whyNoPostgres } from "./server.ts";

const LONG = { owner: "the owner", ttlMs: 60_000 };

describe.skipIf(whyNoPostgres !== undefined)(`the PostgreSQL store${skipped}`, () => {
  it("gives up on a database that does not come back, and says so", async () => {
    const server = await ownPostgres();
    const store = await impatientStore(server.url);
    const fence = await store.log.claim("s", LONG);
    await server.stop();
    const failures = await Promise.allSettled([
      store.log.append("s", fence, ["a"]),
      store.log.read("s", 0, 1),
      store.records.put("c", "k", 1),
      store.log.claim("t", LONG),
    ]);
    for (const failure of failures)
      expect(failure).toMatchObject({
        reason: { code: "store_failed", message: expect.stringContaining("is the database running?") },
      });
  });

  it("gives up on a database that answers no more, and goes on when it does again", async () => {
    const { url, freeze, thaw } = await startProxy(await sharedPostgres());
    const store = await impatientStore(url);
    const fences = await Promise.all([store.log.claim("s", LONG), store.log.claim("t", LONG)]);
    freeze();
    const calls = [
      store.log.append("s", fences[0], ["a"]),
      store.log.claim("u", LONG),
      // More than there are connections: none may be kept by what was never answered.
      ...Array.from({ length: 20 }, (_, index) => store.records.get("c", String(index))),
    ];
    for (const outcome of await Promise.allSettled(calls))
      expect(outcome).toMatchObject({ status: "rejected", reason: { code: "store_failed" } });
    thaw();
    await store.records.put("c", "k", 1);
    expect(await store.records.get("c", "k")).toBe(1);
    expect(await store.log.append("t", fences[1], ["a"])).toBe(1);
    expect(await store.log.append("s", fences[0], ["b"])).toBe(1);
  });
});

/** A store that waits for its database no longer than a busy machine may need, once its tables are there. */
async function impatientStore(url: string): Promise<Store> {
  const schema = newSchema();
  await openedStore(url, { schema }).records.get("c", "k");
  return openedStore(url, { schema, maxWaitMs: 1_000 });
}
