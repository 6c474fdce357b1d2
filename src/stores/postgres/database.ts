/**
 * A store's database: connects lazily, retries while it is out of reach, and has errors that name the cause.
 *
 *   D1  nothing is read or written before the settings were found fit and the schema up to date
 *   D2  every statement is a transaction of its own: no connection holds one open while it waits for us
 *   D3  every wait has a deadline: for a reply, and for a database to come back
 *   D4  rows that stay locked occupy one connection at a time, however many wait for theirs: a pool may have few
 */

import { crc32 } from "node:zlib";

import { MAX_TIMER_MS } from "../../core/clock.ts";
import { LoophostError } from "../../core/errors.ts";
import { isObject } from "../../core/json.ts";
import { isConflict, isForOne, isHeldUp, isLost, isUnprepared, NoReply, storeFailed } from "./errors.ts";
import { Patience } from "./patience.ts";
import type { OpenPool, PostgresClient, PostgresPool } from "./pool.ts";
import type { SchemaOptions } from "./schema.ts";
import { migrate } from "./schema.ts";

/** How a database is used. */
export interface DatabaseOptions extends SchemaOptions {
  /** Where it is, without a password, for errors. */
  readonly place: string;
  readonly open: () => Promise<OpenPool>;
  readonly maxWaitMs: number;
  readonly durability: "strict" | "relaxed";
}

/** A row, by the names of its columns. */
export type Row = Readonly<Record<string, unknown>>;

/** The database of a store. */
export class Database {
  readonly options: DatabaseOptions;
  #pool: Promise<OpenPool> | undefined;
  #ready: Promise<PostgresPool> | undefined;
  #prepared: OpenPool["prepared"];
  /** Over when the last of those is that wait their turn. */
  #turn: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(options: DatabaseOptions) {
    this.options = options;
  }

  /** SQL with `@.` before the tables of the store. */
  sql(text: string): string {
    return text.replaceAll("@.", `"${this.options.schema}".`);
  }

  /** Sends a statement without a retry; the caller handles a lost reply. */
  async once(sql: string, values: readonly unknown[]): Promise<readonly Row[]> {
    const pool = await this.ready();
    const { rows } = await this.#inTime(
      this.#prepared === undefined
        ? pool.query(sql, [...values])
        : this.#prepared(nameOf(sql), sql, [...values]).catch((thrown: unknown) => {
            if (!isUnprepared(thrown)) throw thrown;
            // Behind a pooler such as PgBouncer, which may give a connection that has not prepared it.
            this.#prepared = undefined;
            return pool.query(sql, [...values]);
          }),
    );
    return rows.filter((row): row is Row => isObject(row));
  }

  /** Sends an idempotent statement, with retries. */
  query(doing: string, sql: string, values: readonly unknown[]): Promise<readonly Row[]> {
    return this.retry(doing, () => this.once(sql, values));
  }

  /**
   * Sends an idempotent statement of many parts, with retries; undefined when it failed for one of them, so that each is to be sent
   * alone.
   */
  queryMany(
    doing: string,
    sql: string,
    values: readonly unknown[],
    parts: number,
  ): Promise<readonly Row[] | undefined> {
    return this.retry(doing, () =>
      this.once(sql, values).catch((thrown: unknown) => {
        if (isForOne(thrown, parts)) return undefined;
        throw thrown;
      }),
    );
  }

  /**
   * Retries work while the database is out of reach, with pauses (backoff).
   *
   * @param doing what failed, as the beginning of a sentence
   * @param work is told whether it may have been done before
   * @throws LoophostError `store_failed` when it fails, or the database was out of reach for too long
   */
  async retry<T>(doing: string, work: (isRepeat: boolean) => Promise<T>): Promise<T> {
    const patience = new Patience(this.options.maxWaitMs);
    let wasHeldUp = false;
    for (let isRepeat = false; ; isRepeat = true) {
      const attempt = () => work(isRepeat);
      try {
        return await (wasHeldUp ? this.inTurn(attempt) : attempt());
      } catch (thrown) {
        wasHeldUp = isHeldUp(thrown);
        await this.pauseAfter(thrown, patience).catch((last: unknown) => {
          throw this.failed(last, doing);
        });
      }
    }
  }

  /** Runs what was found to wait for a locked row after those that were before it, one after another: see D4. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  /** Pauses before a retry, where one may help; rethrows otherwise. */
  async pauseAfter(thrown: unknown, patience: Patience): Promise<void> {
    if (this.#isClosed || !(isLost(thrown) || isConflict(thrown) || isHeldUp(thrown))) throw thrown;
    await patience.pause(thrown);
  }

  /** The error for work that failed. */
  failed(thrown: unknown, doing: string): LoophostError {
    return storeFailed(thrown, this.options.place, doing);
  }

  /** The pool, once the database was found fit and its schema brought up to date. */
  async ready(): Promise<PostgresPool> {
    if (this.#isClosed)
      throw new LoophostError("store_failed", `The store is closed (${this.options.place}).`);
    this.#ready ??= this.#makeReady().catch((thrown: unknown) => {
      // The next call tries again.
      this.#ready = undefined;
      throw this.failed(thrown, "The store could not be opened");
    });
    return this.#ready;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const opened = await this.#pool?.catch(() => undefined);
    await opened?.end();
  }

  async #makeReady(): Promise<PostgresPool> {
    this.#pool ??= this.options.open();
    const { pool, prepared } = await this.#pool.catch((thrown: unknown) => {
      this.#pool = undefined;
      throw thrown;
    });
    this.#prepared = prepared;
    const patience = new Patience(Math.min(this.options.maxWaitMs, FIRST_CONTACT_MS));
    for (;;) {
      try {
        await this.#inTime(refuseIfUnfit(pool, this.options.durability));
        await this.#inTime(migrate(pool, this.options));
        return pool;
      } catch (thrown) {
        await this.pauseAfter(thrown, patience);
      }
    }
  }

  /** Takes a connection out of a pool; one that comes after the deadline is returned, or it would leak. */
  async connect(pool: PostgresPool): Promise<PostgresClient> {
    const coming = pool.connect();
    try {
      return await this.#inTime(coming);
    } catch (thrown) {
      coming.then(
        (client) => client.release(true),
        () => undefined,
      );
      throw thrown;
    }
  }

  /** Waits for the database, with a deadline. */
  #inTime<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const { maxWaitMs } = this.options;
      const timer = setTimeout(() => reject(new NoReply(maxWaitMs)), Math.min(maxWaitMs, MAX_TIMER_MS));
      work.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }
}

