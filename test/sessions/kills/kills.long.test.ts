// A worker that dies before or after any of its writes, over both stores and with each policy for what was under way.

import { describe, expect, it } from "vitest";

import { interruptEverywhere } from "./interrupts.ts";
import { killAtWrites } from "./play.ts";

describe.each(["memory", "SQLite"] as const)("over %s", (kind) => {
  it.each([undefined, "rerun"] as const)("is taken over at every write, ifCrashed %s", async (ifCrashed) => {
    await expect(killAtWrites(kind, ifCrashed)).resolves.toBeGreaterThan(10);
  });
});

it.each([undefined, "rerun"] as const)(
  "is taken over at every write with the loop at a host, ifCrashed %s",
  { timeout: 120_000 },
  async (ifCrashed) => {
    await expect(killAtWrites("SQLite", ifCrashed, 1, "claude")).resolves.toBeGreaterThan(10);
  },
);

it("asks no model and runs no tool once a run was interrupted, with the loop at a host", async () => {
  await expect(interruptEverywhere("claude")).resolves.toBe(9);
});
