/** The store that sessions are kept in from one command to the next: a SQLite file. */

import { stat } from "node:fs/promises";

import { LoophostError } from "../../core/errors.ts";
import type { Store } from "../../core/store.ts";
import type { SessionSummary } from "../../stores/sessions.ts";
import { findSession } from "../../stores/sessions.ts";
import { muteWarnings } from "../node-warnings.ts";

/** A store, and the file it is in. Disposing of it closes it. */
export interface OpenStore extends AsyncDisposable {
  readonly file: string;
  readonly store: Store;
}

/** The file a flag or the environment names; an empty name counts as none. */
export function storeFile(flag: string | undefined): string | undefined {
  return flag || process.env["LOOPHOST_STORE"] || undefined;
}

/**
 * Opens the store in a file, and creates it if it is not there.
 *
 * @throws LoophostError `store_failed` when it cannot be opened, `missing_dependency` when this Node has no SQLite
 */
export async function openStore(file: string): Promise<OpenStore> {
  // Node 22 calls SQLite experimental.
  muteWarnings(/^SQLite is an experimental feature/);
  const { sqliteStore } = await import("../../stores/sqlite/index.ts");
  const store = sqliteStore(file);
  return { file, store, [Symbol.asyncDispose]: () => store.close() };
}

/**
 * Opens the store in a file that has to be there.
 *
 * @throws LoophostError `store_failed` when it is not there, or cannot be opened
 */
export async function openExistingStore(file: string): Promise<OpenStore> {
  const found = await stat(file).catch(() => undefined);
  if (found === undefined) throw new LoophostError("store_failed", `There is no store ${file}.`);
  return openStore(file);
}

/**
 * Finds a session in a store.
 *
 * @throws LoophostError `session_not_found` when the store does not hold it
 */
export async function mustFind({ store, file }: OpenStore, sessionId: string): Promise<SessionSummary> {
  const found = await findSession(store, sessionId);
  if (found !== undefined) return found;
  throw new LoophostError(
    "session_not_found",
    `There is no session "${sessionId}" in ${file}. Those that are: loophost sessions --store ${file}`,
  );
}
