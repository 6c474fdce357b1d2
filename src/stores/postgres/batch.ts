/**
 * Batches: what sessions ask of the database in one turn of the event loop, in one way, is one statement. Each statement costs its
 * driver as much as dozens of rows do, and sessions that are run together ask together.
 *
 *   B1  a statement has an array parameter for each value of an ask, and its rows say by `at` which ask they answer, from 1
 *   B2  a statement that is refused for one of its asks, a damaged row say, is made again for each alone: the others do not fail
 *       with it
 *   B3  bounded in bytes: rows that are left out say `is_cut`, and their ask is made again, in front; the first is never cut
 */

import type { Database, Row } from "./database.ts";
import { isConflict, isLost } from "./errors.ts";

interface Ask {
  readonly doing: string;
  readonly values: readonly unknown[];
  readonly resolve: (rows: readonly Row[]) => void;
  readonly reject: (thrown: unknown) => void;
}

const MAX_ASKS = 200;
/** Statements of a kind under way at once: what is asked meanwhile waits, and shares the next one. */
const MAX_STATEMENTS = 2;
/** A statement gives no more rows after this many bytes: parsing more at once would block the event loop. */
export const MAX_BYTES = 1_000_000;

/** Asks of one kind. */
export class Batch {
  readonly #database: Database;
  readonly #sql: string;
  #waiting: Ask[] = [];
  #statements = 0;
  #isScheduled = false;

  /** @param sql an idempotent statement, see B1 */
  constructor(database: Database, sql: string) {
    this.#database = database;
    this.#sql = database.sql(sql);
  }

  /**
   * Asks, with others.
   *
   * @param doing what fails, as the beginning of a sentence
   * @param values one for each array of the statement
   * @throws LoophostError `store_failed`, as `Database.query()`
   */
  ask(doing: string, values: readonly unknown[]): Promise<readonly Row[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ doing, values, resolve, reject });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#isScheduled || this.#statements >= MAX_STATEMENTS || this.#waiting.length === 0) return;
    this.#isScheduled = true;
    // After all callbacks of this turn, as in the queue of appends.
    setImmediate(() => {
      this.#isScheduled = false;
      this.#begin();
    });
  }

  #begin(): void {
    const asks = this.#waiting.splice(0, MAX_ASKS);
    this.#statements += 1;
    const done = () => {
      this.#statements -= 1;
      this.#schedule();
    };
    this.#answer(asks).then(done, done);
    this.#schedule();
  }

  /** Asks, and settles each; never rejects. */
  async #answer(asks: readonly Ask[]): Promise<void> {
    try {
      await this.#query(asks);
    } catch (thrown) {
      if (asks.length > 1 && isRefused(thrown)) for (const ask of asks) await this.#answer([ask]);
      else for (const { reject } of asks) reject(thrown);
    }
  }

  async #query(asks: readonly Ask[]): Promise<void> {
    const [first] = asks;
    if (first === undefined) return;
    const doing = asks.length === 1 ? first.doing : `${first.doing}, nor ${asks.length - 1} others`;
    const columns = first.values.map((_, column) => asks.map(({ values }) => values[column]));
    const answers = asks.map((): Row[] => []);
    for (const row of await this.#database.query(doing, this.#sql, columns))
      answers[Number(row["at"]) - 1]?.push(row);
    const cut: Ask[] = [];
    for (const [index, ask] of asks.entries()) {
      const rows = answers[index] ?? [];
      if (rows.some((row) => row["is_cut"] === true)) cut.push(ask);
      else ask.resolve(rows);
    }
    this.#waiting.unshift(...cut);
  }
}

/** Whether the database answered, with an error: out of reach it was for long enough for all. */
function isRefused(thrown: unknown): boolean {
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  return cause !== undefined && !isLost(cause) && !isConflict(cause);
}
