// What is particular to the store in memory; what every store does is in test/contracts/store.test.ts.

import { expect, it } from "vitest";

import type { Lease } from "../../src/core/store.ts";
import { memoryStore } from "../../src/stores/memory.ts";

const ANYBODY: Lease = { owner: "anybody", ttlMs: 0 };

it("makes a place of its own each time", async () => {
  const [one, other] = [memoryStore(), memoryStore()];
  await one.log.append("s", await one.log.claim("s", ANYBODY), ["a"]);
  await one.records.put("c", "k", 1);
  expect(await other.log.read("s", 0, 10)).toEqual([]);
  expect(await other.records.get("c", "k")).toBeUndefined();
});

it("tells a stale owner which session it lost", async () => {
  const { log } = memoryStore();
  const stale = await log.claim("session_1", ANYBODY);
  await log.claim("session_1", ANYBODY);
  await expect(log.append("session_1", stale, ["a"])).rejects.toMatchObject({
    code: "stale_owner",
    message: "Session session_1 is not owned by this writer any more; it may not go on.",
  });
});
