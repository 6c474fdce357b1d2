/**
 * A store that breaks on purpose, to see what the code above it makes of that: calls that fail, lose their reply, hang
 * or find no room, at any point of a program.
 */

import { LoophostError } from "../../core/errors.ts";
import type { Store } from "../../core/store.ts";

/** A call to a store, by name. */
export type StoreCall =
  | "log.claim"
  | "log.renew"
  | "log.release"
  | "log.append"
  | "log.delete"
  | "log.read"
  | "records.get"
  | "records.put"
  | "records.delete"
  | "records.list"
  | "inbox.post"
  | "inbox.read"
  | "inbox.waiting";

/** What goes wrong, and where. */
export interface StoreFault {
  /** The call that it happens to. Default: any. */
  readonly on?: StoreCall | undefined;
  /** Which of these calls, counted from 1. Default: each of them. */
  readonly nth?: number | undefined;
  /**
   * - `fail`: nothing is done, and the call rejects with `store_failed`
   * - `lose`: all is done, and the call rejects as if it were not
   * - `hang`: nothing is done and nothing is said, until `heal()`
   * - `full`: from here on whatever writes fails; what reads, or makes room, goes on
   */
  readonly how: "fail" | "lose" | "hang" | "full";
}

/** A store with faults. */
export interface FaultyStore extends Store {
  /** Every call so far, in order. Run a program once without faults, and its length says how many places there are. */
  readonly calls: readonly StoreCall[];
  /** Ends all faults; calls that hang go on. */
  heal(): void;
}

/** Gives a store faults. Closing it never fails. */
export function faultyStore(store: Store, faults: readonly StoreFault[]): FaultyStore {
  const { log, records, inbox } = store;
  const calls: StoreCall[] = [];
  const plan = faults.map((fault) => ({ fault, seen: 0 }));
  const healed = Promise.withResolvers<void>();
  let isHealed = false;
  let isFull = false;

  /** Counts the call everywhere it counts; the first fault that is due is the one that happens. */
  function faultOf(call: StoreCall): StoreFault["how"] | undefined {
    calls.push(call);
    const due = plan.filter((place) => {
      if (place.fault.on !== undefined && place.fault.on !== call) return false;
      place.seen += 1;
      return place.fault.nth === undefined || place.fault.nth === place.seen;
    });
    return isHealed ? undefined : due[0]?.fault.how;
  }

  function breakable<Args extends readonly unknown[], T>(
    call: StoreCall,
    work: (...args: Args) => Promise<T>,
  ): (...args: Args) => Promise<T> {
    return async (...args) => {
      const how = faultOf(call);
      if (how === "full") isFull = true;
      if (isFull && NEEDS_ROOM.has(call)) throw failed(call, "there is no room left");
      if (how === "fail") throw failed(call, "nothing was done");
      if (how === "hang") await healed.promise;
      const outcome = await work(...args);
      if (how === "lose") throw failed(call, "it was done, but the reply was lost");
      return outcome;
    };
  }

  return {
    log: {
      claim: breakable("log.claim", (id, lease) => log.claim(id, lease)),
      renew: breakable("log.renew", (id, fence, ttlMs) => log.renew(id, fence, ttlMs)),
      release: breakable("log.release", (id, fence) => log.release(id, fence)),
      append: breakable("log.append", (id, fence, entries, along) => log.append(id, fence, entries, along)),
      delete: breakable("log.delete", (id, fence) => log.delete(id, fence)),
      read: breakable("log.read", (id, after, limit) => log.read(id, after, limit)),
    },
    records: {
      get: breakable("records.get", (collection, key) => records.get(collection, key)),
      put: breakable("records.put", (collection, key, value) => records.put(collection, key, value)),
      delete: breakable("records.delete", (collection, key) => records.delete(collection, key)),
      list: breakable("records.list", (collection, after, limit) => records.list(collection, after, limit)),
    },
    inbox: {
      post: breakable("inbox.post", (id, item) => inbox.post(id, item)),
      read: breakable("inbox.read", (id, limit) => inbox.read(id, limit)),
      waiting: breakable("inbox.waiting", (after, limit) => inbox.waiting(after, limit)),
    },
    callTimeoutMs: store.callTimeoutMs,
    close: () => store.close(),
    calls,
    heal() {
      isHealed = true;
      isFull = false;
      healed.resolve();
    },
  };
}

const NEEDS_ROOM: ReadonlySet<StoreCall> = new Set([
  "log.claim",
  "log.renew",
  "log.append",
  "records.put",
  "inbox.post",
]);

function failed(call: StoreCall, why: string): LoophostError {
  return new LoophostError("store_failed", `A fault on purpose in ${call}: ${why}.`);
}
