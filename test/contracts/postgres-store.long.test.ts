// The PostgreSQL store keeps the contract, with real waiting where a lease has to lapse: the database's clock is its own.

import { setTimeout } from "node:timers/promises";

import type { Store } from "loophost";
import { describe, expect, it } from "vitest";

import { storeContract } from "../../src/testing/store-contract/index.ts";
import { newSchema, openedStore } from "../stores/postgres/schemas.ts";
import { sharedPostgres, skipped, whyNoPostgres } from "../stores/postgres/server.ts";

// At once: what takes time is the waiting.
describe.skipIf(whyNoPostgres !== undefined)(`the PostgreSQL store${skipped}`, { concurrent: true }, () => {
  it.for(storeContract)("$name", async ({ name, check }, { onTestFinished }) => {
    const { url } = await sharedPostgres();
    const schema = newSchema();
    // Where a lease must not have lapsed yet, a machine that stalls for a moment must not let it: all takes four times as long.
    const factor = /refuses everybody|lapse later/.test(name) ? 4 : 1;
    const open = () =>
      Promise.resolve(withLongerLeases(openedStore(url, { schema }, onTestFinished), factor));
    // A little more: the lease began when the database heard of it.
    const passTime = (ms: number) => setTimeout(ms * factor + 50);
    await expect(check(open, passTime)).resolves.toBeUndefined();
  });
});

function withLongerLeases(store: Store, factor: number): Store {
  const { log } = store;
  return {
    ...store,
    log: {
      ...log,
      claim: (id, lease) => log.claim(id, { ...lease, ttlMs: lease.ttlMs * factor }),
      renew: (id, fence, ttlMs) => log.renew(id, fence, ttlMs * factor),
    },
  };
}
