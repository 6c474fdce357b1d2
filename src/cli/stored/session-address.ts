/**
 * Where the claude host of a stored session is: a record of the command line's own beside the core's, so that nobody has
 * to name the address again. Never a secret: of an address only origin and path are kept.
 */

import { isObject } from "../../core/json.ts";
import type { Store } from "../../core/store.ts";

const COLLECTION = "cli.sessions";

/** The address a session was last used at; undefined when none was named, or nothing is known. */
export async function recallAddress(store: Store, sessionId: string): Promise<string | undefined> {
  const record = await store.records.get(COLLECTION, sessionId);
  const baseUrl = isObject(record) ? record["baseUrl"] : undefined;
  return typeof baseUrl === "string" ? baseUrl : undefined;
}

/** Keeps the address a session is used at. */
export async function rememberAddress(store: Store, sessionId: string, address: string): Promise<void> {
  const { origin, pathname } = new URL(address);
  const baseUrl = `${origin}${pathname}`.replace(/\/$/, "");
  if ((await recallAddress(store, sessionId)) === baseUrl) return;
  await store.records.put(COLLECTION, sessionId, { baseUrl });
}

/** Forgets it, with the session. */
export function forgetAddress(store: Store, sessionId: string): Promise<void> {
  return store.records.delete(COLLECTION, sessionId);
}
