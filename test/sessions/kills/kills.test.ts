// A worker that dies before or after any of its writes: another goes on, nothing on record is done again, nothing asked is lost.

import { expect, it } from "vitest";

import { killAtEveryWrite } from "./play.ts";

it("is taken over at every write, over SQLite", async () => {
  await expect(killAtEveryWrite("SQLite", undefined)).resolves.toBeGreaterThan(10);
});
