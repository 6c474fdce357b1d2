/**
 * The store port: where a session's log, and small documents such as provisions, outlive the process.
 *
 * A session is a log. Its entries are numbered, appended by its owner only, and never edited; all that is known of a
 * session is a fold over them.
 */

import type { Json } from "./json.ts";

/** A place to keep things in: memory, a SQLite file, a database. */
export interface Store {
  readonly log: LogStore;
  readonly records: RecordStore;
  /** Releases what the store holds open. What was written stays. */
  close(): Promise<void>;
}

/** Append-only logs, one per session. */
export interface LogStore {
  /** Contract: makes the caller the owner of a log and gives its fencing number, higher than any given before. */
  claim(id: string): Promise<number>;
  /**
   * Contract: appends all entries or none and resolves, once they are durable, with the number of the last.
   * @throws LoophostError `stale_owner` when a later `claim` was made, `store_failed` when they could not be written
   */
  append(id: string, fence: number, entries: readonly Json[]): Promise<number>;
  /** Contract: entries numbered above `after`, in order, at most `limit`; empty at the end or for an unknown log. */
  read(id: string, after: number, limit: number): Promise<readonly StoredEntry[]>;
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
  /** Contract: deleting what is not there is fine. */
  delete(collection: string, key: string): Promise<void>;
  /** Contract: in key order, keys above `after`, at most `limit`. */
  list(
    collection: string,
    after: string,
    limit: number,
  ): Promise<readonly { readonly key: string; readonly value: Json }[]>;
}
