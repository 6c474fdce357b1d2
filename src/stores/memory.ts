/** The store in memory: the first implementation of the port, and the reference for the others. Gone with the process. */

import { checkOptions, FUNCTION } from "../core/check-options.ts";
import type { Json } from "../core/json.ts";
import type { InboxItem, Store } from "../core/store.ts";
import { inboxFull, MAX_WAITING_ITEMS } from "./inbox.ts";
import { fromText, toText } from "./json.ts";
import type { HeldLease } from "./leases.ts";
import { sessionOwned, staleOwner } from "./leases.ts";

/** How a store in memory is made. */
export interface MemoryStoreOptions {
  /** Milliseconds since 1970, for leases. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

interface Log {
  /** The highest fencing token given; it only grows, so that an owner that lost the log never has it back. */
  fence: number;
  lease: HeldLease;
  readonly entries: Json[];
}

/** The inbox of one session: every key ever posted, and what is not taken. */
interface Inbox {
  readonly numbers: Map<string, number>;
  readonly waiting: Map<number, InboxItem>;
}

const NOBODYS: HeldLease = { owner: "nobody", until: 0 };

/**
 * Makes a store in memory.
 *
 * @throws LoophostError `invalid_options` for an option there is not, or that cannot be used
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  checkOptions<MemoryStoreOptions>("memoryStore()", options, { now: FUNCTION });
  const { now = Date.now } = options;
  const logs = new Map<string, Log>();
  const collections = new Map<string, Map<string, Json>>();
  const inboxes = new Map<string, Inbox>();

  function ownLog(id: string, fence: number): Log {
    const log = logs.get(id);
    if (log?.fence !== fence) throw staleOwner(id);
    return log;
  }

  function letGo(log: Log): void {
    log.fence += 1;
    log.lease = NOBODYS;
  }

  function put(collection: string, key: string, value: Json): void {
    const records = collections.get(collection) ?? new Map<string, Json>();
    collections.set(collection, records.set(key, value));
  }

  return {
    log: {
      async claim(id, { owner, ttlMs, force = false }) {
        const log = logs.get(id) ?? { fence: 0, lease: NOBODYS, entries: [] };
        if (!force && now() < log.lease.until) throw sessionOwned(id, log.lease);
        log.fence += 1;
        log.lease = { owner, until: now() + ttlMs };
        logs.set(id, log);
        return log.fence;
      },
      async renew(id, fence, ttlMs) {
        const log = ownLog(id, fence);
        log.lease = { ...log.lease, until: now() + ttlMs };
      },
      async release(id, fence) {
        const log = logs.get(id);
        if (log?.fence === fence) letGo(log);
      },
      async delete(id, fence) {
        const log = ownLog(id, fence);
        log.entries.length = 0;
        inboxes.delete(id);
        letGo(log);
      },
      async append(id, fence, entries, along = {}) {
        const log = ownLog(id, fence);
        // Copied, as by any store, and all before the first is kept: a value that cannot be copied must not leave half
        // an append.
        const copies = entries.map((entry) => copyOf(entry));
        const writes = (along.records ?? []).map(({ value, ...place }) => ({
          ...place,
          value: value === undefined ? undefined : copyOf(value),
        }));
        for (const copy of copies) log.entries.push(copy);
        for (const { collection, key, value } of writes)
          if (value === undefined) collections.get(collection)?.delete(key);
          else put(collection, key, value);
        for (const n of along.takes ?? []) inboxes.get(id)?.waiting.delete(n);
        if (along.release === true) letGo(log);
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
        put(collection, key, copyOf(value));
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
    inbox: {
      async post(id, { key, body }) {
        const inbox = inboxes.get(id) ?? { numbers: new Map(), waiting: new Map() };
        const before = inbox.numbers.get(key);
        if (before !== undefined) return { n: before, isNew: false };
        if (inbox.waiting.size >= MAX_WAITING_ITEMS) throw inboxFull(id);
        const n = inbox.numbers.size + 1;
        inbox.waiting.set(n, { n, key, body: copyOf(body) });
        inbox.numbers.set(key, n);
        inboxes.set(id, inbox);
        return { n, isNew: true };
      },
      read(id, limit) {
        const waiting = [...(inboxes.get(id)?.waiting.values() ?? [])];
        return Promise.resolve(structuredClone(waiting.slice(0, limit)));
      },
      waiting(after, limit) {
        const ids = [...inboxes].flatMap(([id, { waiting }]) => (waiting.size > 0 && id > after ? [id] : []));
        return Promise.resolve(ids.toSorted().slice(0, limit));
      },
    },
    close: () => Promise.resolve(),
  };
}

/** As any store would, as JSON: what that cannot say is refused or left out now, not found out with another store. */
function copyOf(value: Json): Json {
  return fromText(toText(value));
}
