// Stores that get ownership wrong in one way each.

import { LoophostError } from "../../src/core/errors.ts";
import type { LogStore, Store } from "../../src/core/store.ts";
import type { BrokenStore } from "./broken-store.ts";
import { withLog } from "./broken-store.ts";

/** What is wrong with each store, and the store. */
export const brokenLeaseStores: Readonly<Record<string, BrokenStore>> = {
  "gives every owner the same number": {
    store: (sound) =>
      withLog(sound, { claim: async (...args) => Math.min(1, await sound.log.claim(...args)) }),
    noticedBy: "log.claim gives a higher number",
  },
  "takes its time between reading and writing the number": {
    store: (sound) => {
      const fences = new Map<string, number>();
      const claim = async (id: string) => {
        const fence = (fences.get(id) ?? 0) + 1;
        await Promise.resolve();
        fences.set(id, fence);
        return fence;
      };
      return withLog(sound, { claim });
    },
    noticedBy: "log.claim gives different numbers",
  },
  "lets everybody in": {
    store: (sound) =>
      withLog(sound, { claim: (id, lease) => sound.log.claim(id, { ...lease, force: true }) }),
    noticedBy: "log.claim refuses everybody",
  },
  "keeps it to itself who the owner is": {
    store: (sound) =>
      withLog(sound, { claim: (id, lease) => sound.log.claim(id, { ...lease, owner: "somebody" }) }),
    noticedBy: "log.claim refuses everybody",
  },
  "takes its time between looking for an owner and becoming it": {
    store: (sound) => {
      const owned = new Set<string>();
      return withLog(sound, {
        async claim(id, lease) {
          if (owned.has(id)) throw new LoophostError("session_owned", "it is taken");
          await Promise.resolve();
          owned.add(id);
          return sound.log.claim(id, { ...lease, force: true });
        },
      });
    },
    noticedBy: "log.claim lets one of those in",
  },
  "never lets a lease lapse": {
    store: (sound) =>
      withLog(sound, {
        claim: (id, lease) => sound.log.claim(id, { ...lease, ttlMs: Number.POSITIVE_INFINITY }),
      }),
    noticedBy: "log.claim succeeds once the lease lapsed",
  },
  "knows no force": {
    store: (sound) =>
      withLog(sound, { claim: (id, lease) => sound.log.claim(id, { ...lease, force: false }) }),
    noticedBy: "log.claim by force",
  },
  "thinks that everything has an end": {
    store: (sound) =>
      withLog(sound, {
        claim: (id, lease) => sound.log.claim(id, { ...lease, ttlMs: Math.min(lease.ttlMs, 2_000) }),
      }),
    noticedBy: "log.claim without an end",
  },
  "protects by time instead of by number": {
    store: (sound, now) => {
      const ends = new Map<string, number>();
      return withLog(sound, {
        async claim(id, lease) {
          const fence = await sound.log.claim(id, lease);
          ends.set(id, now() + lease.ttlMs);
          return fence;
        },
        async append(id, fence, entries) {
          if (now() >= (ends.get(id) ?? 0)) throw new LoophostError("stale_owner", "your time is over");
          return sound.log.append(id, fence, entries);
        },
      });
    },
    noticedBy: "log.append and log.renew go on",
  },
  "does not renew": {
    store: (sound) => withLog(sound, { renew: () => Promise.resolve() }),
    noticedBy: "log.renew makes the lease lapse later",
  },
  "renews for whoever asks": {
    store: (sound) =>
      withCurrent(sound, (log, current) => ({
        renew: (id, _fence, ttlMs) => log.renew(id, current(id), ttlMs),
      })),
    noticedBy: "log.renew refuses an owner who was replaced",
  },
  "does not release": {
    store: (sound) => withLog(sound, { release: () => Promise.resolve() }),
    noticedBy: "log.release lets the next owner in",
  },
  "lets go of a log and still writes to it": {
    store: (sound) =>
      withLog(sound, { release: (id, fence) => sound.log.renew(id, fence, 0).catch(() => undefined) }),
    noticedBy: "log.release lets the next owner in",
  },
  "releases for whoever asks": {
    store: (sound) =>
      withCurrent(sound, (log, current) => ({ release: (id) => log.release(id, current(id)) })),
    noticedBy: "log.release leaves alone",
  },
};

/** A store with another log, that is told the current number of each. */
function withCurrent(
  sound: Store,
  change: (log: LogStore, current: (id: string) => number) => Partial<LogStore>,
): Store {
  const fences = new Map<string, number>();
  const current = (id: string) => fences.get(id) ?? 0;
  return withLog(sound, {
    async claim(id, lease) {
      const fence = await sound.log.claim(id, lease);
      fences.set(id, fence);
      return fence;
    },
    ...change(sound.log, current),
  });
}
