// The store of a worker that is slow, or fails some of its calls.

import { setTimeout } from "node:timers/promises";

import type { Store } from "loophost";
import { LoophostError } from "loophost";

import type { StoreCall } from "../../../src/testing/faults/around-store.ts";
import { aroundStore } from "../../../src/testing/faults/around-store.ts";

/** What a store does to its worker. */
export interface Trouble {
  /** Each write takes so many milliseconds more. */
  readonly writeMs?: number;
  /** Of the calls about session `s0` the one of this number fails, of those about `s1` the third after it, and so on; of all others each seventh. */
  readonly failsFrom?: number;
}

/** Calls that sessions of the cell make, about: which of them fails goes round in so many. */
const CALLS = 120;

/** The store with its trouble. */
export function troubled(store: Store, { writeMs = 0, failsFrom }: Trouble = {}, onFault: () => void): Store {
  const calls = new Map<string, number>();
  const isFault = (call: StoreCall, about: string) => {
    if (failsFrom === undefined) return false;
    const index = call.startsWith("records") ? undefined : /^s(\d+)$/.exec(about)?.[1];
    const key = index === undefined ? "others" : about;
    const count = (calls.get(key) ?? 0) + 1;
    calls.set(key, count);
    return index === undefined ? count % 7 === 0 : count === 1 + ((failsFrom + 3 * Number(index)) % CALLS);
  };
  const around = aroundStore(store, async (call, work, about) => {
    if (writeMs > 0 && WRITES.has(call)) await setTimeout(writeMs);
    if (!isFault(call, about)) return work();
    onFault();
    throw new LoophostError("store_failed", "The store is out of reach.");
  });
  return { ...around, close: () => store.close() };
}

const WRITES: ReadonlySet<StoreCall> = new Set([
  "log.append",
  "log.delete",
  "records.put",
  "records.delete",
  "inbox.post",
]);
