/**
 * Batches: what sessions ask of the database in one turn of the event loop, in one way, is one statement. Each statement costs its
 * driver as much as dozens of rows do, and sessions that are run together ask together.
 *
 *   B1  a statement has an array parameter for each value of an ask, and its rows say by `at` which ask they answer, from 1
 *   B2  a statement that is refused for one of its asks, a damaged row say, or a row that stays locked, is made again for each
 *       alone: the others neither fail nor wait with it
 *   B3  bounded in bytes, what is asked and what is answered: rows that are left out say `is_cut`, and their ask is made again, in
 *       front; the first is never cut
 *   B4  planned once for a connection: a planner that sees few asks takes a plan for just those to be better, and makes one for
 *       each statement, which takes longer than to run it
 */

import { LoophostError } from "../../core/errors.ts";
import type { Database, Row } from "./database.ts";

interface Ask {
  readonly doing: string;
  readonly values: readonly unknown[];
  readonly chars: number;
  readonly resolve: (rows: readonly Row[]) => void;
  readonly reject: (thrown: unknown) => void;
}

const MAX_ASKS = 200;
/** A statement is no longer than this, unless it is one ask. */
const MAX_CHARS = 4_000_000;
/** So much may wait (backpressure): without a bound, a database outage would fill the memory. */
const MAX_WAITING_CHARS = 256_000_000;
/** Statements of a kind under way at once: what is asked meanwhile waits, and shares the next one. */
const MAX_STATEMENTS = 2;
/** A statement gives no more rows after this many bytes: parsing more at once would block the event loop. */
export const MAX_BYTES = 1_000_000;

/** Asks of one kind. */
export class Batch {
  readonly #database: Database;
  readonly #sql: string;
  readonly #maxStatements: number;
  #waiting: Ask[] = [];
  #waitingChars = 0;
  #statements = 0;
  #isScheduled = false;

  /**
   * @param sql an idempotent statement, see B1
   * @param maxStatements 1 where one has to see what the one before has done
   */
  constructor(database: Database, sql: string, maxStatements: number = MAX_STATEMENTS) {
    this.#database = database;
    this.#maxStatements = maxStatements;
    // A subquery hides how many asks there are, see B4.
    this.#sql = database.sql(sql.replaceAll(/\$\d+::\w+\[\]/g, "(SELECT $&)"));
  }

  /**
   * Asks, with others.
   *
   * @param doing what fails, as the beginning of a sentence
   * @param values one for each array of the statement
   * @param chars how long they are, where they may be long
   * @throws LoophostError `store_failed`, as `Database.query()`
   */
  ask(doing: string, values: readonly unknown[], chars = 0): Promise<readonly Row[]> {
    if (this.#waitingChars + chars > MAX_WAITING_CHARS)
      return Promise.reject(
        new LoophostError("store_failed", `${doing}: too much waits for the database already.`),
      );
    this.#waitingChars += chars;
    const answered = new Promise<readonly Row[]>((resolve, reject) => {
      this.#waiting.push({ doing, values, chars, resolve, reject });
      this.#schedule();
    });
    return chars === 0 ? answered : answered.finally(() => (this.#waitingChars -= chars));
  }

  #schedule(): void {
    if (this.#isScheduled || this.#statements >= this.#maxStatements || this.#waiting.length === 0) return;
    this.#isScheduled = true;
    // After all callbacks of this turn, as in the queue of appends.
    setImmediate(() => {
      this.#isScheduled = false;
      this.#begin();
    });
  }

  #begin(): void {
    let [count, chars] = [0, 0];
    for (const ask of this.#waiting) {
      chars += ask.chars;
      if (count > 0 && (count === MAX_ASKS || chars > MAX_CHARS)) break;
      count += 1;
    }
    const asks = this.#waiting.splice(0, count);
    this.#statements += 1;
    const done = () => {
      this.#statements -= 1;
      this.#schedule();
    };
    this.#answer(asks).then(done, done);
    this.#schedule();
  }

  /** Asks, and settles each; never rejects. What has to be asked alone is still under way when it resolves. */
  async #answer(asks: readonly Ask[], isAlone = false): Promise<void> {
    try {
      const rows = await this.#query(asks, isAlone);
      if (rows !== undefined) this.#settle(asks, rows);
      else for (const ask of asks) this.#answer([ask], true).catch(ask.reject);
    } catch (thrown) {
      for (const { reject } of asks) reject(thrown);
    }
  }

  /** The rows; undefined where one of the asks is refused, or has to wait for a row, so that each is to be asked alone. */
  #query(asks: readonly Ask[], isAlone: boolean): Promise<readonly Row[] | undefined> {
    const [first] = asks;
    const doing = `${first?.doing}${asks.length === 1 ? "" : `, nor ${asks.length - 1} others`}`;
    const columns = first?.values.map((_, column) => asks.map(({ values }) => values[column])) ?? [];
    if (isAlone) return this.#database.query(doing, this.#sql, columns);
    return this.#database.queryMany(doing, this.#sql, columns, asks.length);
  }

  #settle(asks: readonly Ask[], rows: readonly Row[]): void {
    const answers = asks.map((): Row[] => []);
    for (const row of rows) answers[Number(row["at"]) - 1]?.push(row);
    const cut: Ask[] = [];
    for (const [index, ask] of asks.entries()) {
      const answer = answers[index] ?? [];
      if (answer.some((row) => row["is_cut"] === true)) cut.push(ask);
      else ask.resolve(answer);
    }
    this.#waiting.unshift(...cut);
  }
}
