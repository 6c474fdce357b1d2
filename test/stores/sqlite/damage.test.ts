// Bits that flip: what is read is what was written, or an error says that it is not.

import { copyFileSync, existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { checkSqliteStore, sqliteStore, vacuumSqliteStore } from "loophost/stores/sqlite";
import { describe, expect, it } from "vitest";

import { newStorePath, openedStore } from "./files.ts";
import { flipBits, leftFiles } from "./flips.ts";

const ANYBODY = { owner: "the test", ttlMs: 0 };

/** A closed store with ten entries, changed behind its back. */
async function changed(sql: string): Promise<string> {
  const path = newStorePath();
  const store = sqliteStore(path);
  const fence = await store.log.claim("s", ANYBODY);
  for (let n = 1; n <= 10; n += 1) await store.log.append("s", fence, [{ n }]);
  await store.records.put("c", "k", { secret: true });
  await store.close();
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
  return path;
}

it("never reads a flipped bit as the truth, nor loses a commit in silence", async () => {
  const outcomes = await flipBits(await leftFiles(), 40, 1);
  expect(outcomes).toMatchObject({ wrong: 0, lost: 0 });
  expect(outcomes.said).toBeGreaterThan(12);
  expect(outcomes.found).toBe(outcomes.said);
});

describe("with session and entry, damage", () => {
  const changes: readonly [what: string, sql: string, seq: number][] = [
    ["another text", `UPDATE entries SET entry = '{"n":9}' WHERE seq = 4`, 4],
    ["a gap in the numbers", "DELETE FROM entries WHERE seq = 5", 5],
    ["lost last entries", "DELETE FROM entries WHERE seq > 8", 9],
    [
      "entries that changed places",
      "UPDATE entries SET seq = CASE seq WHEN 2 THEN 3 ELSE 2 END + 100 WHERE seq IN (2, 3); UPDATE entries SET seq = seq - 100 WHERE seq > 100",
      2,
    ],
  ];
  for (const [what, sql, seq] of changes) {
    it(`is told of ${what}`, async () => {
      const path = await changed(sql);
      const { log } = openedStore(path);
      await expect(log.read("s", 0, 100)).rejects.toMatchObject({
        code: "store_damaged",
        message: expect.stringMatching(new RegExp(`^Session s is damaged: entry ${seq} `)),
      });
      // What is before the damage can be read.
      expect(await log.read("s", 0, seq - 1)).toHaveLength(seq - 1);
      const { damage } = await checkSqliteStore(path);
      expect(damage).toEqual([{ sessionId: "s", seq, what: expect.any(String) }]);
    });
  }

  it("a record", async () => {
    const path = await changed(`UPDATE records SET value = '{"secret":false}'`);
    const refused = openedStore(path).records.get("c", "k");
    await expect(refused).rejects.toMatchObject({ code: "store_damaged" });
    expect((await checkSqliteStore(path)).damage).toMatchObject([
      { what: "record c/k is not what was written" },
    ]);
  });

  it("a sound store has none", async () => {
    const path = await changed("SELECT 1");
    expect(await checkSqliteStore(path)).toEqual({ sessions: 1, entries: 10, damage: [] });
  });
});

it("a look through a store changes none of its files, and leaves none of them open", async () => {
  const folder = dirname(newStorePath());
  const path = join(folder, "left.db");
  const live = join(folder, "live.db");
  const store = sqliteStore(live);
  const fence = await store.log.claim("s", { owner: "test", ttlMs: 60_000 });
  await store.log.append("s", fence, [1, 2, 3]);
  // As a crash leaves it: what was written last is in the write-ahead file.
  for (const end of ["", "-wal", "-tail"]) copyFileSync(live + end, path + end);
  await store.close();
  const before = ["", "-wal", "-tail"].map((end) => readFileSync(path + end));
  expect(before[1]?.length).toBeGreaterThan(0);
  expect(await checkSqliteStore(path)).toMatchObject({ sessions: 1, entries: 3, damage: [] });
  expect(["", "-wal", "-tail"].map((end) => readFileSync(path + end))).toEqual(before);
  expect(openFiles()).not.toContain(path);
  await vacuumSqliteStore(path);
  expect(openFiles()).not.toContain(path);
});

/** What this process has open, where the system tells. */
function openFiles(): string[] {
  const folder = "/proc/self/fd";
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => {
    try {
      return [readlinkSync(join(folder, name))];
    } catch {
      return []; // closed since the list was read
    }
  });
}
