// The PostgreSQL store keeps the contract, with real waiting where a lease has to lapse: the database's clock is its own.

import { setTimeout } from "node:timers/promises";

import { describe, expect, it } from "vitest";

import { storeContract } from "../../src/testing/store-contract/index.ts";
import { newSchema, openedStore } from "../stores/postgres/schemas.ts";
import { sharedPostgres, skipped, whyNoPostgres } from "../stores/postgres/server.ts";

// At once: what takes time is the waiting.
describe.skipIf(whyNoPostgres !== undefined)(`the PostgreSQL store${skipped}`, { concurrent: true }, () => {
  it.for(storeContract)("$name", async ({ check }, { onTestFinished }) => {
    const { url } = await sharedPostgres();
    const schema = newSchema();
    const open = () => Promise.resolve(openedStore(url, { schema }, onTestFinished));
    // A little more: the lease began when the database heard of it.
    const passTime = (ms: number) => setTimeout(ms + 50);
    await expect(check(open, passTime)).resolves.toBeUndefined();
  });
});
