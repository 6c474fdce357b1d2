/** The store in memory: the first implementation of the port, and the reference for the others. Gone with the process. */

import { LoophostError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import type { Store } from "../core/store.ts";

/** Makes a store in memory. */
export function memoryStore(): Store {
  const logs = new Map<string, { fence: number; readonly entries: Json[] }>();
  const collections = new Map<string, Map<string, Json>>();
  return {
    log: {
      claim(id) {
        const log = logs.get(id) ?? { fence: 0, entries: [] };
        log.fence += 1;
        logs.set(id, log);
        return Promise.resolve(log.fence);
      },
      async append(id, fence, entries) {
        const log = logs.get(id);
        if (log?.fence !== fence) throw staleOwner(id);
        // Copied, as any store would, and all of them before any is kept.
        const copies = entries.map((entry) => copyOf(entry));
        log.entries.push(...copies);
        return log.entries.length;
      },
      read(id, after, limit) {
        const entries = logs.get(id)?.entries.slice(after, after + limit) ?? [];
        return Promise.resolve(
          entries.map((entry, index) => ({ seq: after + index + 1, entry: structuredClone(entry) })),
        );
      },
    },
    records: {
      get: (collection, key) => Promise.resolve(structuredClone(collections.get(collection)?.get(key))),
      async put(collection, key, value) {
        const records = collections.get(collection) ?? new Map<string, Json>();
        collections.set(collection, records.set(key, copyOf(value)));
      },
      delete(collection, key) {
        collections.get(collection)?.delete(key);
        return Promise.resolve();
      },
      list(collection, after, limit) {
        const keys = [...(collections.get(collection)?.keys() ?? [])].filter((key) => key > after).toSorted();
        return Promise.resolve(
          keys
            .slice(0, limit)
            .map((key) => ({ key, value: structuredClone(collections.get(collection)?.get(key) ?? null) })),
        );
      },
    },
    close: () => Promise.resolve(),
  };
}

function staleOwner(id: string): LoophostError {
  return new LoophostError(
    "stale_owner",
    `Session ${id} is owned by somebody else now; this writer may not go on.`,
  );
}

function copyOf(value: Json): Json {
  try {
    return structuredClone(value);
  } catch (cause) {
    throw new LoophostError("store_failed", "What was to be kept is not plain data.", { cause });
  }
}
