/** Rolls a transaction back after an error, without losing that error. */

import type { DatabaseSync } from "node:sqlite";

/** Rolls back, if a transaction is open. Never throws: the error that led here is the one to report. */
export function rollBack(db: DatabaseSync): void {
  try {
    db.exec("ROLLBACK");
  } catch {
    // SQLite undid it by itself, as it does after some errors.
  }
}
