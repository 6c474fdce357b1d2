/**
 * Group commit: writes of one event-loop turn share a transaction, and so one fsync.
 *
 *   G1  a write settles only when its transaction is on the disk, or undone
 *   G2  a write that throws a LoophostError was refused before it wrote anything: it fails alone, the others go on
 *   G3  when anything else goes wrong the transaction is undone and each write is tried by itself: only the culprit
 *       fails
 *   G4  a transaction is bounded, so that none blocks the event loop for long
 *   G5  nothing else uses the connection between its beginning and its end (race): a read that fails, by an I/O error, undoes
 *       the transaction that is open, and what is written after that would be committed piece by piece
 */

import { setImmediate } from "node:timers/promises";

import { LoophostError } from "../../core/errors.ts";

/** What a transaction is made of. */
export interface Transactions {
  /** Opens a transaction, for which it may have to wait for other processes, and does the work in it at once. */
  begin<T>(work: () => T): Promise<T>;
  /** Commits; returns once everything is on the disk. */
  commit(): void;
  /** Must not throw. */
  rollback(): void;
}

interface Write {
  /** Writes inside the transaction; returns what is to be done after the commit. */
  readonly perform: () => () => void;
  readonly fail: (thrown: unknown) => void;
}

const MAX_WRITES = 500;

/** The writes to one file. */
export class GroupCommit {
  readonly #transactions: Transactions;
  #waiting: Write[] = [];
  #flushing: Promise<void> | undefined;

  constructor(transactions: Transactions) {
    this.#transactions = transactions;
  }

  /** Does a piece of work in a transaction; resolves with its outcome once that is durable. */
  add<T>(work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ perform: () => perform(work, resolve, reject), fail: reject });
      this.#flushing ??= this.#flush();
    });
  }

  /** Resolves when nothing waits to be written any more. */
  async flushed(): Promise<void> {
    await this.#flushing;
  }

  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      // setImmediate runs after all callbacks of this turn; a microtask would run between them and give each its own
      // commit.
      await setImmediate();
      await this.#write(this.#waiting.splice(0, MAX_WRITES));
    }
    this.#flushing = undefined;
  }

  async #write(group: readonly Write[]): Promise<void> {
    let undone: { readonly thrown: unknown } | undefined;
    try {
      undone = await this.#transactions.begin(() => this.#commit(group));
    } catch (thrown) {
      for (const { fail } of group) fail(thrown);
      return;
    }
    if (undone === undefined) return;
    if (group.length === 1) group[0]?.fail(undone.thrown);
    else for (const write of group) await this.#write([write]);
  }

  /** What undid the transaction, if something did. */
  #commit(group: readonly Write[]): { readonly thrown: unknown } | undefined {
    let settle: (() => void)[];
    try {
      settle = group.map((write) => write.perform());
      this.#transactions.commit();
    } catch (thrown) {
      this.#transactions.rollback();
      return { thrown };
    }
    for (const settleOne of settle) settleOne();
    return undefined;
  }
}

function perform<T>(
  work: () => T,
  resolve: (outcome: T) => void,
  reject: (thrown: unknown) => void,
): () => void {
  try {
    const outcome = work();
    return () => resolve(outcome);
  } catch (thrown) {
    if (!(thrown instanceof LoophostError)) throw thrown;
    return () => reject(thrown);
  }
}
