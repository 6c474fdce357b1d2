// Schemas for stores, each test its own, and stores on them, closed after it.

import type { Store } from "loophost";
import type { PostgresStoreOptions } from "loophost/stores/postgres";
import { postgresStore } from "loophost/stores/postgres";
import type { Pool } from "pg";
import { onTestFinished } from "vitest";

import { Database } from "../../../src/stores/postgres/database.ts";

let count = 0;

/** The name of a schema that is not there yet. */
export function newSchema(): string {
  count += 1;
  return `test_${process.pid}_${count}`;
}

/** Opens a store that is closed after the test. */
export function openedStore(
  database: Parameters<typeof postgresStore>[0],
  options?: PostgresStoreOptions,
  whenFinished: (close: () => Promise<void>) => void = onTestFinished,
): Store {
  const store = postgresStore(database, options);
  whenFinished(() => store.close());
  return store;
}

/** A database whose statements are prepared on a pool, in a schema of its own; closed after the test, and the pool left as it is. */
export function preparedOn(pool: Pool): Database {
  const database = new Database({
    place: "a test",
    open: () =>
      Promise.resolve({
        pool,
        prepared: (name: string, text: string, values: unknown[]) => pool.query({ name, text, values }),
        end: () => Promise.resolve(),
      }),
    schema: newSchema(),
    migrate: "auto",
    maxWaitMs: 20_000,
    durability: "strict",
  });
  onTestFinished(() => database.close());
  return database;
}
