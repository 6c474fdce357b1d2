// A store as a process sees it that is stopped, cut off from it, or has a slow or a faulty one.

import type { Clock, Store } from "loophost";
import { LoophostError } from "loophost";

import type { StoreCall } from "../../../src/testing/faults/around-store.ts";
import { aroundStore } from "../../../src/testing/faults/around-store.ts";

/** What the store does to this process. */
export interface Gate {
  /** Nothing comes back until `open()`, as for a process that is stopped. */
  hold(): void;
  /** Every call fails until `open()`. */
  fail(): void;
  open(): void;
  /** Each write takes so many milliseconds. */
  writeMs: number;
  /** The call with this number fails, once. */
  failAt: number | undefined;
  /** Calls so far. */
  readonly calls: () => number;
}

/** A store behind a gate. */
export function gatedStore(whole: Store, clock: Clock): { store: Store; gate: Gate } {
  let held: PromiseWithResolvers<void> | undefined;
  let isFailing = false;
  let calls = 0;
  const gate: Gate = {
    hold: () => void (held = Promise.withResolvers()),
    fail: () => void (isFailing = true),
    open() {
      held?.resolve();
      held = undefined;
      isFailing = false;
    },
    writeMs: 0,
    failAt: undefined,
    calls: () => calls,
  };
  async function pass(isWrite: boolean): Promise<void> {
    calls += 1;
    const isFault = calls === gate.failAt;
    await held?.promise;
    if (isWrite && gate.writeMs > 0)
      await new Promise<void>((resolve) => void clock.after(gate.writeMs, resolve));
    if (isFailing || isFault) throw new LoophostError("store_failed", "The store is out of reach.");
  }
  const store = aroundStore(whole, async (call, work) => {
    await pass(WRITES.has(call));
    return work();
  });
  return { gate, store: { ...store, close: () => Promise.resolve() } };
}

const WRITES: ReadonlySet<StoreCall> = new Set([
  "log.append",
  "log.delete",
  "records.put",
  "records.delete",
  "inbox.post",
]);
