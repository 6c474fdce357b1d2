// A store whose process dies at a place: from there on nothing is done and nothing is said.

import type { Store } from "loophost";

/** Where the process dies: before the nth write is done, or when it is done and nobody has heard of it. */
export interface DeathPlace {
  readonly nth: number;
  readonly when: "before" | "after";
}

/** A store seen by one process; `died` resolves when that process is gone. */
export interface DyingStore {
  readonly store: Store;
  readonly died: Promise<void>;
  readonly isDead: () => boolean;
  /** Ends the process here and now. */
  readonly kill: () => void;
  /** Writes so far. */
  readonly writes: () => number;
}

/** Shows a store to a process that will die. */
export function dyingStore({ log, records, inbox }: Store, place: DeathPlace | undefined): DyingStore {
  const { promise: died, resolve: die } = Promise.withResolvers<void>();
  let writes = 0;
  let isDead = false;
  const never = new Promise<never>(() => undefined);
  const read =
    <Args extends readonly unknown[], T>(work: (...args: Args) => Promise<T>) =>
    async (...args: Args): Promise<T> =>
      isDead ? never : work(...args);
  const write =
    <Args extends readonly unknown[], T>(work: (...args: Args) => Promise<T>) =>
    async (...args: Args): Promise<T> => {
      if (isDead) return never;
      writes += 1;
      isDead = writes === place?.nth;
      if (!isDead) return work(...args);
      if (place?.when === "after") await work(...args);
      die();
      return never;
    };
  return {
    died,
    isDead: () => isDead,
    kill() {
      isDead = true;
      die();
    },
    writes: () => writes,
    store: {
      log: {
        renew: read((id, fence, ttlMs) => log.renew(id, fence, ttlMs)),
        release: read((id, fence) => log.release(id, fence)),
        delete: read((id, fence) => log.delete(id, fence)),
        claim: write((id, lease) => log.claim(id, lease)),
        append: write((id, fence, entries, along) => log.append(id, fence, entries, along)),
        read: read((id, after, limit) => log.read(id, after, limit)),
      },
      records: {
        get: read((collection, key) => records.get(collection, key)),
        put: write((collection, key, value) => records.put(collection, key, value)),
        delete: write((collection, key) => records.delete(collection, key)),
        list: read((collection, after, limit) => records.list(collection, after, limit)),
      },
      inbox: {
        post: write((id, item) => inbox.post(id, item)),
        read: read((id, limit) => inbox.read(id, limit)),
        waiting: read((after, limit) => inbox.waiting(after, limit)),
      },
      close: () => Promise.resolve(),
    },
  };
}
