/** Checks a whole store file for damage, without changing it. */

import type { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers/promises";

import { LoophostError, messageOf } from "../../core/errors.ts";
import { sumOfEntry, sumOfId, sumOfItem, sumOfRecord } from "../checksum.ts";
import { storeFailed } from "./errors.ts";
import { findSqlite } from "./find-sqlite.ts";
import { MIGRATIONS, versionOf } from "./schema.ts";
import { lostCommits } from "./tail.ts";

/** Something in a store that is not as it was written. */
export interface StoreDamage {
  /** The session it is in; undefined where that cannot be told. */
  readonly sessionId: string | undefined;
  /** The first entry of the session that is not what was written. */
  readonly seq: number | undefined;
  /** What was found, in words. */
  readonly what: string;
}

/** The result of a check. */
export interface StoreCheck {
  /** How many sessions and entries were looked at. */
  readonly sessions: number;
  readonly entries: number;
  /** All damage there is; empty for a sound store. */
  readonly damage: readonly StoreDamage[];
}

const MAX_STEP_MS = 5;

/**
 * Looks for damage in every session and record of a store file, and in its structure. Other processes may use the
 * store meanwhile; the event loop has its turns.
 *
 * @throws LoophostError `store_failed` when there is no store of this version at the path, or it cannot be opened
 */
export async function checkSqliteStore(path: string): Promise<StoreCheck> {
  const db = openToRead(path);
  const damage: StoreDamage[] = [];
  const found = (what: string, sessionId?: string, seq?: number) => damage.push({ sessionId, seq, what });
  /** One damaged session must not keep the others from being checked. */
  const contained = async (work: () => Promise<void> | void, sessionId?: string) => {
    try {
      await work();
    } catch (thrown) {
      found(messageOf(thrown), sessionId);
    }
  };
  let [sessions, entries] = [0, 0];
  try {
    // One read snapshot: what others write meanwhile is not seen in part.
    db.exec("BEGIN");
    await contained(() => {
      const lost = lostCommits(db, path);
      if (lost > 0) found(`the last ${lost} transactions are missing`);
    });
    await contained(() => checkStructure(db, found));
    await contained(async () => {
      for await (const log of paced(
        db.prepare("SELECT number, id, place, last, sum FROM logs NOT INDEXED").iterate(),
      )) {
        sessions += 1;
        const id = String(log["id"]);
        if (log["place"] !== sumOfId(id)) found("its id is not what was written", id);
        await contained(async () => {
          entries += await checkLog(db, log, (what, seq) => found(what, id, seq));
        }, id);
      }
    });
    await contained(async () => {
      const rows = db.prepare("SELECT collection, key, value, sum FROM records NOT INDEXED").iterate();
      for await (const { collection, key, value, sum } of paced(rows))
        if (sum !== sumOfRecord(String(collection), String(key), String(value)))
          found(`record ${String(collection)}/${String(key)} is not what was written`);
    });
    await contained(async () => {
      const rows = db.prepare("SELECT n, session, key, body, taken, sum FROM inbox NOT INDEXED").iterate();
      for await (const { n, session, key, body, taken, sum } of paced(rows)) {
        const id = String(session);
        const item = { n: Number(n), key: String(key), body: String(body), taken: Number(taken) };
        if (sum !== sumOfItem(id, item)) found(`item ${item.n} of its inbox is not what was written`, id);
      }
    });
    return { sessions, entries, damage };
  } finally {
    db.close();
  }
}

type Row = ReturnType<ReturnType<DatabaseSync["prepare"]>["all"]>[number];

function openToRead(path: string): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    db = new (findSqlite().DatabaseSync)(path, { readOnly: true, timeout: 5_000 });
    if (versionOf(db, path) === MIGRATIONS.length) return db;
  } catch (thrown) {
    db?.close();
    throw storeFailed(thrown, path, "The store could not be opened");
  }
  db.close();
  throw new LoophostError(
    "store_failed",
    `There are no checksums to check in this file (${path}): it is empty, or of an earlier version, which gets them when it is next opened.`,
  );
}

function checkStructure(db: DatabaseSync, found: (what: string) => void): void {
  for (const row of db.prepare("PRAGMA integrity_check").all()) {
    const what = String(Object.values(row)[0]);
    if (what !== "ok") found(what);
  }
}

/** Returns the number of intact entries; reports the first that is not. */
async function checkLog(
  db: DatabaseSync,
  log: Row,
  found: (what: string, seq: number) => void,
): Promise<number> {
  let [seq, sum] = [0, Number(log["place"])];
  const rows = db.prepare("SELECT seq, sum, entry FROM entries WHERE log = ? ORDER BY seq");
  for await (const row of paced(rows.iterate(Number(log["number"])))) {
    sum = sumOfEntry(sum, seq + 1, String(row["entry"]));
    if (row["seq"] !== seq + 1 || row["sum"] !== sum) {
      found("an entry is missing, or not what was written", seq + 1);
      return seq;
    }
    seq += 1;
  }
  if (seq !== log["last"] || sum !== log["sum"]) found("the last entries are missing", seq + 1);
  return seq;
}

async function* paced(rows: Iterable<Row>): AsyncGenerator<Row> {
  let turnAt = performance.now();
  for (const row of rows) {
    if (performance.now() - turnAt > MAX_STEP_MS) {
      await setImmediate();
      turnAt = performance.now();
    }
    yield row;
  }
}
