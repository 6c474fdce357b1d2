/**
 * The store in one SQLite file, by `node:sqlite`: it outlives the process, and several processes may share it.
 *
 *   Q1  durable: a call resolves after fsync, and survives the process, the machine and a power cut
 *   Q2  the fencing token is checked in the transaction that writes, so that it holds between processes too
 *   Q3  a file that is damaged, newer, or not a store is refused and left as it is
 *   Q4  integrity: what is read is what was written, by its checksum, and all of it, by its number and the tail record
 */

import { atLeast, checkOptions, checkSome, FUNCTION, must } from "../../core/check-options.ts";
import type { Store } from "../../core/store.ts";
import { releasedLater } from "../unreleased.ts";
import type { StoreCheck, StoreDamage } from "./check.ts";
import { checkSqliteStore } from "./check.ts";
import { SqliteConnection } from "./connection.ts";
import { sqliteInbox } from "./inbox.ts";
import { givenClock, machineClock } from "./lease-clock.ts";
import { sqliteLog } from "./log.ts";
import { sqliteRecords } from "./records.ts";
import { vacuumSqliteStore } from "./vacuum.ts";

export { checkSqliteStore, vacuumSqliteStore };
export type { StoreCheck, StoreDamage };

/** How a store in a file is opened. */
export interface SqliteStoreOptions {
  /** Milliseconds since 1970, for leases; processes that share a file share its clock. Default the clock of the machine, which may be set. */
  readonly now?: (() => number) | undefined;
  /** How long a call waits for other processes that write to the file before it fails. Default 5000. */
  readonly maxWaitMs?: number | undefined;
}

/**
 * Opens the store in a file, and creates it if it is not there; its folder must be. `":memory:"` is a store of its own
 * that is gone when it is closed.
 *
 * Each write waits for the disk, together with the other writes of its moment. SQLite keeps two more files beside this
 * one while it is open, named like it with `-wal` and `-shm`, and we one with `-tail`; they belong to it, as for a copy.
 *
 * @throws LoophostError `invalid_options` for a path that is none, or an option there is not; `store_failed` when the file cannot be opened, is newer than this code, or no store; `store_damaged` when it is damaged
 */
export function sqliteStore(path: string, options: SqliteStoreOptions = {}): Store {
  checkOptions<SqliteStoreOptions>("sqliteStore()", options, { now: FUNCTION, maxWaitMs: atLeast(0) });
  checkSome("sqliteStore()", { path }, { path: PATH }, ["path"]);
  const { maxWaitMs = 5_000 } = options;
  const connection = new SqliteConnection(path, maxWaitMs);
  const clock = options.now === undefined ? machineClock() : givenClock(options.now);
  return {
    // A write waits behind one that waits for other processes, and then for them itself.
    callTimeoutMs: 2 * maxWaitMs + 30_000,
    log: releasedLater(sqliteLog(connection, clock)),
    records: sqliteRecords(connection),
    inbox: sqliteInbox(connection),
    close: () => connection.close(),
  };
}

const PATH = must(
  'the path of a file, such as "sessions.db"',
  (value) => typeof value === "string" && value !== "" && !value.includes("\0"),
);
