/** A connection to a store's SQLite file: reads, writes in groups, and errors that say what was the matter. */

import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import { setImmediate, setTimeout } from "node:timers/promises";

import { LoophostError } from "../../core/errors.ts";
import { storeDamaged } from "./errors.ts";
import { isBusy, storeFailed } from "./errors.ts";
import { createPrivately, StoreFile } from "./file.ts";
import { findSqlite } from "./find-sqlite.ts";
import { GroupCommit } from "./group-commit.ts";
import { rollBack } from "./rollback.ts";
import { migrate } from "./schema.ts";
import { lostCommits } from "./tail.ts";

/** A prepared statement with rows of a known shape. */
export interface Statement<Row> {
  get(...values: SQLInputValue[]): Row | undefined;
  all(...values: SQLInputValue[]): Row[];
  /** The rows one by one; to be left to its end, or by `break` or `return`. */
  iterate(...values: SQLInputValue[]): Iterable<Row>;
  /** Gives the number of rows it changed. */
  run(...values: SQLInputValue[]): number;
}

// SQLite's own wait blocks the event loop: it is short, and longer waits are timers of ours.
const SQLITE_WAIT_MS = 10;
const MAX_PAUSE_MS = 10;
const MAX_READING_MS = 5;
// A write-ahead file that grew under a long reader is cut to this once the reader is gone.
const MAX_WAL_BYTES = 8_000_000;

/** An open store file. */
export class SqliteConnection {
  readonly #path: string;
  readonly #maxWaitMs: number;
  readonly #db: DatabaseSync;
  readonly #file: StoreFile;
  readonly #snapshot: Record<"begin" | "end", Statement<unknown>>;
  /** When the event loop last ran other work, as far as reading knows. */
  #turnAt = 0;
  readonly #writes: GroupCommit;
  #closing: Promise<void> | undefined;

  /** @throws LoophostError `store_failed` when there is no file at the path that we can work with */
  constructor(path: string, maxWaitMs: number) {
    this.#path = path;
    this.#maxWaitMs = maxWaitMs;
    this.#db = openFile(path, maxWaitMs);
    this.#file = new StoreFile(path);
    const [begin, commit] = [this.prepare("BEGIN IMMEDIATE"), this.prepare("COMMIT")];
    const count = this.prepare<{ id: string; commits: number }>(
      "UPDATE meta SET commits = commits + 1 RETURNING id, commits",
    );
    this.#snapshot = { begin: this.prepare("BEGIN"), end: commit };
    this.#writes = new GroupCommit({
      begin: async (work) => {
        this.#file.refuseIfReplaced();
        return this.#whenFree(() => {
          begin.run();
          return work();
        });
      },
      commit: () => {
        const counted = count.get();
        if (counted === undefined) throw storeDamaged("The store", "its count of transactions is gone");
        this.#file.tail?.prepare();
        commit.run();
        this.#file.tail?.note(counted.id, counted.commits);
      },
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
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
      iterate: (...values) => statement.iterate(...values) as Iterable<Row>,
      run: (...values) => Number(statement.run(...values).changes),
    };
  }

  /**
   * Reads what is committed, by this process or another, from one snapshot. Between pages it yields to the event loop:
   * a reader of many pages would block every timer and lease renewal.
   */
  async read<T>(doing: string, work: () => T): Promise<T> {
    this.#refuseIfClosed();
    if (performance.now() - this.#turnAt > MAX_READING_MS) {
      await setImmediate();
      this.#refuseIfClosed();
      this.#turnAt = performance.now();
    }
    try {
      return await this.#whenFree(() => this.#asOfNow(work));
    } catch (thrown) {
      throw storeFailed(thrown, this.#path, doing);
    }
  }

  /**
   * Writes in a transaction, together with the other writes of this turn (group commit). Work that refuses must do so
   * before it writes.
   */
  async write<T>(doing: string, work: () => T): Promise<T> {
    this.#refuseIfClosed();
    try {
      return await this.#writes.add(work);
    } catch (thrown) {
      throw storeFailed(thrown, this.#path, doing);
    }
  }

  /** Closes the file once every pending write is done. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#writes.flushed();
    this.#db.close();
    this.#file.tail?.close();
  }

  #asOfNow<T>(work: () => T): T {
    this.#snapshot.begin.run();
    try {
      const found = work();
      this.#snapshot.end.run();
      return found;
    } catch (thrown) {
      rollBack(this.#db);
      throw thrown;
    }
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
      // Jitter, so that two waiting processes do not collide again and again.
      await setTimeout(1 + Math.random() * MAX_PAUSE_MS);
    }
  }
}

/**
 * Opens a store file, and brings it up to date.
 *
 * @throws LoophostError `store_failed` when there is no file at the path that we can work with, `store_damaged` when commits are lost
 */
export function openFile(path: string, maxWaitMs: number): DatabaseSync {
  const giveUpAt = performance.now() + maxWaitMs;
  for (;;) {
    try {
      return tryToOpen(path, maxWaitMs);
    } catch (thrown) {
      // Where waiting could deadlock, as when two processes switch a new file to WAL, SQLite says "busy" at once, so
      // retry.
      if (!isBusy(thrown) || performance.now() >= giveUpAt)
        throw storeFailed(thrown, path, "The store could not be opened");
    }
    Atomics.wait(NEVER_CHANGED, 0, 0, 1 + Math.random() * MAX_PAUSE_MS);
  }
}

/** The longest wait SQLite can be given; beyond it we ask again. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

const NEVER_CHANGED = new Int32Array(new SharedArrayBuffer(4));

function tryToOpen(path: string, maxWaitMs: number): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    const { DatabaseSync } = findSqlite();
    createPrivately(path);
    db = new DatabaseSync(path, { timeout: Math.min(Math.ceil(maxWaitMs), MAX_TIMEOUT_MS) });
    migrate(db, path);
    refuseIfCommitsAreLost(db, path);
    // FULL: with less, a power cut may take back the last commits, that is, forget a tool call that ran. fullfsync:
    // on a Mac, FULL alone leaves them in the cache of the disk.
    db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON");
    db.exec(`PRAGMA cell_size_check = ON; PRAGMA busy_timeout = ${SQLITE_WAIT_MS}`);
    db.exec(`PRAGMA journal_size_limit = ${MAX_WAL_BYTES}`);
    return db;
  } catch (thrown) {
    db?.close();
    throw thrown;
  }
}

function refuseIfCommitsAreLost(db: DatabaseSync, path: string): void {
  const lost = lostCommits(db, path);
  if (lost > 0)
    throw storeDamaged(
      `The store (${path})`,
      `its last ${lost} transactions are missing. If this is a backup, delete ${path}-tail to go on without them`,
    );
}
