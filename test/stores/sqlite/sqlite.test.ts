// What is particular to the store in a file, in one process; what every store does is in test/contracts/store.test.ts,
// several processes in sqlite-processes.test.ts, bad files in sqlite-refused.test.ts.

import { DatabaseSync } from "node:sqlite";

import type { Lease, LoophostError } from "loophost";
import { sqliteStore } from "loophost/stores/sqlite";
import { describe, expect, it } from "vitest";

import { sumOfEntry } from "../../../src/stores/checksum.ts";
import { newStorePath, openedStore } from "./files.ts";

/** Of two entries, as release 0.1.0 writes them. */
const GOLDEN = [4_023_559_063, 2_379_851_401];

const OWNER: Lease = { owner: "the test", ttlMs: Number.POSITIVE_INFINITY };

it("takes a wait of no time, and refuses options it does not know", () => {
  for (const maxWaitMs of [0, 1.5, 2 ** 31, Infinity])
    expect(() => sqliteStore(":memory:", { maxWaitMs })).not.toThrow();
  for (const options of [{ maxWait: 1 }, { maxWaitMs: -1 }] as object[])
    expect(() => sqliteStore(":memory:", options)).toThrow(
      expect.objectContaining({ code: "invalid_options" }),
    );
});

it("a checksum is the same in every release: files that were written before are still sound", () => {
  expect([sumOfEntry(0, 1, '"a"'), sumOfEntry(1_234_567_890, 2, "{}")]).toEqual(GOLDEN);
});

describe("writes of one moment", () => {
  it("fail one by one: a stale owner and bad data do not hurt their neighbours [I6]", async () => {
    const { log, records } = openedStore(newStorePath());
    const stale = await log.claim("a", OWNER);
    const fence = await log.claim("a", { ...OWNER, force: true });
    const outcomes = await Promise.allSettled([
      log.append("a", fence, [1]),
      log.append("a", stale, ["late"]),
      log.append("a", fence, [2, JSON.parse("3"), 4n as unknown as number]),
      log.claim("a", OWNER),
      log.append("a", fence, [5]),
      records.put("c", "k", 6),
    ]);
    expect(
      outcomes.map((outcome) =>
        outcome.status === "rejected" ? (outcome.reason as LoophostError).code : "done",
      ),
    ).toEqual(["done", "stale_owner", "store_failed", "session_owned", "done", "done"]);
    expect(await log.read("a", 0, 10)).toEqual([
      { seq: 1, entry: 1 },
      { seq: 2, entry: 5 },
    ]);
    expect(await records.get("c", "k")).toBe(6);
  });

  it("are all written when the store is closed right after them", async () => {
    const path = newStorePath();
    const store = openedStore(path);
    const fence = await store.log.claim("a", OWNER);
    const appended = Promise.all(Array.from({ length: 700 }, (_, n) => store.log.append("a", fence, [n])));
    await store.close();
    expect((await appended).at(-1)).toBe(700);
    expect(await openedStore(path).log.read("a", 0, 1_000)).toHaveLength(700);
  });
});

describe("a file somebody else has locked", () => {
  it("fails a write that waited long enough, and lets everything else go on meanwhile", async () => {
    const path = newStorePath();
    const { log } = openedStore(path, { maxWaitMs: 300 });
    const fence = await log.claim("a", OWNER);
    await log.append("a", fence, [1]);
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    let turns = 0;
    const turning = setInterval(() => (turns += 1), 1);
    await expect(log.append("a", fence, [2])).rejects.toMatchObject({
      code: "store_failed",
      message: `Session a could not be written: another process keeps the file locked (${path}).`,
      cause: { errcode: 5 },
    });
    clearInterval(turning);
    expect(turns).toBeGreaterThan(1);
    expect(await log.read("a", 0, 10)).toHaveLength(1);
    other.exec("ROLLBACK");
    other.close();
    expect(await log.append("a", fence, [3])).toBe(2);
  });

  it("is written to as soon as it is free", async () => {
    const path = newStorePath();
    const { log } = openedStore(path);
    const fence = await log.claim("a", OWNER);
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    const appended = log.append("a", fence, [1]);
    setTimeout(() => other.close(), 20);
    expect(await appended).toBe(1);
  });
});

describe("a store in a file", () => {
  it("keeps very long values", async () => {
    const { log } = openedStore(newStorePath());
    const entry = { text: "ö".repeat(8_000_000) };
    await log.append("a", await log.claim("a", OWNER), [entry]);
    expect((await log.read("a", 0, 1))[0]?.entry).toEqual(entry);
  });

  it("reads any page of ten thousand entries, of one among ten thousand logs [I10]", async () => {
    const path = newStorePath();
    const { log } = openedStore(path);
    await Promise.all(Array.from({ length: 10_000 }, (_, n) => log.claim(`log ${n}`, OWNER)));
    const fence = await log.claim("long", OWNER);
    await log.append(
      "long",
      fence,
      Array.from({ length: 10_000 }, (_, n) => ({ n })),
    );
    const again = openedStore(path);
    expect(await again.log.read("long", 9_990, 3)).toEqual(
      [9_991, 9_992, 9_993].map((seq) => ({ seq, entry: { n: seq - 1 } })),
    );
    expect(await again.log.read("log 5000", 0, 10)).toEqual([]);
  });

  it("takes leases by the clock it is given", async () => {
    let now = Date.parse("2026-01-01T00:00:00Z");
    const { log } = openedStore(newStorePath(), { now: () => now });
    await log.claim("a", { owner: "pid 1 on one", ttlMs: 30_000 });
    await expect(log.claim("a", OWNER)).rejects.toThrow(
      "Session a is owned by pid 1 on one, until 2026-01-01T00:00:30.000Z. Wait, close it there, or take it over.",
    );
    now += 30_000;
    await log.claim("a", OWNER);
    await expect(log.claim("a", OWNER)).rejects.toThrow("Session a is owned by the test, with no end.");
  });

  it("says that it is closed, however often it was", async () => {
    const store = sqliteStore(":memory:");
    await store.records.put("c", "k", 1);
    await store.close();
    await store.close();
    for (const work of [
      store.records.get("c", "k"),
      store.records.put("c", "k", 1),
      store.log.read("a", 0, 1),
    ])
      await expect(work).rejects.toMatchObject({
        code: "store_failed",
        message: "The store is closed (:memory:).",
      });
  });

  it("can be in memory, each a place of its own", async () => {
    const [one, other] = [openedStore(":memory:"), openedStore(":memory:")];
    await one.records.put("c", "k", 1);
    expect(await other.records.get("c", "k")).toBeUndefined();
  });
});
