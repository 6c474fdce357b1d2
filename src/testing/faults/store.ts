/**
 * A store that breaks on purpose, to see what the code above it makes of that: calls that fail, lose their reply, hang
 * or find no room, at any point of a program.
 */

import { LoophostError } from "../../core/errors.ts";
import type { Store } from "../../core/store.ts";
import type { StoreCall } from "./around-store.ts";
import { aroundStore } from "./around-store.ts";

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

  async function breakable<T>(call: StoreCall, work: () => Promise<T>): Promise<T> {
    const how = faultOf(call);
    if (how === "full") isFull = true;
    if (isFull && NEEDS_ROOM.has(call)) throw failed(call, "there is no room left");
    if (how === "fail") throw failed(call, "nothing was done");
    if (how === "hang") await healed.promise;
    const outcome = await work();
    if (how === "lose") throw failed(call, "it was done, but the reply was lost");
    return outcome;
  }

  return {
    ...aroundStore(store, breakable),
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
