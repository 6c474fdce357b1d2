/**
 * Appends of many logs as one statement, which is the check of the fence as well.
 *
 *   A1  a log's row is updated only while fence and end are those we know; entries, records, items and the release hang
 *       on what that update returns: no transaction block, no isolation level to get wrong, one round trip
 *   A2  when the reply is lost, the end of the log says whether the append was done: there is one owner, and one
 *       statement of his at a time. Sent again while the first still runs, only one of the two finds the end it expects
 *   A3  a log that does not end where its owner left it lost entries, in a failover to a standby that had not got them: its
 *       owner writes nothing more, or entries would stand without those before them
 *   A4  such a failover may give fencing numbers again, those that the standby had not got either: so the end is known by its
 *       checksum, too. Of two owners with one number that left a log alike, the first to write goes on, and the other is refused
 */

import { LoophostError } from "../../core/errors.ts";
import { staleOwner } from "../leases.ts";
import { APPEND, appendValues, letsGo, type End } from "./append-statement.ts";
import type { Database, Row } from "./database.ts";
import { isForOne, isHeldUp, isLost } from "./errors.ts";
import { Patience } from "./patience.ts";
import type { Chain, Deed } from "./queue.ts";

/** An attempt to write a chain. */
interface Attempt {
  readonly chain: Chain;
  /** Where its owner left the log, where that is known. */
  readonly left: End | undefined;
  /** Where the log ends without it; undefined when that has to be looked up. */
  before: End | undefined;
  after: End | undefined;
  /** Whether it was sent and no reply came. */
  mayBeWritten: boolean;
}

/** Ends of logs kept in memory (a bounded cache); others are queried. */
const MAX_ENDS = 10_000;
/** How often a log may be found otherwise than expected: its owner alone changes it. */
const MAX_SURPRISES = 10;

/** Writes the appends of a store. */
export class Appender {
  readonly #database: Database;
  readonly #appendSql: string;
  readonly #lookSql: string;
  /** The ends of the logs this store owns, with the fencing token of each. */
  readonly #ends = new Map<string, { readonly fence: number; readonly end: End }>();

  constructor(database: Database) {
    this.#database = database;
    this.#appendSql = database.sql(APPEND);
    this.#lookSql = database.sql("SELECT id, number, fence, last, sum FROM @.logs WHERE id = ANY($1)");
  }

