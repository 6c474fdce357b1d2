/** Opening a database: by its address or by a pool of the user's, with one connection that is kept beside the others. */

import type { Checks } from "../../core/check-options.ts";
import { MILLISECONDS, must, oneOf, withMethods } from "../../core/check-options.ts";
import { LoophostError } from "../../core/errors.ts";
import { isObject } from "../../core/json.ts";
import { refuseOldNode } from "../../core/old-node.ts";
import { Database } from "./database.ts";
import { DirectConnection } from "./direct.ts";
import type { PostgresPool } from "./pool.ts";
import { isPostgresUrl, makePool, withoutPassword } from "./pool.ts";

/** How a store in a database is opened. */
export interface PostgresStoreOptions {
  /** The schema that is the store's own: small letters, digits and underscores. Default `"loophost"`. */
  readonly schema?: string | undefined;
  /**
   * Whether the schema is made and brought up to date by the store, with its first call, or refused when it is not. SQL for
   * those whose application may not change it: `loophost store sql`. Default `"auto"`.
   */
  readonly migrate?: "auto" | "refuse" | undefined;
  /** How long a call waits for a database that is out of reach, or slow, in milliseconds; the first call at most 5,000 ms. Default 20,000. */
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
 * A database, and the connection that is kept. Nothing is connected yet.
 *
 * @param owner whose options they are, such as `postgresStore()`
 */
export function openDatabase(
  owner: string,
  database: string | PostgresPool,
  options: PostgresStoreOptions,
): { readonly opened: Database; readonly direct: DirectConnection } {
  refuseOldNode();
  const url = isPostgresUrl(database) ? database : undefined;
  const pool = isPool(database) ? database : undefined;
  if (url === undefined && pool === undefined)
    throw new LoophostError("invalid_options", `${owner} takes ${NEITHER}`);
  if (pool !== undefined && hasOneConnection(pool))
    throw new LoophostError("invalid_options", `${owner}: ${ONE_CONNECTION}`);
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
  return { opened, direct };
}

/** A check for names of schemas. */
export const SCHEMA: ReturnType<typeof must> = must(
  "a name of small letters, digits and underscores, at most 63 of them, that begins with a letter",
  (value) => typeof value === "string" && /^[a-z][a-z0-9_]{0,62}$/.test(value) && !value.startsWith("pg_"),
);

/** What the options of a database have to be. */
export const CHECKS: Checks<PostgresStoreOptions> = {
  schema: SCHEMA,
  migrate: oneOf("auto", "refuse"),
  maxWaitMs: MILLISECONDS,
  directUrl: must(
    "an address that begins with postgres://, or null for none",
    (value) => value === null || isPostgresUrl(value),
  ),
  durability: oneOf("strict", "relaxed"),
};

const NEITHER = "the address of a database, such as postgres://user@host/name, or a Pool of the package pg.";
const ONE_CONNECTION =
  "a pool with one connection is not enough, since one is kept for the leases. Let it have 2 or more.";

function isPool(value: unknown): value is PostgresPool {
  return withMethods("query", "connect")(value) === undefined;
}

function hasOneConnection(pool: PostgresPool): boolean {
  const options = isObject(pool) ? Reflect.get(pool, "options") : undefined;
  return isObject(options) && options["max"] === 1;
}
