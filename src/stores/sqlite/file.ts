/** The file a store is in, as the operating system sees it: whose it is, and whether it is still there. */

import { closeSync, openSync, statSync } from "node:fs";

import { LoophostError } from "../../core/errors.ts";
import { TailRecord } from "./tail.ts";

/**
 * Creates a missing file with owner-only permissions (0600): sessions hold what people said. SQLite's other files
 * follow it.
 */
export function createPrivately(path: string): void {
  if (!isOnDisk(path)) return;
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch {
    // It exists, or cannot be created: SQLite reports which, and why.
  }
}

/** An open store's file. */
export class StoreFile {
  /** Undefined for a store in memory. */
  readonly tail: TailRecord | undefined;
  readonly #path: string;
  readonly #identity: string | undefined;

  constructor(path: string) {
    this.#path = path;
    this.#identity = isOnDisk(path) ? identityOf(path) : undefined;
    this.tail = isOnDisk(path) ? new TailRecord(path) : undefined;
  }

  /**
   * An unlinked file can still be written to through its open handle, and all of that is lost on close: refuse instead.
   *
   * @throws LoophostError `store_failed` when the file at the path is not the one that was opened
   */
  refuseIfReplaced(): void {
    if (this.#identity === undefined || identityOf(this.#path) === this.#identity) return;
    throw new LoophostError(
      "store_failed",
      `The store's file was removed or replaced while it was open, so nothing more is written to it (${this.#path}). Close the store, and open it again.`,
      { mayRetry: false },
    );
  }
}

/** Whether the store is a file: not `:memory:`, nor SQLite's own way of naming files. */
function isOnDisk(path: string): boolean {
  return path !== ":memory:" && !path.startsWith("file:");
}

function identityOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? "gone" : `${found.dev}:${found.ino}`;
}
