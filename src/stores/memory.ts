/** The store in memory: the first implementation of the port, and the reference for the others. Gone with the process. */

import { checkOptions, FUNCTION } from "../core/check-options.ts";
import type { Store } from "../core/store.ts";
import { inboxFull, roomFor } from "./inbox.ts";
import { fromText, toText } from "./json.ts";
import type { HeldLease } from "./leases.ts";
import { sessionOwned, staleOwner } from "./leases.ts";
import { ID, keepable, KEY } from "./names.ts";
import { pageOf } from "./page.ts";

/** How a store in memory is made. */
export interface MemoryStoreOptions {
  /** Milliseconds since 1970, for leases. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

interface Log {
  /** The highest fencing token given; it only grows, so that an owner that lost the log never has it back. */
  fence: number;
  lease: HeldLease;
  readonly entries: string[];
}

/** The inbox of one session: every key ever posted, and what is not taken. */
interface Inbox {
  readonly numbers: Map<string, number>;
  readonly waiting: Map<number, WaitingItem>;
}

interface WaitingItem {
  readonly n: number;
  readonly key: string;
  readonly text: string;
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
  const collections = new Map<string, Map<string, string>>();
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

  function put(collection: string, key: string, text: string): void {
    const records = collections.get(collection) ?? new Map<string, string>();
    collections.set(collection, records.set(key, text));
  }

  return {
    log: {
      async claim(id, { owner, ttlMs, force = false }) {
        keepable(id, ID);
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
        // All of them as text before any is kept.
        const texts = entries.map(toText);
        const writes = (along.records ?? []).map(({ value, ...place }) => ({
          ...place,
          text: value === undefined ? undefined : toText(value),
        }));
        for (const text of texts) log.entries.push(text);
        for (const { collection, key, text } of writes)
          if (text === undefined) collections.get(collection)?.delete(key);
          else put(collection, key, text);
        for (const n of along.takes ?? []) inboxes.get(id)?.waiting.delete(n);
        if (along.release === true) letGo(log);
        return log.entries.length;
      },
      async read(id, after, limit) {
        const texts = logs.get(id)?.entries.slice(after, after + limit) ?? [];
        const page = pageOf(texts, limit, (text) => text);
        return page.map((text, index) => ({ seq: after + index + 1, entry: fromText(text) }));
      },
    },
    records: {
      async get(collection, key) {
        const text = collections.get(collection)?.get(key);
        return text === undefined ? undefined : fromText(text);
      },
      async put(collection, key, value) {
        put(collection, key, toText(value));
      },
      delete(collection, key) {
        collections.get(collection)?.delete(key);
        return Promise.resolve();
      },
      async list(collection, after, limit) {
        const records = [...(collections.get(collection) ?? [])].filter(([key]) => key > after);
        const page = pageOf(records.toSorted(byKey), limit, ([, text]) => text);
        return page.map(([key, text]) => ({ key, value: fromText(text) }));
      },
    },
    inbox: {
      async post(id, item) {
        const { key, body } = item;
        keepable(id, ID);
        keepable(key, KEY);
        const inbox = inboxes.get(id) ?? { numbers: new Map(), waiting: new Map() };
        const before = inbox.numbers.get(key);
        if (before !== undefined) return { n: before, isNew: false };
        if (inbox.waiting.size >= roomFor(item)) throw inboxFull(id);
        const n = inbox.numbers.size + 1;
        inbox.waiting.set(n, { n, key, text: toText(body) });
        inbox.numbers.set(key, n);
        inboxes.set(id, inbox);
        return { n, isNew: true };
      },
      async read(id, limit, after = 0) {
        const waiting = [...(inboxes.get(id)?.waiting.values() ?? [])].filter(({ n }) => n > after);
        const page = pageOf(waiting, limit, ({ text }) => text);
        return page.map(({ n, key, text }) => ({ n, key, body: fromText(text) }));
      },
      waiting(after, limit) {
        const ids = [...inboxes].flatMap(([id, { waiting }]) => (waiting.size > 0 && id > after ? [id] : []));
        return Promise.resolve(ids.toSorted().slice(0, limit));
      },
    },
    close: () => Promise.resolve(),
  };
}

function byKey([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1;
}
