// A store as a process sees it that is stopped, cut off from it, or has a slow or a faulty one.

import type { Clock, Store } from "loophost";
import { LoophostError } from "loophost";

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
export function gatedStore({ log, records, inbox }: Store, clock: Clock): { store: Store; gate: Gate } {
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
  const through =
    (isWrite: boolean) =>
    <Args extends readonly unknown[], T>(work: (...args: Args) => Promise<T>) =>
    async (...args: Args): Promise<T> => {
      await pass(isWrite);
      return work(...args);
    };
  const [read, write] = [through(false), through(true)];
  return {
    gate,
    store: {
      log: {
        renew: read((id, fence, ttlMs) => log.renew(id, fence, ttlMs)),
        release: read((id, fence) => log.release(id, fence)),
        delete: write((id, fence) => log.delete(id, fence)),
        claim: read((id, lease) => log.claim(id, lease)),
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
