/** Notices that a session was deleted, also where one of its id was made since: its log begins anew, and places in it mean others. */

import { isObject } from "../core/json.ts";
import type { Store } from "../core/store.ts";

/** Looks whether a session is still the one it was. */
export class SameSession {
  readonly #store: Store;
  readonly #id: string;
  /** When the first entry of its log was written. */
  #since: unknown;

  constructor(store: Store, id: string) {
    this.#store = store;
    this.#id = id;
  }

  /** Whether it is gone: there is none, or another than the first time this was asked. */
  async isGone(): Promise<boolean> {
    const [first] = await this.#store.log.read(this.#id, 0, 1);
    if (first === undefined) return true;
    const since = isObject(first.entry) ? first.entry["at"] : undefined;
    this.#since ??= since;
    return since !== this.#since;
  }
}
