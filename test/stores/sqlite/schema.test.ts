// Files of earlier versions: read for ever, and brought up to date wholly or not at all.

import { DatabaseSync } from "node:sqlite";

import { describe, expect, it } from "vitest";

import { MIGRATIONS, migrate } from "../../../src/stores/sqlite/schema.ts";
import { newStorePath, openedStore } from "./files.ts";

// A copy, and never edited: the files that are out there do not change with the code.
const VERSION_1 = `
  CREATE TABLE logs (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, fence INTEGER NOT NULL, owner TEXT NOT NULL,
    lease_until REAL NOT NULL
  ) STRICT;
  CREATE TABLE entries (
    log INTEGER NOT NULL, seq INTEGER NOT NULL, entry TEXT NOT NULL, PRIMARY KEY (log, seq)
  ) STRICT;
  CREATE TABLE records (
    collection TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (collection, key)
  ) STRICT;
  INSERT INTO logs VALUES (1, 's', 4, 'pid 1', 9e999);
  INSERT INTO entries VALUES (1, 1, '{"type":"session.opened"}'), (1, 2, '"☃"');
  INSERT INTO records VALUES ('sessions', 's', '{"runs":1}');
  PRAGMA application_id = 0x6c6f6f70;
  PRAGMA user_version = 1;`;

/** A file as version 1 made it. */
function fileOfVersion1(): string {
  const path = newStorePath();
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA journal_mode = WAL; BEGIN; ${VERSION_1} COMMIT`);
  db.close();
  return path;
}

function versionOf(db: DatabaseSync): unknown {
  return db.prepare("PRAGMA user_version").get()?.["user_version"];
}

it("goes on with a file of version 1", async () => {
  const { log, records } = openedStore(fileOfVersion1());
  expect(await log.read("s", 0, 10)).toEqual([
    { seq: 1, entry: { type: "session.opened" } },
    { seq: 2, entry: "☃" },
  ]);
  expect(await records.get("sessions", "s")).toEqual({ runs: 1 });
  await expect(log.claim("s", { owner: "me", ttlMs: 0 })).rejects.toThrow("owned by pid 1, with no end");
  expect(await log.append("s", 4, [3])).toBe(3);
  expect(await log.claim("s", { owner: "me", ttlMs: 0, force: true })).toBe(5);
});

describe("a new version", () => {
  const added = "ALTER TABLE logs ADD COLUMN note TEXT NOT NULL DEFAULT 'none'";

  it("is reached from every earlier one, once, and keeps what is there", () => {
    const path = fileOfVersion1();
    const db = new DatabaseSync(path);
    migrate(db, path, [...MIGRATIONS, added]);
    migrate(db, path, [...MIGRATIONS, added]);
    expect(versionOf(db)).toBe(MIGRATIONS.length + 1);
    expect(db.prepare("SELECT id, note FROM logs").all()).toEqual([{ id: "s", note: "none" }]);
    db.close();
  });

  it("is reached wholly or not at all", () => {
    const path = fileOfVersion1();
    const db = new DatabaseSync(path);
    expect(() => migrate(db, path, [...MIGRATIONS, `${added}; DROP TABLE missing`])).toThrow("no such table");
    expect(versionOf(db)).toBe(1);
    expect(db.prepare("SELECT * FROM logs").get()).not.toHaveProperty("note");
    db.close();
  });
});
