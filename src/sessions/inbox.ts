/** Reading what was asked of a session, and doing it. */

import type { LoophostError } from "../core/errors.ts";
import { toLoophostError } from "../core/errors.ts";
import type { SteeredSession } from "../core/session/open-session.ts";
import type { InboxItem, Store } from "../core/store.ts";
import { findSession } from "../stores/sessions.ts";
import type { Item } from "./items.ts";
import { fromBody } from "./items.ts";

/** An item, and its number in the inbox. */
export interface ReadItem {
  readonly n: number;
  readonly item: Item;
}

/** A message, and the item it came in. */
export interface MessageToSend {
  readonly n: number;
  readonly item: Extract<Item, { ask: "message" }>;
}

const PAGE = 100;

/** The next items of an inbox. One this release does not know is refused on record by the session that is open. */
export async function readInbox(
  store: Store,
  sessionId: string,
  session: SteeredSession | undefined,
): Promise<readonly ReadItem[]> {
  const known: ReadItem[] = [];
  for (const item of await store.inbox.read(sessionId, PAGE)) {
    const read = readItem(item);
    if (read !== undefined) known.push(read);
    else await session?.refuseItem(item.n, asError(undefined));
  }
  return known;
}

/** Whether there is anything to do for a session, by two small reads: opening it for nothing would ask its host, each time. */
export async function hasWork(store: Store, sessionId: string): Promise<boolean> {
  const [items, summary] = await Promise.all([
    store.inbox.read(sessionId, PAGE),
    findSession(store, sessionId),
  ]);
  if (summary?.status === "running") return true;
  if (summary?.status !== "waiting") return items.length > 0;
  return items.some((item) => {
    const read = readItem(item);
    // A message waits until the decision before it is made.
    return read?.item.ask !== "message" || read.item.ifOpen === "deny";
  });
}

/** Gives a session the decision or answer of an item. */
export function decide(
  session: SteeredSession,
  n: number,
  item: Extract<Item, { ask: "decide" | "answer" }>,
): Promise<void> {
  if (item.ask === "answer") return session.answer(item.callId, item.result, n);
  return item.allow ? session.approve(item.callId, n) : session.deny(item.callId, item.why, n);
}

function readItem({ n, body }: InboxItem): ReadItem | undefined {
  try {
    return { n, item: fromBody(body) };
  } catch {
    return undefined;
  }
}

/** Why an item came to nothing. */
export function asError(thrown: unknown): LoophostError {
  return toLoophostError(thrown, "invalid_options", "What was asked could not be done");
}
