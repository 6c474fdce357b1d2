/**
 * Leases that could not be released, on a full disk say, are released before the next claim: else a process would wait for a lease of
 * its own to expire, with all its sessions.
 */

import type { LogStore } from "../core/store.ts";

/** Of more than these, the oldest are left to expire. */
const MAX_KNOWN = 1_000;

/** The same logs, whose owner makes up for a release that failed. */
export function releasedLater(log: LogStore): LogStore {
  /** The fencing tokens, by log: a release with one does nothing to a log that somebody else has claimed since. */
  const unreleased = new Map<string, number>();
  async function noted<T>(id: string, fence: number, releases: Promise<T>): Promise<T> {
    try {
      const done = await releases;
      if (unreleased.get(id) === fence) unreleased.delete(id);
      return done;
    } catch (thrown) {
      unreleased.delete(id);
      unreleased.set(id, fence);
      const [oldest = id] = unreleased.keys();
      if (unreleased.size > MAX_KNOWN) unreleased.delete(oldest);
      throw thrown;
    }
  }
  const release = (id: string, fence: number) => noted(id, fence, log.release(id, fence));
  return {
    ...log,
    release,
    append: (id, fence, entries, along) => {
      const appended = log.append(id, fence, entries, along);
      return along?.release === true ? noted(id, fence, appended) : appended;
    },
    async claim(id, lease) {
      const fence = unreleased.get(id);
      if (fence === undefined) return log.claim(id, lease);
      // One that fails once more, for ever where entries are gone, keeps nobody from a lease that is over by itself, or taken by force.
      const failed = await release(id, fence).then(
        () => undefined,
        (thrown: unknown) => ({ thrown }),
      );
      try {
        return await log.claim(id, lease);
      } catch (thrown) {
        throw failed === undefined ? thrown : failed.thrown;
      }
    },
  };
}
