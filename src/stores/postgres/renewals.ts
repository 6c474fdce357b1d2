/** Renewals of leases, batched: all that are asked for within a moment are one statement. */

import { staleOwner } from "../leases.ts";
import type { Database } from "./database.ts";
import { WITH_LOCK_TIMEOUT } from "./lock-timeout.ts";

interface Renewal {
  readonly id: string;
  readonly fence: number;
  /** Null: without an end. */
  readonly ttlMs: number | null;
  readonly resolve: () => void;
  readonly reject: (thrown: unknown) => void;
}

const RENEW = `
  UPDATE @.logs l SET lease_until =
    CASE WHEN g.ttl IS NULL THEN 'infinity'::timestamptz ELSE clock_timestamp() + g.ttl * interval '1 ms' END
  FROM unnest($1::text[], $2::bigint[], $3::float8[]) AS g (id, fence, ttl)
  WHERE l.id = g.id AND l.fence = g.fence AND ${WITH_LOCK_TIMEOUT} RETURNING l.id, l.fence`;

/** Timers that are due at one moment fire within so many milliseconds. */
const MERGE_MS = 10;
/** So many leases are renewed by one statement. */
const MAX_LEASES = 1_000;

/** Renews the leases of a store. */
export class Renewals {
  readonly #database: Database;
  readonly #sql: string;
  #due: Renewal[] = [];

  constructor(database: Database) {
    this.#database = database;
    this.#sql = database.sql(RENEW);
  }

  /** Renews a lease, with all others that are due now. */
  renew(id: string, fence: number, ttlMs: number | null): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#due.length === 0) setTimeout(() => this.#flush(), MERGE_MS);
      this.#due.push({ id, fence, ttlMs, resolve, reject });
    });
  }

  #flush(): void {
    // By id, as appends are: who changes the same rows in the same order is never in a deadlock.
    const due = this.#due.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    this.#due = [];
    for (let from = 0; from < due.length; from += MAX_LEASES) {
      this.#write(due.slice(from, from + MAX_LEASES));
    }
  }

  #write(due: readonly Renewal[], isAlone = false): void {
    this.#renew(due, isAlone).catch((thrown: unknown) => {
      for (const { reject } of due) reject(thrown);
    });
  }

  async #renew(due: readonly Renewal[], isAlone: boolean): Promise<void> {
    const doing =
      due.length === 1
        ? `The lease on session ${due[0]?.id} could not be renewed`
        : `The leases on ${due.length} sessions could not be renewed`;
    const values = [due.map(({ id }) => id), due.map(({ fence }) => fence), due.map(({ ttlMs }) => ttlMs)];
    const rows = isAlone
      ? await this.#database.query(doing, this.#sql, values)
      : await this.#database.queryMany(doing, this.#sql, values, due.length);
    if (rows === undefined) {
      for (const renewal of due) this.#write([renewal], true);
      return;
    }
    const renewed = new Set(rows.map(({ id, fence }) => `${String(fence)} ${String(id)}`));
    for (const { id, fence, resolve, reject } of due)
      if (renewed.has(`${fence} ${id}`)) resolve();
      else reject(staleOwner(id));
  }
}
