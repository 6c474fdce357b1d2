// A store whose writes wait until a test lets them through.

import type { Store } from "loophost";

/** A store over another, and its gate. */
export interface SlowStore extends Store {
  /** From here on appends wait. */
  hold(): void;
  /** Lets the appends that wait through, or fails them, and lets all after them through. */
  open(failure?: Error): void;
  /** How many appends wait. */
  readonly waiting: number;
}

/** Makes the appends of a store wait while it is held. */
export function slowStore(store: Store): SlowStore {
  let gate: PromiseWithResolvers<void> | undefined;
  let waiting = 0;
  return {
    ...store,
    log: {
      ...store.log,
      claim: (id, lease) => store.log.claim(id, lease),
      renew: (id, fence, ttlMs) => store.log.renew(id, fence, ttlMs),
      release: (id, fence) => store.log.release(id, fence),
      delete: (id, fence) => store.log.delete(id, fence),
      read: (id, after, limit) => store.log.read(id, after, limit),
      append: async (id, fence, entries, along) => {
        waiting += 1;
        try {
          await gate?.promise;
        } finally {
          waiting -= 1;
        }
        return store.log.append(id, fence, entries, along);
      },
    },
    hold() {
      gate ??= Promise.withResolvers();
    },
    open(failure) {
      if (failure === undefined) gate?.resolve();
      else gate?.reject(failure);
      gate = undefined;
    },
    get waiting() {
      return waiting;
    },
  };
}
