// A worker that dies before or after any of its writes, over both stores and with each policy for what was under way.

import { describe, expect, it } from "vitest";

import { killAtWrites } from "./play.ts";

describe.each(["memory", "SQLite"] as const)("over %s", (kind) => {
  it.each([undefined, "rerun"] as const)("is taken over at every write, ifCrashed %s", async (ifCrashed) => {
    await expect(killAtWrites(kind, ifCrashed)).resolves.toBeGreaterThan(10);
  });
});
