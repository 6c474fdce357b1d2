/** A connection to a store's SQLite file: reads, writes in groups, and errors that say what was the matter. */

import type { SQLInputValue } from "node:sqlite";
import { DatabaseSync } from "node:sqlite";
import { setTimeout } from "node:timers/promises";

import { LoophostError } from "../../core/errors.ts";
import { isBusy, storeFailed } from "./errors.ts";
import { GroupCommit } from "./group-commit.ts";
import { rollBack } from "./rollback.ts";
import { migrate } from "./schema.ts";

/** A prepared statement with rows of a known shape. */
export interface Statement<Row> {
  get(...values: SQLInputValue[]): Row | undefined;
  all(...values: SQLInputValue[]): Row[];
  /** Gives the number of rows it changed. */
  run(...values: SQLInputValue[]): number;
}

// SQLite sleeps in here, and the event loop with it; longer waits are ours, and leave the loop alone.
const SQLITE_WAIT_MS = 10;
const MAX_PAUSE_MS = 10;

/** An open store file. */
export class SqliteConnection {
  readonly #path: string;
  readonly #maxWaitMs: number;
  readonly #db: DatabaseSync;
  readonly #writes: GroupCommit;
  #closing: Promise<void> | undefined;

  /** @throws LoophostError `store_failed` when there is no file at the path that we can work with */
  constructor(path: string, maxWaitMs: number) {
    this.#path = path;
    this.#maxWaitMs = maxWaitMs;
    this.#db = openFile(path, maxWaitMs);
    const [begin, commit] = [this.prepare("BEGIN IMMEDIATE"), this.prepare("COMMIT")];
    this.#writes = new GroupCommit({
      begin: () => this.#whenFree(() => void begin.run()),
      commit: () => void commit.run(),
      rollback: () => rollBack(this.#db),
    });
  }

  /** Prepares a statement. The row type is a promise about the columns it selects. */
  prepare<Row>(sql: string): Statement<Row> {
    const statement = this.#db.prepare(sql);
    return {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a parse boundary: our own SQL, over STRICT tables
      get: (...values) => statement.get(...values) as Row | undefined,
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
      all: (...values) => statement.all(...values) as Row[],
      run: (...values) => Number(statement.run(...values).changes),
    };
  }

  /** Reads what is committed, by this process or another. */
  async read<T>(doing: string, work: () => T): Promise<T> {
    this.#refuseIfClosed();
    try {
      return await this.#whenFree(work);
    } catch (thrown) {
      throw storeFailed(thrown, this.#path, doing);
    }
  }

  /** Writes in a transaction, with what else is written about now. Work that refuses must do so before it writes. */
  async write<T>(doing: string, work: () => T): Promise<T> {
    this.#refuseIfClosed();
    try {
      return await this.#writes.add(work);
    } catch (thrown) {
      throw storeFailed(thrown, this.#path, doing);
    }
  }

  /** Lets go of the file when everything that was asked for is written. */
  close(): Promise<void> {
    this.#closing ??= this.#writes.flushed().then(() => this.#db.close());
    return this.#closing;
  }

  #refuseIfClosed(): void {
    if (this.#closing !== undefined)
      throw new LoophostError("store_failed", `The store is closed (${this.#path}).`);
  }

  async #whenFree<T>(work: () => T): Promise<T> {
    const giveUpAt = performance.now() + this.#maxWaitMs;
    for (;;) {
      try {
        return work();
      } catch (thrown) {
        if (!isBusy(thrown) || performance.now() >= giveUpAt) throw thrown;
      }
      // At random, so that two who wait do not meet again and again.
      await setTimeout(1 + Math.random() * MAX_PAUSE_MS);
    }
  }
}

function openFile(path: string, maxWaitMs: number): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { timeout: maxWaitMs });
    migrate(db, path);
    // FULL: with less, a power cut may take back the last commits, that is, forget a tool call that ran. fullfsync:
    // on a Mac, FULL alone leaves them in the cache of the disk.
    db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON");
    db.exec(`PRAGMA cell_size_check = ON; PRAGMA busy_timeout = ${SQLITE_WAIT_MS}`);
    return db;
  } catch (thrown) {
    db?.close();
    throw storeFailed(thrown, path, "The store could not be opened");
  }
}
