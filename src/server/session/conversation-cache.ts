/**
 * A cache of conversations, so that a run reads what its log has new: read from the beginning each time, the cost of a
 * message grows with the length of its session, and that of a session with the square.
 *
 *   K1  a conversation is a fold over its log; one that is not in the cache is read again, from its last snapshot on
 *   K2  the cache is bounded in characters; the conversation that was used longest ago leaves first
 */

import type { RecordStore } from "../../core/store.ts";
import type { TranscriptMessage } from "../../core/transcript.ts";
import type { EventLog } from "../log/event-log.ts";
import type { ReadFile } from "../wire/content.ts";
import type { Fold } from "./conversation-snapshot.ts";
import { dueSnapshot, lastSnapshot } from "./conversation-snapshot.ts";
import { withItsFiles } from "./conversation.ts";

/** Characters of JSON that are kept, of all sessions together. */
const ROOM = 32 * 1024 * 1024;

/** The conversations of a host's sessions. */
export class ConversationCache {
  readonly #folds = new Map<string, Fold>();
  readonly #records: RecordStore;
  readonly #room: number;
  #chars = 0;

  /**
   * @param records where snapshots are kept
   * @param room characters of JSON to keep. Default 32 million
   */
  constructor(records: RecordStore, room: number = ROOM) {
    this.#records = records;
    this.#room = room;
  }

  /** How many characters of JSON are kept. */
  get chars(): number {
    return this.#chars;
  }

  /** The conversation of a session as its log has it now, with the contents of its files. */
  async read(sessionId: string, log: EventLog, readFile: ReadFile): Promise<readonly TranscriptMessage[]> {
    // Race: removed while it is being extended, since a second reader would add the same events to it twice.
    const before = this.#take(sessionId) ?? (await lastSnapshot(this.#records, sessionId));
    const { conversation } = before;
    let { seq, savedSeq } = before;
    for await (const entry of log.readAll(seq)) {
      conversation.hear(entry.event, entry.said);
      seq = entry.seq;
    }
    const messages = conversation.messages();
    const snapshot = dueSnapshot(sessionId, { conversation, seq, savedSeq });
    if (snapshot !== undefined) {
      log.writeAlong("conversation", () => [snapshot]);
      savedSeq = seq;
    }
    this.#keep(sessionId, { conversation, seq, savedSeq });
    return withItsFiles(messages, readFile);
  }

  /** Forgets the conversation of a session that is gone. */
  forget(sessionId: string): void {
    this.#take(sessionId);
  }

  #take(sessionId: string): Fold | undefined {
    const fold = this.#folds.get(sessionId);
    if (fold === undefined) return undefined;
    this.#folds.delete(sessionId);
    this.#chars -= fold.conversation.chars;
    return fold;
  }

  #keep(sessionId: string, fold: Fold): void {
    this.#take(sessionId);
    this.#folds.set(sessionId, fold);
    this.#chars += fold.conversation.chars;
    for (const oldest of this.#folds.keys()) {
      if (this.#chars <= this.#room) return;
      this.#take(oldest);
    }
  }
}
