/** The store that sessions are kept in from one command to the next: a SQLite file, or a database by its address. */

import { stat } from "node:fs/promises";

import { waitAtMost } from "../../core/async/abort.ts";
import { systemClock } from "../../core/clock.ts";
import { LoophostError } from "../../core/errors.ts";
import type { Store } from "../../core/store.ts";
import { isPostgresUrl, withoutPassword } from "../../stores/postgres/pool.ts";
import type { SessionSummary } from "../../stores/sessions.ts";
import { findSession } from "../../stores/sessions.ts";
import { muteWarnings } from "../node-warnings.ts";

/** A store, and the file or the database it is in. Disposing of it closes it. */
export interface OpenStore extends AsyncDisposable {
  /** As it is shown, and named in a command: of a database the address without its password. */
  readonly file: string;
  readonly store: Store;
}

/** The file, or the address, that a flag or the environment names; an empty name counts as none. */
export function storeFile(flag: string | undefined): string | undefined {
  return flag || process.env["LOOPHOST_STORE"] || undefined;
}

/**
 * Whether a store is in a database, and not in a file.
 *
 * @throws LoophostError `invalid_options` for an address that is none of a database; it is not repeated, since it may hold a password
 */
export function isInDatabase(file: string): boolean {
  if (!/^[a-z][\w+.-]*:\/\//i.test(file)) return false;
  // A password with a "#" or "/" in it ends the host's name early: what is behind it is no port, or no part of the host.
  if (isPostgresUrl(file) && !/^[^?]*#/.test(file)) return true;
  throw new LoophostError(
    "invalid_options",
    "The store is neither a file nor an address such as postgres://user:password@host:5432/name. In a password, all but letters and digits has to be percent-encoded.",
  );
}

/** After Ctrl-C, closing waits no longer than this, in milliseconds, for a lock that somebody else holds. */
const MAX_CLOSING_MS = 1_000;

/**
 * Opens the store in a file or a database, and creates it if it is not there.
 *
 * @param signal once it aborts, closing the store does not wait for other processes
 *
 * @throws LoophostError `store_failed` when it cannot be opened, `missing_dependency` when this Node has no SQLite
 */
export async function openStore(file: string, signal?: AbortSignal): Promise<OpenStore> {
  if (isInDatabase(file)) return openDatabase(file, "auto");
  if (file.endsWith(".json"))
    throw new LoophostError(
      "invalid_options",
      `${file}: a .json file keeps handles and tags, and no sessions. Name a SQLite file or a database.`,
    );
  // Node 22 calls SQLite experimental.
  muteWarnings(/^SQLite is an experimental feature/);
  const { sqliteStore } = await import("../../stores/sqlite/index.ts");
  const store = sqliteStore(file);
  const close = () =>
    signal?.aborted === true ? waitAtMost(MAX_CLOSING_MS, systemClock, store.close()) : store.close();
  return { file, store, [Symbol.asyncDispose]: close };
}

async function openDatabase(url: string, migrate: "auto" | "refuse"): Promise<OpenStore> {
  const { postgresStore } = await import("../../stores/postgres/index.ts");
  const store = postgresStore(url, { migrate });
  return { file: withoutPassword(url), store, [Symbol.asyncDispose]: () => store.close() };
}

/**
 * Opens the store in a file or a database that has to be there.
 *
 * @throws LoophostError `store_failed` when it is not there, or cannot be opened
 */
export async function openExistingStore(file: string, signal?: AbortSignal): Promise<OpenStore> {
  if (isInDatabase(file)) return openDatabase(file, "refuse");
  const found = await stat(file).catch(() => undefined);
  if (found === undefined) throw new LoophostError("store_failed", `There is no store ${file}.`);
  return openStore(file, signal);
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
