/**
 * Liveness of a store: a session-level advisory lock on its direct connection, which the server releases when the
 * process dies. Its leases are free as soon as the lock is, instead of when they expire.
 *
 *   W1  the number of a store is never reused; after its connection broke it takes the lock of that number again
 *   W2  a process that hangs keeps its connection, but does not renew its row, and so is found out
 *   W3  what broke our connection may have broken those of the living, too (failover to a standby, a balancer that restarts): just
 *       after that a lock that is free says nothing
 *   W4  a database that pauses (failover, a full disk) keeps everybody from renewing, and whoever came back first would
 *       take the sessions of the living: so only a worker whose own renewals were steady all the while finds another hung
 *   W5  a process that has just started knows of no break: so what is known of a server, and since when, stands in the database
 */

import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

import { isObject } from "../../core/json.ts";
import type { Database } from "./database.ts";
import type { DirectConnection } from "./direct.ts";
import type { PostgresClient } from "./pool.ts";
import { lockClass } from "./schema.ts";

const RENEW_MS = 2_000;
/** Milliseconds without a renewal after which a worker counts as hung: three renewals, and some. */
const STALE_MS = 7_000;
/** Renewals further apart than this are not steady: the database may have paused between them. */
const STEADY_MS = 2 * RENEW_MS;
/** How long a connection that did not answer has left once others are known to answer. */
const ANSWER_MS = 1_000;
const FORGET_AFTER = "1 hour";
/** What loses the locks of the living, too (a restart, a crash, a standby that takes over): wait this long for them. */
const GRACE_MS = 5_000;

const NAME = `process ${process.pid} on ${hostname()}`;
const later = (ms: number) => `clock_timestamp() + ${ms} * interval '1 ms'`;
const UNTIL = later(STALE_MS);

// In a table that such a loss empties, or that names another server then: see W5.
const KNOW_SERVER = `
  INSERT INTO @.server AS s (started, since) SELECT pg_postmaster_start_time(), clock_timestamp()
  WHERE NOT EXISTS (SELECT FROM @.server WHERE started = pg_postmaster_start_time())
  ON CONFLICT (one) DO UPDATE SET started = excluded.started, since = excluded.since`;

/**
 * A condition in SQL: a worker is gone; false for none.
 *
 * @param worker the column that has its number
 * @param schemaLock the parameter that has the number of the schema in advisory locks, such as `$8`, or null: then a free lock says nothing
 * @param me the parameter that has the number of the worker that asks, or null: that one finds nobody hung
 */
export function isWorkerGone(worker: string, schemaLock: string, me: string): string {
  return `CASE
    WHEN ${worker} IS NULL OR NOT EXISTS (
      SELECT FROM @.server WHERE started = pg_postmaster_start_time() AND since <= ${later(-GRACE_MS)}) THEN false
    ELSE pg_try_advisory_xact_lock_shared(${schemaLock}, ${worker})
      OR EXISTS (
        SELECT FROM @.workers silent, @.workers me
        WHERE silent.number = ${worker} AND silent.until <= clock_timestamp()
          AND me.number = ${me} AND me.until > ${later(STALE_MS - STEADY_MS)} AND me.since <= ${later(-STALE_MS)}) END`;
}

/** The worker that a store is. */
export class Worker {
  readonly #database: Database;
  readonly #direct: DirectConnection;
  readonly #class: number;
  readonly #enrolSql: string;
  readonly #renewSql: string;
  #number: number | undefined;
  /** When it took its lock again, after its connection broke. */
  #againAt = -Infinity;
  #renewal: NodeJS.Timeout | undefined;

  constructor(database: Database, direct: DirectConnection) {
    this.#database = database;
    this.#direct = direct;
    this.#class = lockClass(database.options.schema);
    this.#enrolSql = database.sql(`
      WITH forgotten AS (DELETE FROM @.workers WHERE until < clock_timestamp() - interval '${FORGET_AFTER}'),
        known AS (${KNOW_SERVER}),
        enrolled AS (
          INSERT INTO @.workers (name, until, since) VALUES ($2, ${UNTIL}, clock_timestamp()) RETURNING number)
      SELECT number, pg_advisory_lock($1, number) FROM enrolled`);
    this.#renewSql = database.sql(`
      WITH known AS (${KNOW_SERVER})
      INSERT INTO @.workers AS w (number, name, until, since) OVERRIDING SYSTEM VALUE
      VALUES ($1, $2, ${UNTIL}, clock_timestamp())
      ON CONFLICT (number) DO UPDATE SET until = excluded.until,
        since = CASE WHEN w.until > ${later(STALE_MS - STEADY_MS)} THEN w.since ELSE excluded.since END`);
  }

  /** The number of this worker, from when on its life can be told by the lock. */
  async number(): Promise<number> {
    if (this.#number === undefined) await this.#direct.add(this.#enrol);
    return this.#number ?? 0;
  }

  /** The number, where it has one already. */
  get enrolled(): number | undefined {
    return this.#number;
  }

  /** The number of the schema in advisory locks; null while a lock that is free is no sign of death, see W3. */
  get schemaLock(): number | null {
    const isBroken = this.#number !== undefined && !this.#direct.isConnected;
    return isBroken || performance.now() < this.#againAt + GRACE_MS ? null : this.#class;
  }

  close(): void {
    clearInterval(this.#renewal);
  }

  readonly #enrol = async (client: PostgresClient): Promise<void> => {
    if (this.#number === undefined) {
      const { rows } = await client.query(this.#enrolSql, [this.#class, NAME]);
      this.#number = Number(isObject(rows[0]) ? rows[0]["number"] : 0);
    } else {
      const { rows } = await client.query("SELECT pg_try_advisory_lock($1, $2) AS mine", [
        this.#class,
        this.#number,
      ]);
      // The server has not noticed yet that the connection before is gone, so its lock is still held.
      if (!isObject(rows[0]) || rows[0]["mine"] !== true) throw new Error("the lock is still held");
      await this.#renew(client);
      this.#againAt = performance.now();
    }
    clearInterval(this.#renewal);
    let underWay: Promise<void> | undefined;
    this.#renewal = setInterval(() => {
      const before = underWay;
      if (before !== undefined) this.#doubt(client, () => underWay === before).catch(() => undefined);
      else
        underWay = this.#renew(client)
          .catch(() => this.#direct.abandon(client))
          .finally(() => (underWay = undefined));
    }, RENEW_MS).unref();
  };

  async #renew(client: PostgresClient): Promise<void> {
    await client.query(this.#renewSql, [this.#number, NAME]);
  }

  /**
   * Gives up a connection that does not answer although the database answers on others (a half-open connection). While it answers
   * nobody the connection is kept: a lock that is let go of would look like a death once it is back.
   */
  async #doubt(client: PostgresClient, isSilent: () => boolean): Promise<void> {
    await this.#database.once("SELECT 1", []);
    await sleep(ANSWER_MS, undefined, { ref: false });
    if (isSilent()) this.#direct.abandon(client);
  }
}
