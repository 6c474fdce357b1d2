// Schemas for stores, each test its own, and stores on them, closed after it.

import type { Store } from "loophost";
import type { PostgresStoreOptions } from "loophost/stores/postgres";
import { postgresStore } from "loophost/stores/postgres";
import { onTestFinished } from "vitest";

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
