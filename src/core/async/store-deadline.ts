/**
 * Deadlines for the calls of a store: one that never answers (a hung disk, a database behind a dead connection) would hang
 * every session over it, and no deadline of a run helped, since the end of a run waits to be on record.
 */

import type { Clock } from "../clock.ts";
import { LoophostError } from "../errors.ts";
import type { LogStore, Store } from "../store.ts";
import { deadline } from "./deadline.ts";

/** As long as a lease: a store that is silent for longer has lost its sessions to others anyway. */
const CALL_TIMEOUT_MS = 30_000;

/**
 * A store whose calls reject with `store_failed` when it does not answer in time (`Store.callTimeoutMs`). What such a call does
 * later is told to nobody; a log that is claimed too late is released again.
 *
 * @throws LoophostError `invalid_options` when the store names a time that is none
 */
export function withDeadlines(store: Store, clock: Clock): Store {
  const ms = store.callTimeoutMs ?? CALL_TIMEOUT_MS;
  if (!(ms > 0)) throw new LoophostError("invalid_options", "A store's callTimeoutMs must be above 0.");

  function within<T>(work: Promise<T>, whenLate?: (outcome: T) => unknown): Promise<T> {
    return new Promise((resolve, reject) => {
      let isLate = false;
      const cancel = deadline(clock, ms, () => {
        isLate = true;
        reject(new LoophostError("store_failed", `The store did not answer within ${ms} ms.`));
      });
      work.finally(cancel).then((outcome) => (isLate ? whenLate?.(outcome) : resolve(outcome)), reject);
    });
  }

  const { log, records, inbox } = store;
  const claim: LogStore["claim"] = (id, lease) =>
    within(log.claim(id, lease), (fence) => log.release(id, fence).catch(() => undefined));

  /** A part of the store, every call of which has the deadline. */
  function bounded<Part extends object>(part: Part): Part {
    return new Proxy(part, {
      get(_, name) {
        if (name === "claim") return claim;
        const call: unknown = Reflect.get(part, name);
        if (typeof call !== "function") return call;
        return async (...given: unknown[]) => within(Reflect.apply(call, part, given));
      },
    });
  }

  return {
    callTimeoutMs: ms,
    log: bounded(log),
    records: bounded(records),
    inbox: bounded(inbox),
    close: () => store.close(),
  };
}
