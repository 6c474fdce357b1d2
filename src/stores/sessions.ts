/** Reads sessions in a store without opening them: lists, summaries, logs. */

import { atLeast, checkOptions, STRING } from "../core/check-options.ts";
import { LoophostError } from "../core/errors.ts";
import type { JournalEntry, MessageEntry, ShownAgent, Spent } from "../core/journal/entry.ts";
import { readPages } from "../core/journal/read-log.ts";
import type { SessionSummary } from "../core/journal/session-index.ts";
import { SESSIONS } from "../core/journal/session-index.ts";
import type { Json } from "../core/json.ts";
import { isObject } from "../core/json.ts";
import type { Store, StoredEntry } from "../core/store.ts";
import { deleteIf } from "./deletion.ts";
import { ID, keepable } from "./names.ts";

export type { JournalEntry, MessageEntry, SessionSummary, ShownAgent, Spent };

/** Which stored sessions are listed. */
export interface StoredSessionsOptions {
  /** Those with ids above this one, such as the last of the page before. Default: from the first. */
  readonly after?: string | undefined;
  /** How many at most, to read a large store page by page. Default: all, since whoever takes up sessions after a crash must miss none. */
  readonly limit?: number | undefined;
}

const PAGE = 1_000;

/**
 * Lists stored sessions, by id.
 *
 * @throws LoophostError `invalid_options` for what is no store; `store_failed` when it cannot be read
 */
export async function listSessions(
  store: Store,
  options: StoredSessionsOptions = {},
): Promise<readonly SessionSummary[]> {
  checkOptions("listSessions()", options, { after: STRING, limit: atLeast(1) });
  const { after = "", limit = Infinity } = options;
  checkStore(store, "listSessions()");
  const found: SessionSummary[] = [];
  // A page may be short because its records are large: only an empty one is the end.
  for (let place: string | undefined = after; place !== undefined && found.length < limit;) {
    const page = await store.records.list(SESSIONS, place, Math.min(limit - found.length, PAGE));
    found.push(...page.flatMap(({ value }) => fromJson(value) ?? []));
    place = page.at(-1)?.key;
  }
  return found;
}

/** The summary of one stored session; undefined when there is none. */
export async function findSession(store: Store, sessionId: string): Promise<SessionSummary | undefined> {
  checkStore(store, "findSession()");
  checkId(sessionId, "findSession()");
  return fromJson(await store.records.get(SESSIONS, sessionId));
}

/**
 * Deletes a stored session: its log and its summary. The loop host's own session, where there is one, stays.
 *
 * @throws LoophostError `session_owned` while a process has it open
 */
export async function deleteSession(store: Store, sessionId: string): Promise<void> {
  checkStore(store, "deleteSession()");
  checkId(sessionId, "deleteSession()");
  await deleteIf(store, sessionId, () => Promise.resolve(true));
}

/** The entries of a session's log, in order, page by page. */
export async function* readLog(store: Store, sessionId: string): AsyncGenerator<StoredEntry> {
  checkStore(store, "readLog()");
  checkId(sessionId, "readLog()");
  for await (const page of readPages(store.log, sessionId)) yield* page;
}

function checkStore(store: unknown, who: string): void {
  if (isObject(store) && isObject(store["log"]) && isObject(store["records"])) return;
  throw new LoophostError(
    "invalid_options",
    `${who} needs a store, such as sqliteStore("sessions.db") or memoryStore().`,
  );
}

function checkId(sessionId: unknown, who: string): void {
  if (typeof sessionId !== "string" || sessionId === "")
    throw new LoophostError("invalid_options", `${who} needs the id of a session; got ${String(sessionId)}.`);
  keepable(sessionId, ID);
}

function fromJson(value: Json | undefined): SessionSummary | undefined {
  if (!isObject(value) || typeof value["sessionId"] !== "string") return undefined;
  // oxlint-disable-next-line no-unsafe-type-assertion -- a parse boundary: only `indexAfter` writes to this collection
  return value as unknown as SessionSummary;
}