/** A statement's name: by what it says, so that whoever else prepared it on a shared connection prepared the same. */
function nameOf(sql: string): string {
  return `loophost_${crc32(sql).toString(36)}_${sql.length}`;
}

/** The first call waits out a restart, which is shorter; an address where nobody ever answered is more likely a wrong one, and said sooner. */
const FIRST_CONTACT_MS = 5_000;
const OLDEST_SERVER = 140_000;

/** Refuses settings under which the database loses committed data, or changes it. */
async function refuseIfUnfit(pool: PostgresPool, durability: "strict" | "relaxed"): Promise<void> {
  const { rows } = await pool.query(`
    SELECT current_setting('server_version_num')::int AS version, current_setting('server_encoding') AS encoding,
      current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit`);
  const problem = problemWith(isObject(rows[0]) ? rows[0] : {}, durability);
  if (problem !== undefined)
    throw new LoophostError("store_failed", `The database is not fit for a store: ${problem}.`);
}

function problemWith(found: Row, durability: "strict" | "relaxed"): string | undefined {
  if (Number(found["version"]) < OLDEST_SERVER) return "it is older than PostgreSQL 14";
  if (found["encoding"] !== "UTF8") return `its encoding is ${String(found["encoding"])}, not UTF8`;
  if (durability === "relaxed") return undefined;
  const relax = 'Set it to on, or pass durability: "relaxed" where what was written may be lost';
  if (found["fsync"] === "off") return `fsync is off, and a power cut may destroy all of it. ${relax}`;
  if (found["commit"] === "off")
    return `synchronous_commit is off, and a crash takes the last writes back. ${relax}`;
  return undefined;
}
