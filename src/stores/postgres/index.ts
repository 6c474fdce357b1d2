/**
 * The store in a PostgreSQL database, which the processes of many machines share.
 *
 *   P1  durable: a call resolves after its commit, as far as the database keeps its word (`synchronous_commit`)
 *   P2  the fencing token is checked in the statement that writes, so that it holds between machines too
 *   P3  the database may restart: what is under way is looked up and retried, for `maxWaitMs`
 *   P4  integrity: what is read is what was written, by its checksum, and all of it, by its number and the end of its
 *       log
 */

import { atLeast, checkOptions } from "../../core/check-options.ts";
import type { Store } from "../../core/store.ts";
import { releasedLater } from "../unreleased.ts";
import { postgresInbox } from "./inbox.ts";
import { postgresLog } from "./log.ts";
import type { PostgresStoreOptions } from "./open.ts";
import { CHECKS, openDatabase, SCHEMA } from "./open.ts";
import type { PostgresClient, PostgresPool } from "./pool.ts";
import { postgresRecords } from "./records.ts";
import { migrationSql } from "./schema.ts";
import { Worker } from "./worker.ts";

export type { PostgresClient, PostgresPool, PostgresStoreOptions };

/**
 * Opens the store in a database, by its address (`postgres://…`) or a `Pool` of the package `pg`, which stays the caller's
 * to end. Connects with the first call, and makes its tables then. A pool needs two connections or more: one is kept for
 * the leases.
 *
 * @throws LoophostError `invalid_options` for an address that is none, or an option there is not. The store's calls throw `missing_dependency` without the package `pg`, `store_failed` when the database cannot be reached or is not fit, `store_damaged` when something is not what was written
 */
export function postgresStore(database: string | PostgresPool, options: PostgresStoreOptions = {}): Store {
  checkOptions<PostgresStoreOptions>("postgresStore()", options, CHECKS);
  const { opened, direct } = openDatabase("postgresStore()", database, options);
  const worker = options.directUrl === null ? undefined : new Worker(opened, direct);
  const log = postgresLog(opened, worker);
  let closing: Promise<void> | undefined;

  async function close(): Promise<void> {
    await log.idle();
    worker?.close();
    await direct.close();
    await opened.close();
  }

  return {
    callTimeoutMs: 2 * (options.maxWaitMs ?? 20_000) + 30_000,
    log: releasedLater(log),
    records: postgresRecords(opened),
    inbox: postgresInbox(opened),
    close: () => (closing ??= close()),
  };
}

/**
 * The SQL that makes the tables of a store, or brings them up to date: a transaction, for whoever may run it.
 *
 * @param options `schema`: as of the store. `from`: the version that is there, 0 for none
 */
export function postgresStoreSql(
  options: { readonly schema?: string | undefined; readonly from?: number | undefined } = {},
): string {
  checkOptions("postgresStoreSql()", options, { schema: SCHEMA, from: atLeast(0) });
  const { schema = "loophost", from = 0 } = options;
  return `BEGIN;\n${migrationSql(schema, from)}\nCOMMIT;\n`;
}
