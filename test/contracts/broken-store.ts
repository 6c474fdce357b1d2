// What a store with a fault is, to prove that the store contract notices it.

import type { LogStore, Store } from "../../src/core/store.ts";

/** A store that breaks its word in one way. */
export interface BrokenStore {
  /** Breaks a sound store, whose time it is given. */
  readonly store: (sound: Store, now: () => number) => Store;
  /** How the name of the case begins that must notice. */
  readonly noticedBy: string;
}

/** A store with another log. */
export function withLog(sound: Store, changes: Partial<LogStore>): Store {
  return { ...sound, log: { ...sound.log, ...changes } };
}
