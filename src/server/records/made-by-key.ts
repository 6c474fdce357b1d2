/**
 * The keys of posts that made or changed a record, kept in the transaction that did: a client whose reply was lost may send
 * the post again under its Idempotency-Key, to any host on the store, though the one that took it has died since.
 *
 * They are kept by the day, for one day at least and two at most, so that a day is forgotten as a whole.
 */

import { setImmediate } from "node:timers/promises";

import type { RecordStore, RecordWrite } from "../../core/store.ts";
import { isJsonObject } from "../http/fields.ts";
import type { KeyedPost } from "../http/idempotency.ts";
import { checkSame } from "../http/idempotency.ts";

const DAY_MS = 86_400_000;
const PAGE = 250;
/** A store that no host has used for longer than this keeps the keys of its last days. */
const LOOK_BACK_DAYS = 60;

/** The keys of posts to one collection. */
export class MadeByKey {
  readonly #records: RecordStore;
  readonly #collection: string;
  /** The last day on which older ones were forgotten. */
  #forgottenOn = 0;

  constructor(records: RecordStore, collection: string) {
    this.#records = records;
    this.#collection = collection;
  }

  /**
   * The id of what was made or changed under a key; undefined for a key that is new.
   *
   * @throws Refusal when the key was used for something else
   */
  async idOf({ key, fingerprint }: KeyedPost): Promise<string | undefined> {
    for (const day of [today(), today() - 1]) {
      const kept = await this.#records.get(this.#keysOf(day), key);
      if (!isJsonObject(kept)) continue;
      checkSame(kept["fingerprint"], fingerprint);
      return typeof kept["id"] === "string" ? kept["id"] : undefined;
    }
    return undefined;
  }

  /** What keeps a key, for the transaction of what it is for. */
  keeping({ key, fingerprint }: KeyedPost, id: string): RecordWrite {
    // What cannot be forgotten now is forgotten tomorrow.
    this.#forget().catch(() => undefined);
    return { collection: this.#keysOf(today()), key, value: { fingerprint, id } };
  }

  async #forget(): Promise<void> {
    const now = today();
    if (this.#forgottenOn === now) return;
    this.#forgottenOn = now;
    for (let day = now - 2; day >= now - LOOK_BACK_DAYS; day -= 1) await this.#forgetDay(this.#keysOf(day));
  }

  async #forgetDay(collection: string): Promise<void> {
    for (;;) {
      const page = await this.#records.list(collection, "", PAGE);
      if (page.length === 0) return;
      for (const { key } of page) await this.#records.delete(collection, key);
      // A store that answers at once would starve timers: promises alone never leave the microtask queue.
      await setImmediate();
    }
  }

  #keysOf(day: number): string {
    return `${this.#collection}.keys/${day}`;
  }
}

function today(): number {
  return Math.floor(Date.now() / DAY_MS);
}
