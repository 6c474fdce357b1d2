/** Vacuum: returns the space of deleted sessions to the disk, since a SQLite file never shrinks by itself. */

import { openFile } from "./connection.ts";
import { storeFailed } from "./errors.ts";

/**
 * Rewrites a store file without what was deleted, and empties its write-ahead file. Writes of other processes wait
 * meanwhile, and so does the event loop; it needs as much room again as the store holds.
 *
 * @throws LoophostError `store_failed` when the file cannot be opened, is in use all the time, or there is no room
 */
export async function vacuumSqliteStore(path: string): Promise<void> {
  const db = openFile(path, MAX_WAIT_MS);
  try {
    db.exec(`PRAGMA busy_timeout = ${MAX_WAIT_MS}; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)`);
  } catch (thrown) {
    throw storeFailed(thrown, path, "The store could not be made smaller");
  } finally {
    db.close();
  }
}

const MAX_WAIT_MS = 5_000;
