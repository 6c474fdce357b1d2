/**
 * Migrates version 1 to 2: checksums, the end of each log, what a lease needs to be judged, and a count of
 * transactions.
 */

import type { DatabaseSync } from "node:sqlite";

import { sumOfEntry, sumOfId, sumOfRecord } from "../checksum.ts";

/** Brings a file of version 1 to version 2; its content is trusted to be intact. */
export function addChecksums(db: DatabaseSync): void {
  db.exec(`
    ALTER TABLE logs ADD COLUMN place INTEGER NOT NULL DEFAULT 0; -- the checksum of the id, to find the row by as well
    ALTER TABLE logs ADD COLUMN last INTEGER NOT NULL DEFAULT 0; -- the number of the last entry
    ALTER TABLE logs ADD COLUMN sum INTEGER NOT NULL DEFAULT 0; -- and its checksum
    ALTER TABLE logs ADD COLUMN ttl REAL NOT NULL DEFAULT 9e999; -- how long the lease was given for, in milliseconds
    ALTER TABLE logs ADD COLUMN holder TEXT NOT NULL DEFAULT ''; -- the process that holds the lease
    ALTER TABLE entries ADD COLUMN sum INTEGER NOT NULL DEFAULT 0; -- checksum, chained to the entry before
    ALTER TABLE records ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE meta (
      one INTEGER PRIMARY KEY CHECK (one = 1),
      id TEXT NOT NULL, -- of this store
      commits INTEGER NOT NULL,
      fence INTEGER NOT NULL -- the highest of any deleted log: no log's number begins below
    ) STRICT;
    INSERT INTO meta VALUES (1, hex(randomblob(8)), 0, 0);
    CREATE INDEX logs_by_place ON logs (place);
  `);
  db.function("sum_of_id", (id) => sumOfId(String(id)));
  db.function("sum_of_entry", (before, seq, text) => sumOfEntry(Number(before), Number(seq), String(text)));
  db.function("sum_of_record", (collection, key, text) =>
    sumOfRecord(String(collection), String(key), String(text)),
  );
  db.exec(`
    UPDATE logs SET place = sum_of_id(id), sum = sum_of_id(id);
    UPDATE records SET sum = sum_of_record(collection, key, value);
  `);
  const next = db.prepare(
    "SELECT log, seq, entry FROM entries WHERE (log, seq) > (?, ?) ORDER BY log, seq LIMIT 1",
  );
  const ofLog = db.prepare("SELECT sum FROM logs WHERE number = ?");
  const set = db.prepare("UPDATE entries SET sum = ? WHERE log = ? AND seq = ?");
  const end = db.prepare("UPDATE logs SET last = ?, sum = ? WHERE number = ?");
  for (let [log, seq] = [0, 0]; ;) {
    const row = next.get(log, seq);
    if (row === undefined) return;
    [log, seq] = [Number(row["log"]), Number(row["seq"])];
    const sum = sumOfEntry(Number(ofLog.get(log)?.["sum"]), seq, String(row["entry"]));
    set.run(sum, log, seq);
    end.run(seq, sum, log);
  }
}
