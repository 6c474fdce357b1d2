// A store whose process dies at a place: from there on nothing is done and nothing is said.

import type { Store } from "loophost";

import type { StoreCall } from "../../src/testing/faults/around-store.ts";
import { aroundStore } from "../../src/testing/faults/around-store.ts";

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
export function dyingStore(whole: Store, place: DeathPlace | undefined): DyingStore {
  const { promise: died, resolve: die } = Promise.withResolvers<void>();
  let writes = 0;
  let isDead = false;
  const never = new Promise<never>(() => undefined);
  async function around<T>(call: StoreCall, work: () => Promise<T>): Promise<T> {
    if (isDead) return never;
    if (!WRITES.has(call)) return work();
    writes += 1;
    isDead = writes === place?.nth;
    if (!isDead) return work();
    if (place?.when === "after") await work();
    die();
    return never;
  }
  return {
    died,
    isDead: () => isDead,
    kill() {
      isDead = true;
      die();
    },
    writes: () => writes,
    store: { ...aroundStore(whole, around), close: () => Promise.resolve() },
  };
}

/** A claim counts, for a fence is written; what lets go of a session does not. */
const WRITES: ReadonlySet<StoreCall> = new Set([
  "log.claim",
  "log.append",
  "records.put",
  "records.delete",
  "inbox.post",
]);
