/** Opens the journal of a session: in its store, or in memory without one. */

import type { Store } from "../store.ts";
import { CallBook } from "./call-book.ts";
import { loadDigest } from "./call-digest.ts";
import type { Journal } from "./journal.ts";
import type { JournalOptions } from "./stored-journal.ts";

/**
 * Becomes the owner of a session's journal and folds what it holds; without a store, begins one in memory.
 *
 * @throws LoophostError `session_owned`, or `store_failed` when the store cannot be read
 */
export async function openJournal(store: Store | undefined, how: JournalOptions): Promise<Journal> {
  await loadDigest();
  if (store === undefined) return memoryJournal();
  const { StoredJournal } = await import("./stored-journal.ts");
  return StoredJournal.open(store, how);
}

function memoryJournal(): Journal {
  const recorded = new CallBook();
  return {
    isDurable: false,
    recorded,
    begin: () => Promise.resolve(),
    record(entry) {
      recorded.apply(entry);
      return undefined;
    },
    whenLost: () => undefined,
    close: () => Promise.resolve(),
  };
}
