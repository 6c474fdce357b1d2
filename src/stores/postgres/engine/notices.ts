/**
 * NOTIFY, throttled: the first message is sent at once, those of the next moment together as one statement, since commits
 * that notify queue behind one lock of the whole server.
 */

import { setTimeout as sleep } from "node:timers/promises";

import type { Database } from "../database.ts";

const MERGE_MS = 30;
/** What waits has a bound, in messages and in characters (backpressure): a database that does not answer would fill the memory. */
const MAX_WAITING = 10_000;
const MAX_WAITING_CHARS = 4_000_000;

const NOTIFY = "SELECT pg_notify($1, word) FROM unnest($2::text[]) AS word";

/** The channel of a schema: three per schema at most, never one per session. */
export function channelOf(schema: string, what: "wakes" | "words"): string {
  return `loophost_${schema.slice(0, 40)}_${what}`;
}

/** Sends notifications on one channel. */
export class Notices {
  readonly #database: Database;
  readonly #channel: string;
  readonly #before: () => Promise<void> | undefined;
  #waiting = new Set<string>();
  #waitingChars = 0;
  /** The statement under way, and the moment after it. */
  #sending: Promise<void> | undefined;

  /** @param before what has to be over, in whichever way, before anything is sent */
  constructor(
    database: Database,
    channel: string,
    before: () => Promise<void> | undefined = () => undefined,
  ) {
    this.#database = database;
    this.#channel = channel;
    this.#before = before;
  }

  /** Queues a text of at most 7,900 bytes; the same text once. One that cannot be sent is lost. */
  say(text: string): void {
    if (this.#waiting.size >= MAX_WAITING || this.#waitingChars >= MAX_WAITING_CHARS) return;
    if (!this.#waiting.has(text)) this.#waitingChars += text.length;
    this.#waiting.add(text);
    this.#sending ??= this.#send();
  }

  /** Sends what is queued; never rejects. */
  async flush(): Promise<void> {
    while (this.#sending !== undefined) await this.#sending;
  }

  async #send(): Promise<void> {
    const texts = [...this.#waiting];
    this.#waiting = new Set();
    this.#waitingChars = 0;
    await Promise.all([this.#notify(texts), sleep(MERGE_MS)]);
    this.#sending = this.#waiting.size > 0 ? this.#send() : undefined;
  }

  async #notify(texts: readonly string[]): Promise<void> {
    try {
      await this.#before();
      await this.#database.once(NOTIFY, [this.#channel, texts]);
    } catch {
      // Best effort: listeners also poll.
    }
  }
}
