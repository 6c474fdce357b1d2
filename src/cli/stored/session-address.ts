/**
 * Where the host of a stored session is: a record of the command line's own beside the core's, so that nobody has to name it
 * again. Never a secret: of an address only origin and path are kept.
 */

import { isObject } from "../../core/json.ts";
import type { Store } from "../../core/store.ts";

const COLLECTION = "cli.sessions";

/** Where a session is held, as it was named. */
export interface SessionAddress {
  readonly baseUrl?: string | undefined;
  /** The harness, at AgentCore, and the endpoint it is called by. */
  readonly harness?: string | undefined;
  readonly qualifier?: string | undefined;
}

const FIELDS = ["baseUrl", "harness", "qualifier"] as const;

/** Where a session was last held; empty when nothing was named, or nothing is known. */
export async function recallAddress(store: Store, sessionId: string): Promise<SessionAddress> {
  const record = await store.records.get(COLLECTION, sessionId);
  if (!isObject(record)) return {};
  const texts = FIELDS.map((field) => [field, record[field]] as const);
  return Object.fromEntries(texts.filter(([, text]) => typeof text === "string"));
}

/** Remembers where a session is held. */
export async function rememberAddress(
  store: Store,
  sessionId: string,
  { baseUrl: address, harness, qualifier }: SessionAddress,
): Promise<void> {
  const { origin, pathname } = address === undefined ? {} : new URL(address);
  const baseUrl = origin === undefined ? undefined : `${origin}${pathname ?? ""}`.replace(/\/$/, "");
  const now = Object.entries({ baseUrl, harness, qualifier }).filter(([, text]) => text !== undefined);
  const before = await recallAddress(store, sessionId);
  if (JSON.stringify(Object.fromEntries(now)) === JSON.stringify(before)) return;
  await store.records.put(COLLECTION, sessionId, Object.fromEntries(now));
}

/** Deletes the record, with the session. */
export function forgetAddress(store: Store, sessionId: string): Promise<void> {
  return store.records.delete(COLLECTION, sessionId);
}
