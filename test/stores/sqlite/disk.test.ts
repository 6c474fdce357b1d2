// What a store is on the disk: whose file it is, whether it is still there, how large it gets, and how it is read.

import { copyFileSync, renameSync, rmSync, statSync, truncateSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

import type { Store } from "loophost";
import { sqliteStore, vacuumSqliteStore } from "loophost/stores/sqlite";
import { describe, expect, it } from "vitest";

import { newStorePath, openedStore } from "./files.ts";

const ANYBODY = { owner: "the test", ttlMs: 0 };

async function fill(store: Store, id: string, megabytes: number): Promise<number> {
  const fence = await store.log.claim(id, ANYBODY);
  for (let n = 0; n < megabytes; n += 1) await store.log.append(id, fence, ["x".repeat(1_000_000)]);
  return fence;
}

it.skipIf(process.platform === "win32")("makes its files for their owner alone", async () => {
  const path = newStorePath();
  await fill(openedStore(path), "s", 1);
  for (const suffix of ["", "-wal", "-shm", "-tail"])
    expect(statSync(path + suffix).mode & 0o777, suffix).toBe(0o600);
});

describe("a file that is not there any more", () => {
  const ways: Readonly<Record<string, (path: string) => void>> = {
    "was deleted": (path) => rmSync(path),
    "was replaced": (path) => {
      copyFileSync(path, `${path}.copy`);
      renameSync(`${path}.copy`, path);
    },
  };
  for (const [how, remove] of Object.entries(ways))
    it(`${how}: nothing more is written`, async () => {
      const path = newStorePath();
      const { log, records } = openedStore(path);
      const fence = await log.claim("s", ANYBODY);
      remove(path);
      const failed = { code: "store_failed", message: expect.stringContaining("removed or replaced") };
      await expect(log.append("s", fence, [1])).rejects.toMatchObject(failed);
      await expect(log.claim("t", ANYBODY)).rejects.toMatchObject(failed);
      await expect(records.put("c", "k", 1)).rejects.toMatchObject(failed);
    });
});

it("cuts its write-ahead file when a long reader is gone", async () => {
  const path = newStorePath();
  const store = openedStore(path);
  await fill(store, "s", 1);
  const reader = new DatabaseSync(path);
  reader.exec("BEGIN; SELECT * FROM logs");
  await fill(store, "s", 16);
  expect(statSync(`${path}-wal`).size).toBeGreaterThan(16_000_000);
  reader.close();
  // The first moves all to the file, the second begins the write-ahead file anew.
  await fill(store, "s", 1);
  await fill(store, "s", 1);
  expect(statSync(`${path}-wal`).size).toBeLessThan(9_000_000);
});

it("gives back the room of what was deleted, and keeps no row of it", async () => {
  const path = newStorePath();
  const store = sqliteStore(path);
  await store.log.delete("s", await fill(store, "s", 4));
  await store.close();
  await vacuumSqliteStore(path);
  expect(statSync(path).size).toBeLessThan(100_000);
  const db = new DatabaseSync(path);
  expect(db.prepare("SELECT count(*) AS logs FROM logs").get()).toEqual({ logs: 0 });
  db.close();
});

it("reads large entries in pages of some 1 MB, and lets others have their turn between them", async () => {
  const store = openedStore(newStorePath());
  const fence = await store.log.claim("s", ANYBODY);
  const entries = Array.from({ length: 80 }, (_, n) => ({ n, text: "y".repeat(100_000) }));
  await store.log.append("s", fence, entries);
  let turns = 0;
  const timer = setInterval(() => (turns += 1));
  const sizes: number[] = [];
  for (let after = 0; after < 80; after += sizes.at(-1) ?? 80)
    sizes.push((await store.log.read("s", after, 1_000)).length);
  clearInterval(timer);
  expect(sizes).toEqual([10, 10, 10, 10, 10, 10, 10, 10]);
  expect(turns).toBeGreaterThan(0);
});

it("says of a disk that fails to read that it does", async () => {
  const path = newStorePath();
  await fill(openedStore(path), "s", 1);
  const { log } = openedStore(path);
  // What is not there any more of a write-ahead file is an I/O error of SQLite's.
  truncateSync(`${path}-wal`, 4_096);
  const failed = {
    code: "store_failed",
    message: expect.stringContaining("the disk failed, or has no room"),
  };
  await expect(log.read("s", 0, 10)).rejects.toMatchObject(failed);
});
