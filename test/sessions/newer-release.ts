// A release of loophost that is newer than this one: with the start of each run it writes an entry of a type this one does not know.

import type { Store } from "loophost";

import { isObject } from "../../src/core/json.ts";

/** A store as the newer release sees it. */
export function newerRelease(store: Store, { needs }: { readonly needs?: number | undefined } = {}): Store {
  const mood = { type: "mood.noted", mood: "calm", ...(needs !== undefined && { needs }) };
  return {
    ...store,
    log: {
      ...store.log,
      append(id, fence, entries, along) {
        const all = entries.flatMap((entry) =>
          isObject(entry) && entry["type"] === "run.started" ? [entry, mood] : [entry],
        );
        return store.log.append(id, fence, all, along);
      },
      // It can read what it wrote.
      async read(id, after, limit) {
        const page = await store.log.read(id, after, limit);
        return page.map((stored) =>
          isNewer(stored.entry) ? { ...stored, entry: { type: "mood.noted" } } : stored,
        );
      },
    },
  };
}

function isNewer(entry: unknown): boolean {
  return isObject(entry) && entry["type"] === "mood.noted";
}
