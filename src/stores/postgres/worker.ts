/**
 * Liveness of a store: a session-level advisory lock on its direct connection, which the server releases when the
 * process dies. Its leases are free as soon as the lock is, instead of when they expire.
 *
 *   W1  the number of a store is never reused; after its connection broke it takes the lock of that number again
 *   W2  a process that hangs keeps its connection, but does not renew its row, and so is found out
 */

import { hostname } from "node:os";

import { isObject } from "../../core/json.ts";
import type { Database } from "./database.ts";
import type { DirectConnection } from "./direct.ts";
import type { PostgresClient } from "./pool.ts";
import { lockClass } from "./schema.ts";

const RENEW_MS = 5_000;
/** Milliseconds without a renewal after which a worker counts as hung. */
const STALE_MS = 20_000;
const FORGET_AFTER = "1 hour";
/** A database that just restarted has also released the locks of living workers: wait this long for them. */
const GRACE = "5 s";

const NAME = `process ${process.pid} on ${hostname()}`;
const UNTIL = `clock_timestamp() + ${STALE_MS} * interval '1 ms'`;

/**
 * A condition in SQL: the worker of the log `l` is gone.
 *
 * @param classParameter the parameter that has the number of the schema, such as `$8`
 */
export function isGone(classParameter: string): string {
  return isWorkerGone(classParameter, "l.worker");
}

/** A condition in SQL: the worker of this number is gone; false for none. */
export function isWorkerGone(classParameter: string, worker: string): string {
  return `CASE
    WHEN ${worker} IS NULL OR clock_timestamp() < pg_postmaster_start_time() + interval '${GRACE}' THEN false
    ELSE pg_try_advisory_xact_lock_shared(${classParameter}, ${worker})
      OR EXISTS (SELECT FROM @.workers w WHERE w.number = ${worker} AND w.until <= clock_timestamp()) END`;
}

/** The worker that a store is. */
export class Worker {
  readonly #direct: DirectConnection;
  readonly #class: number;
  readonly #enrolSql: string;
  readonly #renewSql: string;
  #number: number | undefined;
  #renewal: NodeJS.Timeout | undefined;

  constructor(database: Database, direct: DirectConnection) {
    this.#direct = direct;
    this.#class = lockClass(database.options.schema);
    this.#enrolSql = database.sql(`
      WITH forgotten AS (DELETE FROM @.workers WHERE until < clock_timestamp() - interval '${FORGET_AFTER}'),
        enrolled AS (INSERT INTO @.workers (name, until) VALUES ($2, ${UNTIL}) RETURNING number)
      SELECT number, pg_advisory_lock($1, number) FROM enrolled`);
    this.#renewSql = database.sql(`
      INSERT INTO @.workers (number, name, until) OVERRIDING SYSTEM VALUE VALUES ($1, $2, ${UNTIL})
      ON CONFLICT (number) DO UPDATE SET until = excluded.until`);
  }

  /** The number of this worker, from when on its life can be told by the lock. */
  async number(): Promise<number> {
    if (this.#number === undefined) await this.#direct.add(this.#enrol);
    return this.#number ?? 0;
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
    }
    clearInterval(this.#renewal);
    this.#renewal = setInterval(() => {
      const giveUp = setTimeout(() => this.#direct.abandon(client), RENEW_MS - 1).unref();
      this.#renew(client)
        .catch(() => this.#direct.abandon(client))
        .finally(() => clearTimeout(giveUp));
    }, RENEW_MS).unref();
  };

  async #renew(client: PostgresClient): Promise<void> {
    await client.query(this.#renewSql, [this.#number, NAME]);
  }
}
