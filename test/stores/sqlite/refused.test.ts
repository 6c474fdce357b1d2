// Files that are no good: each is refused with one clear error, and not a byte of it changes.

import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";

import type { Json, Store } from "loophost";
import { LoophostError } from "loophost";
import { checkSqliteStore, sqliteStore } from "loophost/stores/sqlite";
import { describe, expect, it } from "vitest";

import { newStorePath, openedStore } from "./files.ts";

const ENTRIES: readonly Json[] = Array.from({ length: 200 }, (_, n) => ({ n, text: "entry ".repeat(20) }));
const PAGE_BYTES = 4_096;

/** A closed store file with a log and a record in it. */
async function filledFile(): Promise<string> {
  const path = newStorePath();
  const store = openedStore(path);
  await store.log.append("s", await store.log.claim("s", { owner: "the test", ttlMs: 0 }), ENTRIES);
  await store.records.put("c", "k", ENTRIES);
  await store.close();
  return path;
}

/** With what message opening it fails; undefined when it does not, or when a byte of the file changes. */
function refusalOf(path: string): string | undefined {
  const bytes = readFileSync(path);
  try {
    sqliteStore(path);
  } catch (thrown) {
    const isRefusal = thrown instanceof LoophostError && /^store_(failed|damaged)$/.test(thrown.code);
    if (isRefusal && readFileSync(path).equals(bytes)) return thrown.message;
  }
  return undefined;
}

describe("a path without a store", () => {
  it("is refused when its folder is not there, and the folder is not made", () => {
    const path = `${dirname(newStorePath())}/missing/sessions.db`;
    expect(() => sqliteStore(path)).toThrow(
      expect.objectContaining({
        code: "store_failed",
        message: `The store could not be opened: the file cannot be opened; its folder has to exist, and to be ours to write to (${path}).`,
      }),
    );
    expect(existsSync(dirname(path))).toBe(false);
  });

  it("is refused when it is a folder", () => {
    const path = newStorePath();
    mkdirSync(path);
    expect(() => sqliteStore(path)).toThrow("the file cannot be opened");
  });

  it("is refused when it is a text", () => {
    const path = newStorePath();
    writeFileSync(path, "Dear diary, ".repeat(1_000));
    expect(refusalOf(path)).toMatch(
      /^The store could not be opened: the file is not a SQLite database; it was left as it is/,
    );
  });

  it("is refused when it is the database of another program, even an unversioned one", () => {
    const path = newStorePath();
    const other = new DatabaseSync(path);
    other.exec("CREATE TABLE orders (id INTEGER PRIMARY KEY) STRICT");
    other.close();
    expect(refusalOf(path)).toMatch(/^The database is not a store of loophost/);
  });

  it("is refused when a newer loophost wrote it", async () => {
    const path = await filledFile();
    const newer = new DatabaseSync(path);
    newer.exec("PRAGMA user_version = 7");
    newer.close();
    const told = /its version is 7, this one knows 3\. It was left as it is; update loophost\.$/;
    expect(refusalOf(path)).toMatch(told);
    await expect(checkSqliteStore(path)).rejects.toThrow(told);
  });
});

describe("a damaged file", () => {
  /** What comes of reading all there is: the truth, or an error that says so. */
  async function readAll(path: string): Promise<"whole" | "failed" | "wrong"> {
    let store: Store | undefined;
    try {
      store = sqliteStore(path);
      const log = await store.log.read("s", 0, 1_000);
      const record = await store.records.get("c", "k");
      const isWhole =
        JSON.stringify(log.map(({ entry }) => entry)) === JSON.stringify(ENTRIES) &&
        JSON.stringify(record) === JSON.stringify(ENTRIES);
      return isWhole ? "whole" : "wrong";
    } catch (thrown) {
      const isSaid = thrown instanceof LoophostError && /^store_(failed|damaged)$/.test(thrown.code);
      return isSaid ? "failed" : "wrong";
    } finally {
      await store?.close();
    }
  }

  it("is never read wrongly nor written to, whichever page is overwritten", async () => {
    const path = await filledFile();
    const sound = readFileSync(path);
    const outcomes: string[] = [];
    for (let at = 0; at < sound.length; at += PAGE_BYTES) {
      const damaged = Buffer.from(sound).fill(0xff, at, at + PAGE_BYTES);
      writeFileSync(path, damaged);
      outcomes.push(await readAll(path));
      expect(readFileSync(path).equals(damaged), `page at ${at}`).toBe(true);
    }
    expect(outcomes).not.toContain("wrong");
    expect(outcomes.filter((outcome) => outcome === "failed").length).toBeGreaterThan(outcomes.length / 2);
  });

  it("is never read wrongly nor written to, wherever it is cut off", async () => {
    const path = await filledFile();
    const sound = readFileSync(path);
    for (const length of [100, PAGE_BYTES, sound.length / 2, sound.length - PAGE_BYTES, sound.length - 1]) {
      const cut = sound.subarray(0, length);
      writeFileSync(path, cut);
      expect(await readAll(path), `${length} bytes`).toBe("failed");
      expect(readFileSync(path).equals(cut), `${length} bytes`).toBe(true);
    }
  });

  it("does not quote what is in it", async () => {
    const path = await filledFile();
    const meddler = new DatabaseSync(path);
    meddler.exec("UPDATE records SET value = 'secret!'");
    meddler.close();
    const error = await openedStore(path)
      .records.get("c", "k")
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "store_damaged" });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain("secret");
  });
});

describe("a file that may only be read", () => {
  it("is read, and fails what is written", async () => {
    const path = await filledFile();
    const bytes = readFileSync(path);
    await withoutRights({ file: 0o444, folder: 0o777 }, path, async () => {
      const store = sqliteStore(path);
      expect(await store.log.read("s", 199, 10)).toHaveLength(1);
      await expect(store.records.put("c", "k", 1)).rejects.toMatchObject({
        code: "store_failed",
        message: `Record c/k could not be written: the file, or its folder, cannot be written to (${path}).`,
      });
      await store.close();
    });
    expect(readFileSync(path).equals(bytes)).toBe(true);
  });

  it("is refused when its folder may only be read too", async () => {
    const path = await filledFile();
    await withoutRights({ file: 0o444, folder: 0o555 }, path, async () => {
      expect(refusalOf(path)).toMatch(
        /^The store could not be opened: the file, or its folder, cannot be written to/,
      );
    });
  });
});

/** Does something as somebody who has no more rights than these. */
async function withoutRights(
  rights: { file: number; folder: number },
  path: string,
  work: () => Promise<void>,
): Promise<void> {
  const isRoot = process.geteuid?.() === 0;
  const nobody = 65_534;
  chmodSync(path, rights.file);
  chmodSync(dirname(path), rights.folder);
  // Nothing is forbidden to root.
  if (isRoot) process.seteuid?.(nobody);
  try {
    await work();
  } finally {
    if (isRoot) process.seteuid?.(0);
    chmodSync(dirname(path), 0o755);
  }
}

it("leaves the size of a sound file alone when it is opened and closed", async () => {
  const path = await filledFile();
  const { size, mtimeMs } = statSync(path);
  await sqliteStore(path).close();
  expect(statSync(path)).toMatchObject({ size, mtimeMs });
});
