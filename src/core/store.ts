/**
 * The store port: where a session's log, and small documents such as provisions, outlive the process.
 *
 * A session is a log. Its entries are numbered, appended by its owner only, and never edited; all that is known of a
 * session is a fold over them. What others want of it they post to its inbox, and its owner takes it from there.
 */

import type { Json } from "./json.ts";

/** A place to keep things in: memory, a SQLite file, a database. */
export interface Store {
  readonly log: LogStore;
  readonly records: RecordStore;
  readonly inbox: InboxStore;
  /**
   * After so many milliseconds without an answer whoever called gives up, with `store_failed`. A store that itself waits
   * for longer, as for the lock of a file, says so here. Default 30,000; `Infinity`: never.
   */
  readonly callTimeoutMs?: number | undefined;
  /** Releases what the store holds open. What was written stays. */
  close(): Promise<void>;
}

/**
 * Append-only logs, one per session, each with one owner at a time.
 *
 * The owner has a lease (others are refused until it expires) and a fencing token, a number that grows with every claim. The token is what
 * protects the log: `append` with an older token fails. An owner with an expired lease may continue until somebody else claims the
 * log, and nothing after that, however late it wakes up.
 */
export interface LogStore {
  /**
   * Contract: claims a log: the caller becomes its owner and gets a fencing token higher than any given before.
   * @throws LoophostError `session_owned` while a lease on it is alive, whoever holds it, unless by `force`;
   * `invalid_options` for an id of more than 1,200 bytes, with a NUL or half a character, as not every store can keep such
   */
  claim(id: string, lease: Lease): Promise<number>;
  /**
   * Contract: the lease lapses so many milliseconds from now.
   * @throws LoophostError `stale_owner` when the log was claimed by somebody else, or released
   */
  renew(id: string, fence: number, ttlMs: number): Promise<void>;
  /** Contract: releases the log; the next claim need not wait. Idempotent: with an outdated token it is a no-op. */
  release(id: string, fence: number): Promise<void>;
  /**
   * Contract: appends all entries and what goes along with them, or nothing, and resolves, once that is durable, with
   * the number of the last entry.
   * @throws LoophostError `stale_owner` when the log was claimed by somebody else, or released; `store_failed` when
   * they could not be written
   */
  append(id: string, fence: number, entries: readonly Json[], along?: Along): Promise<number>;
  /**
   * Contract: deletes the entries of a log and its inbox, and releases it; under the same id it starts again, empty.
   * @throws LoophostError `stale_owner` when the log was claimed by somebody else, or released
   */
  delete(id: string, fence: number): Promise<void>;
  /**
   * Contract: entries numbered above `after`, in order, at most `limit`; fewer where a page would be large, none only at
   * the end or for an unknown log.
   * @throws LoophostError `store_damaged` when they are not what was written, where the store can tell
   */
  read(id: string, after: number, limit: number): Promise<readonly StoredEntry[]>;
}

/** What is written with entries, in the same transaction: refused with them when the writer was replaced. */
export interface Along {
  /** Records to put, or to delete. */
  readonly records?: readonly RecordWrite[] | undefined;
  /**
   * Numbers of inbox items that led to these entries: they are taken, in the same transaction, and not read again.
   * Those taken before are ignored (idempotent).
   */
  readonly takes?: readonly number[] | undefined;
  /** Whether these are the owner's last entries: the log is released with them. */
  readonly release?: boolean | undefined;
}

/**
 * Requests to a session: messages, decisions, interrupts. Any process may post at any time, whoever owns the log, and
 * whether or not there is one; only the owner takes an item, together with the entries it led to (`Along.takes`), so
 * that none is lost or done twice.
 */
export interface InboxStore {
  /**
   * Contract: durable once it resolves; numbers rise within a session. Idempotent by key: a key that was posted before,
   * taken or not, changes nothing and gives the number it got then, so that a caller who lost the reply may retry.
   * @throws LoophostError `inbox_full` for a new key where as many items wait in the session as its `room` says; `store_failed` when it could not be written; `invalid_options` for an id or a key that not every store can keep
   */
  post(id: string, item: PostedItem): Promise<{ readonly n: number; readonly isNew: boolean }>;
  /**
   * Contract: what is not taken yet and numbered above `after` (default 0), in the order it was posted, at most `limit`; fewer
   * where a page would be large, none only at the end.
   */
  read(id: string, limit: number, after?: number): Promise<readonly InboxItem[]>;
  /** Contract: the sessions with items that are not taken, by id above `after`, at most `limit`. */
  waiting(after: string, limit: number): Promise<readonly string[]>;
}

/** What is posted to an inbox: two posts under one key are one item (deduplicated). */
export interface PostedItem {
  readonly key: string;
  readonly body: Json;
  /** It is posted where fewer items than this wait (backpressure); with 0 it is only looked up. Default 1,000. */
  readonly room?: number | undefined;
}

/** An item of an inbox with its number. */
export interface InboxItem {
  readonly n: number;
  readonly key: string;
  readonly body: Json;
}

/** A record to put; without a value it is deleted. */
export interface RecordWrite {
  readonly collection: string;
  readonly key: string;
  readonly value?: Json | undefined;
}

/** How a log is claimed. */
export interface Lease {
  /** Who claims it, in words for whoever is refused because of it: "pid 4711 on db-host". */
  readonly owner: string;
  /** How long others are refused unless it is renewed. `Infinity`: until it is released, or taken by force. */
  readonly ttlMs: number;
  /** Take the log over whoever owns it. */
  readonly force?: boolean | undefined;
}

/** A log entry with its number; the first is 1. */
export interface StoredEntry {
  readonly seq: number;
  readonly entry: Json;
}

/** Small JSON documents by collection and key. */
export interface RecordStore {
  get(collection: string, key: string): Promise<Json | undefined>;
  put(collection: string, key: string, value: Json): Promise<void>;
  /** Contract: idempotent: a record that does not exist is a success. */
  delete(collection: string, key: string): Promise<void>;
  /** Contract: in key order, keys above `after`, at most `limit`; fewer where a page would be large, none only at the end. */
  list(
    collection: string,
    after: string,
    limit: number,
  ): Promise<readonly { readonly key: string; readonly value: Json }[]>;
}
