// A worker that dies before or after any of its writes: another goes on, nothing on record is done again, nothing asked is lost.

import { expect, it } from "vitest";

import { killAtWrites } from "./play.ts";

it("is taken over at every third write, over SQLite; the long tests try all", async () => {
  await expect(killAtWrites("SQLite", undefined, 3)).resolves.toBeGreaterThan(10);
});
