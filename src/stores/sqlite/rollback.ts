/** Undoing a transaction, for whoever already has an error in hand. */

import type { DatabaseSync } from "node:sqlite";

/** Undoes what is under way, if anything is. Never throws: the error that led here is the one to tell. */
export function rollBack(db: DatabaseSync): void {
  try {
    db.exec("ROLLBACK");
  } catch {
    // SQLite undid it by itself, as it does after some errors.
  }
}
