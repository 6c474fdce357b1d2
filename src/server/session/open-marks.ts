/**
 * The marks of the sessions with work open, kept in the store, so that a host that starts knows where to go on without
 * reading every session there is.
 *
 *   M1  a session is marked before its record says that it runs: one that says so without a mark would be believed for ever
 */

import { setImmediate } from "node:timers/promises";

import type { RecordStore } from "../../core/store.ts";

/** The collection that marks the sessions with work open. */
const OPEN = "host.open";
const PAGE = 250;

/** The marks of a host's sessions. */
export class OpenMarks {
  readonly #records: RecordStore;
  /** The marked sessions; complete once they are listed. */
  readonly #open = new Set<string>();
  /** Deletions of marks still under way, by session id: a new mark waits for them, or the older deletion would win the race. */
  readonly #unmarking = new Map<string, Promise<void>>();
  #listed: Promise<void> | undefined;

  constructor(records: RecordStore) {
    this.#records = records;
  }

  /** The ids of the marked sessions. */
  ids(): readonly string[] {
    return [...this.#open];
  }

  /** Whether a session is marked. */
  has(id: string): boolean {
    return this.#open.has(id);
  }

  /** Lists them, once; whoever uses a session hears of it when that failed. */
  list(): Promise<void> {
    this.#listed ??= this.#list().catch((thrown: unknown) => {
      // Do not cache a rejection: one failed read would refuse every session until the host restarts.
      this.#listed = undefined;
      throw thrown;
    });
    return this.#listed;
  }

  /** Marks a session. */
  async mark(id: string): Promise<void> {
    if (this.#open.has(id)) return;
    this.#open.add(id);
    await this.#unmarking.get(id);
    await this.#records.put(OPEN, id, {});
  }

  /** Takes the mark of a session away. */
  unmark(id: string): void {
    if (!this.#open.delete(id)) return;
    // Should it fail, whoever loads the session finds that there is nothing to do.
    const done = this.#records.delete(OPEN, id).catch(() => undefined);
    this.#unmarking.set(
      id,
      done.finally(() => this.#unmarking.delete(id)),
    );
  }

  async #list(): Promise<void> {
    for (let after = "", isMore = true; isMore;) {
      const page = await this.#records.list(OPEN, after, PAGE);
      for (const { key } of page) this.#open.add(key);
      after = page.at(-1)?.key ?? after;
      isMore = page.length === PAGE;
      // A store that answers at once would starve timers: promises alone never leave the microtask queue.
      if (isMore) await setImmediate();
    }
  }
}
