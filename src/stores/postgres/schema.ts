/**
 * The schema of a store, and its migrations.
 *
 *   M1  a released migration is never edited: the next version is another one
 *   M2  migrations run in one transaction, under a lock: wholly or not at all, and once
 *   M3  a migration first adds, and what it replaces is dropped a release later, so that code of the version before
 *       still works (rolling deploys); `oldest_code` says from which version on code may use the schema
 */

import { crc32 } from "node:zlib";

import { LoophostError } from "../../core/errors.ts";
import { isObject } from "../../core/json.ts";
import type { PostgresClient, PostgresPool } from "./pool.ts";

/** One step: its SQL, and the oldest version of code that can use what comes out. */
export interface Migration {
  readonly sql: string;
  readonly oldestCode: number;
}

const FIRST = `
CREATE TABLE meta (
  one bool PRIMARY KEY DEFAULT true CHECK (one),
  version int NOT NULL,
  oldest_code int NOT NULL
);
INSERT INTO meta (version, oldest_code) VALUES (0, 0);
-- One sequence for all logs: no number is ever given twice, not even for a log that was deleted and began anew.
CREATE SEQUENCE fences AS bigint;
CREATE TABLE logs (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- stands for the id in every entry
  id text COLLATE "C" NOT NULL UNIQUE,
  fence bigint NOT NULL, -- below 0: released
  last bigint NOT NULL, -- the number of the last entry
  sum bigint NOT NULL, -- and its checksum
  owner text NOT NULL,
  worker int, -- whose connection the lease lives with
  claim text NOT NULL, -- so that who lost the reply to a claim knows it again
  lease_until timestamptz NOT NULL
) WITH (fillfactor = 70); -- room for updates in the page: nothing that an append changes is in an index
CREATE TABLE entries (
  log bigint NOT NULL,
  seq bigint NOT NULL,
  entry text NOT NULL, -- JSON; not jsonb, which refuses the character 0
  sum bigint NOT NULL, -- checksum, chained to the entry before
  PRIMARY KEY (log, seq)
) PARTITION BY HASH (log);
${Array.from({ length: 16 }, (_, part) => `CREATE TABLE entries_${part} PARTITION OF entries FOR VALUES WITH (MODULUS 16, REMAINDER ${part});`).join("\n")}
CREATE TABLE records (
  collection text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  value text NOT NULL, -- JSON
  sum bigint NOT NULL,
  PRIMARY KEY (collection, key)
);
CREATE TABLE inbox (
  session text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  n bigint GENERATED ALWAYS AS IDENTITY,
  body text NOT NULL, -- JSON
  sum bigint NOT NULL,
  taken bigint, -- the number of the entry it led to; kept as long as its session, for its key
  PRIMARY KEY (session, key)
);
CREATE INDEX inbox_waiting ON inbox (session, n) WHERE taken IS NULL;
CREATE TABLE workers (
  number int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL,
  until timestamptz NOT NULL -- renewed; when it is over, the worker hangs
);
CREATE TABLE wakes ( -- sessions that somebody is to run, for workers that have no other engine
  session text COLLATE "C" PRIMARY KEY,
  due timestamptz NOT NULL,
  worker int, -- who runs it
  marks bigint NOT NULL DEFAULT 1 -- how often it was woken: a wake that comes while it runs is not lost
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01);
CREATE INDEX wakes_due ON wakes (due);`;

const SECOND = `
ALTER TABLE workers ADD COLUMN since timestamptz NOT NULL DEFAULT now(); -- from when on its renewals were steady
ALTER TABLE wakes ADD COLUMN tenant text COLLATE "C" NOT NULL DEFAULT ''; -- whose session it is: tenants take turns
CREATE INDEX wakes_in_turn ON wakes (tenant, due) WHERE worker IS NULL;
CREATE INDEX wakes_taken ON wakes (worker) WHERE worker IS NOT NULL;`;

// Of a server that makes it all is known that it lost no locks of anybody.
const THIRD = `
CREATE UNLOGGED TABLE server ( -- empty after a crash, and on a standby that takes over: then all locks were lost
  one bool PRIMARY KEY DEFAULT true CHECK (one),
  started timestamptz NOT NULL, -- as it says itself
  since timestamptz NOT NULL -- from when on it is known
);
INSERT INTO server (started, since) VALUES (pg_postmaster_start_time(), '-infinity');`;