  /** Notes where a log ends, for whoever owns it from now on. */
  note(id: string, fence: number, end: End): void {
    this.#ends.delete(id);
    this.#ends.set(id, { fence, end });
    for (const oldest of this.#ends.keys())
      if (this.#ends.size > MAX_ENDS) this.#ends.delete(oldest);
      else break;
  }

  /** Forgets a log that is not ours any more. */
  forget(id: string): void {
    this.#ends.delete(id);
  }

  /**
   * Writes chains as one statement, and settles their appends; never rejects. Gives those that are to be tried alone, since one
   * of them cannot be written, or its row is locked: the others neither fail nor wait with it.
   */
  write(chains: readonly Chain[]): Promise<readonly Deed[]> {
    // Sorted by id: transactions that lock rows in the same order never deadlock.
    const sorted = chains.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    return this.#write(
      sorted.map((chain) => this.#attempt(chain)),
      new Patience(this.#database.options.maxWaitMs),
    );
  }

  async #write(all: readonly Attempt[], patience: Patience, isAlone = false): Promise<readonly Deed[]> {
    let attempts = all;
    let [wasSent, wasHeldUp] = [false, false];
    for (let surprises = 0; attempts.length > 0;) {
      try {
        wasSent = false;
        attempts = await this.#look(attempts);
        if (surprises === MAX_SURPRISES) throw new Error("the log changes under its owner");
        wasSent = true;
        const send = () => this.#send(attempts);
        attempts = await (wasHeldUp ? this.#database.inTurn(send) : send());
        surprises += 1;
      } catch (thrown) {
        wasHeldUp = isHeldUp(thrown);
        for (const attempt of attempts) {
          attempt.before = undefined;
          attempt.mayBeWritten ||= wasSent && isLost(thrown);
        }
        if (!isAlone && isForOne(thrown, attempts.length))
          return attempts.map((attempt) => ({
            id: attempt.chain.id,
            perform: () => this.#write([attempt], patience, true),
          }));
        try {
          await this.#database.pauseAfter(thrown, patience);
        } catch (last) {
          for (const { chain } of attempts) this.#reject(chain, last);
          return [];
        }
      }
    }
    return [];
  }

  #attempt(chain: Chain): Attempt {
    const known = this.#ends.get(chain.id);
    const left = known?.fence === chain.fence ? known.end : undefined;
    return { chain, left, before: left, after: undefined, mayBeWritten: false };
  }

  /** Looks up where logs end, where that is not known; gives the attempts that are still to be made. */
  async #look(attempts: readonly Attempt[]): Promise<Attempt[]> {
    const unknown = attempts.filter(({ before }) => before === undefined);
    if (unknown.length === 0) return [...attempts];
    const rows = await this.#database.once(this.#lookSql, [unknown.map(({ chain }) => chain.id)]);
    const found = new Map(rows.map((row) => [row["id"], row]));
    return attempts.filter(
      (attempt) => attempt.before !== undefined || this.#isOpen(attempt, found.get(attempt.chain.id)),
    );
  }

  /** Whether an attempt is still to be made, by what is in the database; settles it otherwise. */
  #isOpen(attempt: Attempt, row: Row | undefined): boolean {
    const { chain, left, after, mayBeWritten } = attempt;
    const [fence, last, sum] = [Number(row?.["fence"]), Number(row?.["last"]), Number(row?.["sum"])];
    const lastFence = letsGo(chain) ? -chain.fence : chain.fence;
    const leavesATrace = letsGo(chain) || chain.appends.some(({ texts }) => texts.length > 0);
    const isDone = fence === lastFence && last === after?.last && sum === after.sum;
    if (mayBeWritten && leavesATrace && isDone) {
      this.#resolve(attempt);
      return false;
    }
    if (row === undefined || fence !== chain.fence) {
      this.#reject(chain, staleOwner(chain.id));
      return false;
    }
    if (left !== undefined && (left.last !== last || left.sum !== sum)) {
      this.#reject(chain, entriesGone(chain.id, left.last, last));
      // Not forgotten: the next append is refused as well.
      this.note(chain.id, chain.fence, left);
      return false;
    }
    attempt.before = { log: Number(row["number"]), last, sum };
    return true;
  }

  /** Sends attempts as one statement; gives those whose logs were not as expected. */
  async #send(attempts: readonly Attempt[]): Promise<Attempt[]> {
    if (attempts.length === 0) return [];
    const writes = attempts.map(({ chain, before }) => {
      if (before === undefined) throw new LoophostError("store_failed", "The end of a log is not known.");
      return { chain, before };
    });
    const { values, ends } = appendValues(writes);
    for (const [index, attempt] of attempts.entries()) attempt.after = ends[index];
    const rows = await this.#database.once(this.#appendSql, values);
    const written = new Set(rows.map((row) => Number(row["number"])));
    const others: Attempt[] = [];
    for (const attempt of attempts)
      if (written.has(attempt.after?.log ?? 0)) this.#resolve(attempt);
      else others.push(Object.assign(attempt, { before: undefined }));
    return others;
  }

  #resolve({ chain, after }: Attempt): void {
    if (after !== undefined && !letsGo(chain)) this.note(chain.id, chain.fence, after);
    else this.forget(chain.id);
    let last = after?.last ?? 0;
    for (const append of chain.appends.toReversed()) {
      append.resolve(last);
      last -= append.texts.length;
    }
  }

  #reject(chain: Chain, thrown: unknown): void {
    this.forget(chain.id);
    const error = this.#database.failed(thrown, `Session ${chain.id} could not be written`);
    for (const append of chain.appends) append.reject(error);
  }
}

function entriesGone(id: string, left: number, last: number): LoophostError {
  return new LoophostError(
    "store_failed",
    `Session ${id} could not be written: entries of it are gone. It was left with ${left}, and has ${last} now, as after a ` +
      "failover to a standby that had not got the last ones. Open it again to go on from what is there.",
  );
}
