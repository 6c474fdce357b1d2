/**
 * Turns at records that are read, changed and written back: two at once would lose one of the changes. Within a host they
 * wait in line; hosts that share a store have a lock in it, too.
 *
 *   T1  the lock is a lease on a log without entries, and what is written in a turn is written by its fencing token: a host
 *       that was held up for longer than its turn writes nothing
 */

import type { Clock } from "../../core/clock.ts";
import { hasCode, LoophostError } from "../../core/errors.ts";
import type { RecordStore, RecordWrite, Store } from "../../core/store.ts";

/** Turns at some records. */
export interface Turns {
  /** The records, written by whoever has the turn. */
  readonly records: RecordStore;
  /** Whether other hosts change the records, too. */
  readonly isShared: boolean;
  /** Contract: runs work when no other runs. Not reentrant. */
  take<T>(work: () => Promise<T>): Promise<T>;
  /** Contract: writes in this order; all at once or nothing where other hosts have turns, too. */
  write(writes: readonly RecordWrite[]): Promise<void>;
}

/** Makes the turns at records of one kind. */
export type MakeTurns = (kind: string) => Turns;

/** A host that died in its turn keeps others waiting for so long, where the store cannot tell that it did. */
const TURN_MS = 10_000;
const FIRST_PAUSE_MS = 5;
const MAX_PAUSE_MS = 100;
const GIVE_UP_AFTER_MS = 20_000;

/** The turns of a host that is alone with its records. */
export function turnsOfOne(records: RecordStore): Turns {
  return {
    records,
    isShared: false,
    take: inLine(),
    async write(writes) {
      for (const { collection, key, value } of writes)
        await (value === undefined ? records.delete(collection, key) : records.put(collection, key, value));
    },
  };
}

/** The turns of a host that shares its store. */
export function turnsOfMany({ log, records }: Store, clock: Clock, owner: () => string): MakeTurns {
  return (kind) => {
    const lock = `host/turn/${kind}`;
    const takeLine = inLine();
    let fence: number | undefined;
    const write = async (writes: readonly RecordWrite[]): Promise<void> => {
      if (fence === undefined) throw new LoophostError("store_failed", `A turn at ${kind} is over.`);
      await log.append(lock, fence, [], { records: writes });
    };
    return {
      isShared: true,
      write,
      records: {
        ...records,
        put: (collection, key, value) => write([{ collection, key, value }]),
        delete: (collection, key) => write([{ collection, key }]),
      },
      take: (work) =>
        takeLine(async () => {
          const token = await claim(log, lock, clock, owner());
          fence = token;
          try {
            return await work();
          } finally {
            fence = undefined;
            // One that is lost, or not let go of, lapses.
            await log.release(lock, token).catch(() => undefined);
          }
        }),
    };
  };
}

/** Runs work one after the other; what fails does not keep the next from running. */
function inLine(): Turns["take"] {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  };
}

async function claim(log: Store["log"], lock: string, clock: Clock, owner: string): Promise<number> {
  const giveUpAt = clock.now() + GIVE_UP_AFTER_MS;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
    try {
      return await log.claim(lock, { owner, ttlMs: TURN_MS });
    } catch (thrown) {
      const isTaken = hasCode(thrown, "session_owned");
      if (!isTaken || clock.now() > giveUpAt) throw thrown;
      // Jitter: hosts that wait for the same turn would ask, and miss it, together.
      const waitMs = pauseMs * (0.5 + Math.random());
      await new Promise<void>((resolve) => void clock.after(waitMs, resolve));
    }
  }
}
