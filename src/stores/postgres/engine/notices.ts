/**
 * NOTIFY, throttled: the first message is sent at once, those of the next moment together as one statement, since commits
 * that notify queue behind one lock of the whole server.
 */

import type { Database } from "../database.ts";

const MERGE_MS = 30;
const MAX_WAITING = 10_000;

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
  /** Set for a moment after each statement. */
  #timer: NodeJS.Timeout | undefined;
  #saying: Promise<void> = Promise.resolve();

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
    if (this.#waiting.size >= MAX_WAITING) return;
    this.#waiting.add(text);
    if (this.#timer === undefined) this.#send();
  }

  /** Sends what is queued; never rejects. */
  flush(): Promise<void> {
    this.#send();
    return this.#saying;
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting.size === 0) return;
    this.#timer = setTimeout(() => this.#send(), MERGE_MS);
    const texts = [...this.#waiting];
    this.#waiting = new Set();
    this.#saying = this.#saying.then(() => this.#notify(texts));
  }

  async #notify(texts: readonly string[]): Promise<void> {
    try {
      await this.#before();
      const pool = await this.#database.ready();
      await pool.query("SELECT pg_notify($1, word) FROM unnest($2::text[]) AS word", [this.#channel, texts]);
    } catch {
      // Best effort: listeners also poll.
    }
  }
}
