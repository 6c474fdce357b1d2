/**
 * The schema of a store's SQLite file, and its migrations.
 *
 *   M1  nothing is written to a file that is not ours, or is of a newer version than this code knows
 *   M2  a migration is one transaction: wholly or not at all, and once, whoever else opens the file
 */

import type { DatabaseSync } from "node:sqlite";

import { LoophostError } from "../../core/errors.ts";
import { addChecksums } from "./add-checksums.ts";
import { rollBack } from "./rollback.ts";

// "loop": says that a file is ours, to us and to the `file` command.
const APPLICATION_ID = 0x6c_6f_6f_70;

/** SQL, or work on the file. */
export type Migration = string | ((db: DatabaseSync) => void);

/** The steps from each version to the next, the first from an empty file. What was released is never edited. */
export const MIGRATIONS: readonly Migration[] = [
  `
  CREATE TABLE logs (
    number INTEGER PRIMARY KEY, -- stands for the id in every entry
    id TEXT NOT NULL UNIQUE,
    fence INTEGER NOT NULL,
    owner TEXT NOT NULL,
    lease_until REAL NOT NULL -- milliseconds since 1970; may be infinite
  ) STRICT;
  CREATE TABLE entries (
    log INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    entry TEXT NOT NULL, -- JSON
    PRIMARY KEY (log, seq)
  ) STRICT;
  CREATE TABLE records (
    collection TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL, -- JSON
    PRIMARY KEY (collection, key)
  ) STRICT;
  `,
  addChecksums,
  `
  CREATE TABLE inbox (
    n INTEGER PRIMARY KEY,
    session TEXT NOT NULL,
    key TEXT NOT NULL,
    body TEXT NOT NULL, -- JSON
    taken INTEGER NOT NULL, -- 1 once it led to something; kept as long as its session, for its key
    sum INTEGER NOT NULL,
    UNIQUE (session, key)
  ) STRICT;
  CREATE INDEX inbox_waiting ON inbox (session, n) WHERE taken = 0;
  `,
];

/**
 * Brings a file up to date; one that is needs no lock.
 *
 * @throws LoophostError `store_failed` when the file is somebody else's, or of a newer version
 */
export function migrate(db: DatabaseSync, path: string, migrations: readonly Migration[] = MIGRATIONS): void {
  if (versionOf(db, path, migrations.length) === migrations.length) return;
  db.exec("BEGIN IMMEDIATE");
  try {
    // Race: read again under the lock, since another process may have migrated first.
    for (const step of migrations.slice(versionOf(db, path, migrations.length)))
      if (typeof step === "string") db.exec(step);
      else step(db);
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${migrations.length}; COMMIT`);
  } catch (thrown) {
    rollBack(db);
    throw thrown;
  }
}

/**
 * The version of a file, 0 for one that is empty. Writes nothing.
 *
 * @throws LoophostError `store_failed` when the file is somebody else's, or of a newer version
 */
export function versionOf(db: DatabaseSync, path: string, newest: number = MIGRATIONS.length): number {
  // One read snapshot: another process may be creating the file, and half of its schema would look like a foreign file.
  db.exec("SAVEPOINT looking");
  const isBare = numberOf(db, "SELECT count(*) FROM sqlite_schema") === 0;
  const version = numberOf(db, "SELECT user_version FROM pragma_user_version");
  const isOurs = numberOf(db, "SELECT application_id FROM pragma_application_id") === APPLICATION_ID;
  db.exec("RELEASE looking");
  const isEmpty = version === 0 && isBare;
  if (!isOurs && !isEmpty)
    throw new LoophostError(
      "store_failed",
      `The database is not a store of loophost, and was left as it is (${path}). Give the store a file of its own.`,
    );
  if (version > newest)
    throw new LoophostError(
      "store_failed",
      `The store was written by a newer loophost (${path}): its version is ${version}, this one knows ${newest}. ` +
        "It was left as it is; update loophost.",
    );
  return version;
}

function numberOf(db: DatabaseSync, sql: string): number {
  return Number(Object.values(db.prepare(sql).get() ?? {})[0]);
}