/** The steps from each version to the next, the first from nothing. */
const MIGRATIONS: readonly Migration[] = [
  { sql: FIRST.trim(), oldestCode: 1 },
  // The index wakes_due is of use to code of version 1 alone; a later step drops it.
  { sql: SECOND.trim(), oldestCode: 1 },
  { sql: THIRD.trim(), oldestCode: 1 },
];

/** The key of a schema in advisory locks. */
export function lockClass(schema: string): number {
  return Math.trunc(crc32(`loophost ${schema}`) / 2);
}

/** The SQL that brings a schema of a version up to date, without the transaction around it. */
export function migrationSql(
  schema: string,
  from = 0,
  migrations: readonly Migration[] = MIGRATIONS,
): string {
  const steps = migrations
    .slice(from)
    .map(
      ({ sql, oldestCode }, index) =>
        `-- version ${from + index + 1}\n${sql}\nUPDATE meta SET version = ${from + index + 1}, oldest_code = ${oldestCode};`,
    );
  const create = from === 0 ? [`CREATE SCHEMA IF NOT EXISTS "${schema}";`] : [];
  return [...create, `SET LOCAL search_path TO "${schema}";`, ...steps].join("\n");
}

/** How a schema is found, and whether it may be changed. */
export interface SchemaOptions {
  readonly schema: string;
  /** Brings it up to date, or refuses one that is not. */
  readonly migrate: "auto" | "refuse";
}

/**
 * Brings a schema up to date; one that is needs no lock.
 *
 * @throws LoophostError `store_failed` when it is of a newer version, or out of date and not to be changed
 */
export async function migrate(
  pool: PostgresPool,
  { schema, migrate: how }: SchemaOptions,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<void> {
  const found = await versionOf(pool, schema, migrations.length);
  if (found >= migrations.length) return;
  if (how === "refuse")
    throw new LoophostError(
      "store_failed",
      `The schema "${schema}" of the store is ${found === 0 ? "not there" : `of version ${found}`}, this code needs version ` +
        `${migrations.length}, and may not migrate it. Run what \`loophost store sql --schema ${schema} --from ${found}\` prints.`,
    );
  const client = await pool.connect();
  // A break also rejects the statement under way; without a listener the "error" event would end the process.
  client.on("error", () => undefined);
  let isSound = false;
  try {
    await client.query("BEGIN");
    await client.query("SELECT pg_advisory_xact_lock($1, 0)", [lockClass(schema)]);
    // Race: read again under the lock, since another process may have migrated first.
    const from = await versionOf(client, schema, migrations.length);
    if (from < migrations.length) await client.query(await permitted(client, schema, from, migrations));
    await client.query("COMMIT");
    isSound = true;
  } finally {
    // A connection inside a failed transaction is closed: the database undoes it.
    client.release(!isSound);
  }
}

/** CREATE SCHEMA needs a privilege even when the schema exists. */
async function permitted(
  client: PostgresClient,
  schema: string,
  from: number,
  migrations: readonly Migration[],
): Promise<string> {
  const sql = migrationSql(schema, from, migrations);
  const { rows } = await client.query("SELECT FROM pg_namespace WHERE nspname = $1", [schema]);
  return rows.length === 0 ? sql : sql.replace(/^CREATE SCHEMA .*\n/, "");
}

const META_TABLE = `
  SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = 'meta'`;

async function versionOf(
  client: Pick<PostgresPool, "query">,
  schema: string,
  newest: number,
): Promise<number> {
  // Not by to_regclass(), which may answer from a cache that is older than the lock.
  const { rows } = await client.query(META_TABLE, [schema]);
  if (rows.length === 0) return 0;
  const meta = await client.query(`SELECT version, oldest_code FROM "${schema}".meta`);
  const row = isObject(meta.rows[0]) ? meta.rows[0] : {};
  const [version, oldestCode] = [Number(row["version"] ?? 0), Number(row["oldest_code"] ?? 0)];
  if (version > newest && oldestCode > newest)
    throw new LoophostError(
      "store_failed",
      `The store was made by a newer loophost (schema "${schema}"): its version is ${version}, this one knows ${newest}. ` +
        "It was left as it is; update loophost.",
    );
  return version;
}
