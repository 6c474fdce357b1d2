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

/** All items of an inbox above a number, page by page: what stands behind a thousand messages may be about the run before them. */
export async function* itemsOf(store: Store, sessionId: string, after = 0): AsyncGenerator<InboxItem> {
  for (let last = after; ;) {
    const page = await store.inbox.read(sessionId, PAGE, last);
    yield* page;
    const end = page.at(-1)?.n;
    // A page may be short because its items are large: only an empty one is the end.
    if (end === undefined || end <= last) return;
    last = end;
  }
}

/**
 * Reads an inbox as its session goes on: the next message, and whatever is about the run that is open. Messages in line behind
 * that are left in the store, and so are items that only a newer release knows.
 */
export class InboxReader {
  readonly #store: Store;
  readonly #sessionId: string;
  /** The last item that was read, and what was found so far. */
  #last = 0;
  #found: ReadItem[] = [];

  constructor(store: Store, sessionId: string) {
    this.#store = store;
    this.#sessionId = sessionId;
  }

  /** What is there, those read before included. */
  async read(): Promise<readonly ReadItem[]> {
    for await (const item of itemsOf(this.#store, this.#sessionId, this.#last)) {
      const read = readItem(item);
      const isNext = read && (isAboutRun(read) || !this.#found.some((found) => !isAboutRun(found)));
      if (isNext === true) this.#found.push(read);
      this.#last = item.n;
    }
    return this.#found;
  }
}

/** Whether an item moves on a run that is open, or waits. Any other is a message, in line behind it. */
export function isAboutRun({ item }: Pick<ReadItem, "item">): boolean {
  return item.ask !== "message" || item.ifOpen === "deny";
}

/** Messages in line behind a decision, which are not read again as long as their session waits: there may be a thousand. */
export interface InLine {
  /** When the session was written to last: it may have been decided about since, or be another of the same id. */
  readonly updatedAt: number;
  /** The last of them. */
  readonly last: number;
}

/**
 * Whether there is anything to do for a session, by two small reads: opening it for nothing would ask its host, each time.
 *
 * @param before what was in line when it was looked at before
 * @returns true, "goes on" for a run under way, or what is in line; "for newer" where the rest is for workers of a newer release
 */
export async function hasWork(
  store: Store,
  sessionId: string,
  before: InLine | undefined,
): Promise<true | "goes on" | InLine | "for newer" | undefined> {
  const [items, summary] = await Promise.all([store.inbox.read(sessionId, 1), findSession(store, sessionId)]);
  if (summary?.status === "running") return "goes on";
  if (summary === undefined || items.length === 0) return items.length > 0 || undefined;
  const { updatedAt, status } = summary;
  // A message waits until the decision before it is made.
  const isDue = (read: ReadItem | undefined) =>
    read !== undefined && (status !== "waiting" || isAboutRun(read));
  if (items.map(readItem).some(isDue)) return true;
  let isForNewer = false;
  let last = before?.updatedAt === updatedAt ? before.last : 0;
  for await (const item of itemsOf(store, sessionId, last)) {
    const read = readItem(item);
    if (isDue(read)) return true;
    isForNewer ||= read === undefined;
    last = item.n;
  }
  return isForNewer ? "for newer" : { updatedAt, last };
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

/** An item as it was posted; undefined for one that only a newer release knows. */
export function readItem({ n, body }: InboxItem): ReadItem | undefined {
  const item = fromBody(body);
  return item && { n, item };
}

/** Why an item came to nothing. */
export function asError(thrown: unknown): LoophostError {
  return toLoophostError(thrown, "invalid_options", "What was asked could not be done");
}
