/** How a host has the log of a session: as one that is alone with its store, or as one of several that share it. */

import type { Clock } from "../../core/clock.ts";
import type { LoophostError } from "../../core/errors.ts";
import { hasCode } from "../../core/errors.ts";
import { Ownership } from "../../core/journal/ownership.ts";
import type { Lease, LogStore } from "../../core/store.ts";

/** A host's claim on one log. */
export interface LogLease {
  /**
   * Contract: makes the log the host's with the first call; its fencing number. What failed is tried again.
   * @throws LoophostError `session_owned` when it is another host's
   */
  fence(): Promise<number>;
  /** Contract: calls back when another host became the owner. */
  whenLost(callback: (error: LoophostError) => void): void;
  /** Contract: lets go of the log, once all of it is written. Idempotent, never rejects. */
  release(): Promise<void>;
}

/** Gives the lease on a log; nothing is claimed yet. */
export type LeaseLog = (logId: string) => LogLease;

/** A host is alone with its store: what it finds there is its own, left by itself in an earlier life. */
const FOR_EVER: Lease = { owner: "an embedded host", ttlMs: Number.POSITIVE_INFINITY, force: true };

/** The leases of a host that is alone with its store. */
export function leaseForEver(store: LogStore): LeaseLog {
  return (logId) => {
    let fence: number | undefined;
    return {
      fence: async () => (fence ??= await store.claim(logId, FOR_EVER)),
      whenLost: () => undefined,
      release: () => Promise.resolve(),
    };
  };
}

/**
 * The leases of a host that shares its store: each as long as its session is in memory.
 *
 * @param owner says which host it is, for those who are refused
 */
export function leaseWhileUsed(log: LogStore, owner: () => string, clock: Clock): LeaseLog {
  return (sessionId) => {
    const released = new AbortController();
    let owning: Promise<Ownership> | undefined;
    let onLost: ((error: LoophostError) => void) | undefined;
    const claim = async () => {
      const options = { log, sessionId, clock, owner: owner(), signal: released.signal };
      const ownership = await Ownership.claim({ ...options, ifOwned: "fail" }).catch((thrown: unknown) => {
        // A lease nobody uses: one of a host that was alone with the store and is gone, as was found out before, or one of
        // ours that could not be released.
        const isLeft = [FOR_EVER.owner, options.owner].some((left) => isOwnedBy(thrown, left));
        if (!isLeft) throw thrown;
        return Ownership.claim({ ...options, ifOwned: "take" });
      });
      ownership.whenLost((error) => onLost?.(error));
      return ownership;
    };
    return {
      async fence() {
        owning ??= claim().catch((thrown: unknown) => {
          owning = undefined;
          throw thrown;
        });
        return (await owning).fence;
      },
      whenLost(callback) {
        onLost = callback;
      },
      async release() {
        const ownership = await owning?.catch(() => undefined);
        await ownership?.release();
      },
    };
  };
}

function isOwnedBy(thrown: unknown, owner: string): boolean {
  return hasCode(thrown, "session_owned") && thrown.message.includes(` owned by ${owner},`);
}
