/**
 * The store in a PostgreSQL database, which the processes of many machines share.
 *
 *   P1  what a call resolved for is on the disk of the database, as far as the database keeps its word
 *   P2  who may write is decided in the statement that writes, so that a fence holds between machines too
 *   P3  the database may restart: what is under way is looked up and asked again, for `maxWaitMs`
 *   P4  what is read is what was written, by its checksum, and all of it, by its number and the end of its log
 */

import { atLeast, checkOptions, MILLISECONDS, must, oneOf, withMethods } from "../../core/check-options.ts";
import { LoophostError } from "../../core/errors.ts";
import { isObject } from "../../core/json.ts";
import type { Store } from "../../core/store.ts";
import { Database } from "./database.ts";
import { DirectConnection } from "./direct.ts";
import { postgresInbox } from "./inbox.ts";
import { postgresLog } from "./log.ts";
import type { PostgresClient, PostgresPool } from "./pool.ts";
import { isPostgresUrl, makePool, withoutPassword } from "./pool.ts";
import { postgresRecords } from "./records.ts";
import { migrationSql } from "./schema.ts";
import { Worker } from "./worker.ts";

export type { PostgresClient, PostgresPool };

/** How a store in a database is opened. */
export interface PostgresStoreOptions {
  /** The schema that is the store's own: small letters, digits and underscores. Default `"loophost"`. */
  readonly schema?: string | undefined;
  /**
   * Whether the schema is made and brought up to date by the store, with its first call, or refused when it is not. SQL for
   * those whose application may not change it: `loophost store sql`. Default `"auto"`.
   */
  readonly migrate?: "auto" | "refuse" | undefined;
  /** How long a call waits for a database that is out of reach, or slow, in milliseconds. Default 20,000. */
  readonly maxWaitMs?: number | undefined;
  /**
   * The address of the database past a pooler such as PgBouncer, for one connection that the leases live with; null where
   * there is no such way: then leases of a process that was killed end with their time. Default: a connection like all others.
   */
  readonly directUrl?: string | null | undefined;
  /** `"relaxed"`: takes a database that may lose what it said is written. Default `"strict"`: it is refused. */
  readonly durability?: "strict" | "relaxed" | undefined;
}

/** Connections of a store beside the one for leases. */
const MAX_CONNECTIONS = 9;

/**
 * Opens the store in a database, by its address (`postgres://…`) or a `Pool` of the package `pg`, which stays the caller's
 * to end. Connects with the first call, and makes its tables then. A pool needs two connections or more: one is kept for
 * the leases.
 *
 * @throws LoophostError `invalid_options` for an address that is none, or an option there is not. The store's calls throw `missing_dependency` without the package `pg`, `store_failed` when the database cannot be reached or is not fit, `store_damaged` when something is not what was written
 */
export function postgresStore(database: string | PostgresPool, options: PostgresStoreOptions = {}): Store {
  checkOptions<PostgresStoreOptions>("postgresStore()", options, CHECKS);
  const url = isPostgresUrl(database) ? database : undefined;
  const pool = isPool(database) ? database : undefined;
  if (url === undefined && pool === undefined) throw new LoophostError("invalid_options", NEITHER);
  if (pool !== undefined && hasOneConnection(pool))
    throw new LoophostError("invalid_options", ONE_CONNECTION);
  const {
    schema = "loophost",
    migrate = "auto",
    maxWaitMs = 20_000,
    durability = "strict",
    directUrl,
  } = options;

  const opened = new Database({
    place: `${url === undefined ? "a pool of the application" : withoutPassword(url)}, schema ${schema}`,
    open: () =>
      pool === undefined
        ? makePool(url ?? "", MAX_CONNECTIONS, maxWaitMs)
        : Promise.resolve({ pool, end: () => Promise.resolve() }),
    schema,
    migrate,
    maxWaitMs,
    durability,
  });
  const direct = new DirectConnection(async () => {
    // The tables have to be there, whichever way this connection takes.
    const shared = await opened.ready();
    const from = typeof directUrl === "string" ? (await makePool(directUrl, 1, maxWaitMs)).pool : shared;
    return opened.connect(from);
  });
  const worker = directUrl === null ? undefined : new Worker(opened, direct);
  const log = postgresLog(opened, worker);
  let closing: Promise<void> | undefined;

  async function close(): Promise<void> {
    await log.idle();
    worker?.close();
    await direct.close();
    await opened.close();
  }

  return {
    log,
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

const SCHEMA = must(
  "a name of small letters, digits and underscores, at most 63 of them, that begins with a letter",
  (value) => typeof value === "string" && /^[a-z][a-z0-9_]{0,62}$/.test(value) && !value.startsWith("pg_"),
);

const CHECKS = {
  schema: SCHEMA,
  migrate: oneOf("auto", "refuse"),
  maxWaitMs: MILLISECONDS,
  directUrl: must(
    "an address that begins with postgres://, or null for none",
    (value) => value === null || isPostgresUrl(value),
  ),
  durability: oneOf("strict", "relaxed"),
};

const NEITHER =
  "postgresStore() takes the address of a database, such as postgres://user@host/name, or a Pool of the package pg.";
const ONE_CONNECTION =
  "postgresStore(): a pool with one connection is not enough, since one is kept for the leases. Let it have 2 or more.";

function isPool(value: unknown): value is PostgresPool {
  return withMethods("query", "connect")(value) === undefined;
}

function hasOneConnection(pool: PostgresPool): boolean {
  const options = isObject(pool) ? Reflect.get(pool, "options") : undefined;
  return isObject(options) && options["max"] === 1;
}
