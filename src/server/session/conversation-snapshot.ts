/**
 * Snapshots of conversations, one record beside each log, so that the first message after a start of the host does not read
 * the whole past of its session. A snapshot is written by the fencing token of its log, after all it covers; the log stays
 * what counts, and what a snapshot covers of it never changes.
 */

import type { Json } from "../../core/json.ts";
import type { RecordStore, RecordWrite } from "../../core/store.ts";
import { isJsonObject } from "../http/fields.ts";
import { Conversation } from "./conversation.ts";

/** A conversation up to an entry of its log. */
export interface Fold {
  readonly conversation: Conversation;
  readonly seq: number;
  /** The entry up to which the last snapshot goes; 0 without one. */
  readonly savedSeq: number;
}

const SNAPSHOTS = "host.conversations";
/** The version of the fold: a snapshot that other code made of the same events is not used. */
const FOLD = 1;
/** Entries that are read after a snapshot, at most, or more where the conversation is large: the cost per entry is bounded. */
const ENTRIES = 1_000;
const CHARS_PER_ENTRY = 1_000;
/** Larger ones are read from the log: to write one as JSON would hold the event loop for too long. */
const MAX_CHARS = 4_000_000;

/** What the last snapshot of a session holds; nothing said yet without one. */
export async function lastSnapshot(records: RecordStore, sessionId: string): Promise<Fold> {
  const kept = await records.get(SNAPSHOTS, sessionId);
  const { fold, seq, text } = isJsonObject(kept) ? kept : {};
  if (fold !== FOLD || typeof seq !== "number" || typeof text !== "string")
    return { conversation: new Conversation(), seq: 0, savedSeq: 0 };
  return { conversation: Conversation.from(text), seq, savedSeq: seq };
}

/** The write that keeps a conversation; undefined while it is not due. */
export function dueSnapshot(
  sessionId: string,
  { conversation, seq, savedSeq }: Fold,
): RecordWrite | undefined {
  const { chars } = conversation;
  const distance = Math.max(ENTRIES, chars / CHARS_PER_ENTRY);
  if (seq - savedSeq < distance || chars > MAX_CHARS) return undefined;
  const value: Json = { fold: FOLD, seq, text: conversation.toText() };
  return { collection: SNAPSHOTS, key: sessionId, value };
}

/** What deletes the snapshot of a session that is gone. */
export function snapshotDeletion(sessionId: string): RecordWrite {
  return { collection: SNAPSHOTS, key: sessionId };
}
