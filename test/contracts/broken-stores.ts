// Stores with one fault each, to prove that the store contract notices it; those of ownership are in
// broken-lease-stores.ts.

import { LoophostError } from "../../src/core/errors.ts";
import type { Json } from "../../src/core/json.ts";
import type { Lease, LogStore, RecordStore, Store, StoredEntry } from "../../src/core/store.ts";
import { brokenInboxStores } from "./broken-inbox-stores.ts";
import { brokenLeaseStores } from "./broken-lease-stores.ts";
import type { BrokenStore } from "./broken-store.ts";
import { withLog } from "./broken-store.ts";

const ANYBODY: Lease = { owner: "anybody", ttlMs: 0 };

/** What is wrong with each store, and the store. */
export const brokenStores: Readonly<Record<string, BrokenStore>> = {
  ...brokenLeaseStores,
  ...brokenInboxStores,
  "gives large records all at once": {
    store: (sound) => ({
      ...sound,
      records: {
        ...sound.records,
        async list(collection, after, limit) {
          const all = [];
          for (let page = await sound.records.list(collection, after, limit); page.length > 0;) {
            all.push(...page);
            page = await sound.records.list(collection, all.at(-1)?.key ?? "", limit - all.length);
          }
          return all;
        },
      },
    }),
    noticedBy: "records.list ends a page",
  },
  "gives large entries all at once": {
    store: (sound) =>
      withLog(sound, {
        async read(id, after, limit) {
          const all: StoredEntry[] = [];
          for (let page = await sound.log.read(id, after, limit); page.length > 0;) {
            all.push(...page);
            page = await sound.log.read(id, after + all.length, limit - all.length);
          }
          return all;
        },
      }),
    noticedBy: "log.read ends a page",
  },
  "forgets fencing": {
    store: (sound) => {
      const current = new Map<string, number>();
      return withLog(sound, {
        async claim(id, lease) {
          const fence = await sound.log.claim(id, lease);
          current.set(id, fence);
          return fence;
        },
        append: (id, _fence, entries) => sound.log.append(id, current.get(id) ?? 0, entries),
      });
    },
    noticedBy: "log.append refuses a stale owner",
  },
  "refuses a stale owner with an error of its own": {
    store: (sound) =>
      withLog(sound, {
        append: (...args) => sound.log.append(...args).catch(() => Promise.reject(new Error("conflict"))),
      }),
    noticedBy: "log.append refuses a stale owner",
  },
  "refuses a stale owner after writing": {
    store: (sound) => {
      const owners = new Map<string, number>();
      return withLog(sound, {
        async claim(id, lease) {
          const fence = await sound.log.claim(id, lease);
          owners.set(id, fence);
          return fence;
        },
        async append(id, fence, entries) {
          const last = await sound.log.append(id, owners.get(id) ?? 0, entries);
          if (fence === owners.get(id)) return last;
          throw new LoophostError("stale_owner", "too late");
        },
      });
    },
    noticedBy: "log.append refuses a stale owner",
  },
  "writes as far as it gets": {
    store: (sound) =>
      withLog(sound, {
        async append(id, fence, entries) {
          const bad = entries.findIndex((entry) => !isWritable(entry));
          if (bad < 0) return sound.log.append(id, fence, entries);
          await sound.log.append(id, fence, entries.slice(0, bad));
          throw new LoophostError("store_failed", "that was one too many");
        },
      }),
    noticedBy: "log.append writes all entries or none",
  },
  "writes entries one by one": {
    store: (sound) =>
      withLog(sound, {
        async append(id, fence, entries) {
          let last = 0;
          for (const entry of entries) last = await sound.log.append(id, fence, [entry]);
          return last;
        },
      }),
    noticedBy: "log.append keeps the entries of one call together",
  },
  "answers how many entries it wrote": {
    store: (sound) =>
      withLog(sound, {
        append: (id, fence, entries) => sound.log.append(id, fence, entries).then(() => entries.length),
      }),
    noticedBy: "log.append numbers entries from 1",
  },
  "counts from 0": {
    store: (sound) =>
      withLog(sound, {
        read: async (id, after, limit) =>
          (await sound.log.read(id, after, limit)).map(({ seq, entry }) => ({ seq: seq - 1, entry })),
      }),
    noticedBy: "log.append numbers entries from 1",
  },
  "keeps a log for each owner": {
    store: (sound) =>
      withLog(sound, {
        async append(id, fence, entries) {
          const own = `${id} of ${fence}`;
          return sound.log.append(own, await sound.log.claim(own, ANYBODY), entries);
        },
        read: (id, after, limit) => sound.log.read(`${id} of 1`, after, limit),
      }),
    noticedBy: "log.append goes on where the last owner ended",
  },
  "forgets what goes along": {
    store: (sound) =>
      withLog(sound, { append: (id, fence, entries) => sound.log.append(id, fence, entries) }),
    noticedBy: "log.append writes records along",
  },
  "writes records before it asks whose log it is": {
    store: (sound) =>
      withLog(sound, {
        async append(id, fence, entries, { records = [], release } = {}) {
          for (const { collection, key, value = null } of records)
            await sound.records.put(collection, key, value);
          return sound.log.append(id, fence, entries, { release });
        },
      }),
    noticedBy: "log.append writes records along",
  },
  "writes records after the entries": {
    store: (sound) =>
      withLog(sound, {
        async append(id, fence, entries, { records = [], release } = {}) {
          const last = await sound.log.append(id, fence, entries, { release });
          for (const { collection, key, value = null } of records)
            await sound.records.put(collection, key, value);
          return last;
        },
      }),
    noticedBy: "log.append writes nothing when a record",
  },
  "keeps a log that was let go": {
    store: (sound) =>
      withLog(sound, {
        append: (id, fence, entries, along) =>
          sound.log.append(id, fence, entries, { ...along, release: false }),
      }),
    noticedBy: "log.append releases the log",
  },
  "reorders what it reads": {
    store: (sound) =>
      withLog(sound, { read: async (...args) => (await sound.log.read(...args)).toReversed() }),
    noticedBy: "log.read gives what comes after a number",
  },
  "reads from the given number on": {
    store: (sound) =>
      withLog(sound, { read: (id, after, limit) => sound.log.read(id, Math.max(0, after - 1), limit) }),
    noticedBy: "log.read gives what comes after a number",
  },
  "reads all there is": {
    store: (sound) => withLog(sound, { read: (id, after) => sound.log.read(id, after, 1_000) }),
    noticedBy: "log.read gives what comes after a number",
  },
  "deletes from the index alone": {
    store: (sound) => withLog(sound, { delete: (id, fence) => sound.log.release(id, fence) }),
    noticedBy: "log.delete forgets a log",
  },
  "deletes for whoever asks": {
    store: (sound) =>
      withLog(sound, { delete: async (id) => sound.log.delete(id, await sound.log.claim(id, ANYBODY)) }),
    noticedBy: "log.delete refuses a stale owner",
  },
  "is shy of unknown logs": {
    store: (sound) =>
      withLog(sound, {
        async read(id, ...range) {
          const entries = await sound.log.read(id, ...range);
          if (entries.length === 0 && range[0] === 0) throw new Error(`no such log: ${id}`);
          return entries;
        },
      }),
    noticedBy: "log.read gives nothing of a log nobody wrote to",
  },
  "takes ids for file names": {
    store: (sound) =>
      withLog(sound, {
        claim: (id, lease) => sound.log.claim(toFileName(id), lease),
        append: (id, ...args) => sound.log.append(toFileName(id), ...args),
        read: (id, ...args) => sound.log.read(toFileName(id), ...args),
      }),
    noticedBy: "logs are kept apart",
  },
  "stores text as bytes of Latin": {
    store: (sound) =>
      withLog(sound, {
        append: (id, fence, entries) => sound.log.append(id, fence, latin(entries)),
      }),
    noticedBy: "log entries come back as they were written",
  },
  "keeps and gives out live log entries": {
    store: (sound) => withLog(sound, liveLog()),
    noticedBy: "log entries do not change",
  },
  "takes null for nothing": {
    store: (sound) =>
      withRecords(sound, { get: async (...at) => (await sound.records.get(...at)) ?? undefined }),
    noticedBy: "records.get gives what was put last",
  },
  "keeps what was put first": {
    store: (sound) =>
      withRecords(sound, {
        async put(collection, key, value) {
          if ((await sound.records.get(collection, key)) === undefined)
            await sound.records.put(collection, key, value);
        },
      }),
    noticedBy: "records.get gives what was put last",
  },
  "misses what it is to delete": {
    store: (sound) =>
      withRecords(sound, {
        async delete(collection, key) {
          if ((await sound.records.get(collection, key)) === undefined) throw new Error("no such record");
          await sound.records.delete(collection, key);
        },
      }),
    noticedBy: "records.delete deletes, and deletes again",
  },
  "deletes a whole collection": {
    store: (sound) =>
      withRecords(sound, {
        async delete(collection) {
          for (const { key } of await sound.records.list(collection, "", 100))
            await sound.records.delete(collection, key);
        },
      }),
    noticedBy: "records.delete deletes, and deletes again",
  },
  "sorts keys as people do": {
    store: (sound) =>
      withRecords(sound, {
        list: async (collection, after, limit) =>
          (await sound.records.list(collection, "", 1_000))
            .filter(({ key }) => key > after)
            .toSorted((a, b) => a.key.localeCompare(b.key, "en", { numeric: true }))
            .slice(0, limit),
      }),
    noticedBy: "records.list gives what comes after a key",
  },
  "lists all there is": {
    store: (sound) => withRecords(sound, { list: (in_, after) => sound.records.list(in_, after, 1_000) }),
    noticedBy: "records.list gives what comes after a key",
  },
  "keeps one collection": {
    store: (sound) =>
      withRecords(sound, {
        get: (_, key) => sound.records.get("all", key),
        put: (_, key, value) => sound.records.put("all", key, value),
      }),
    noticedBy: "records are kept apart",
  },
  "gives out live records": {
    store: (sound) => {
      const values = new Map<string, Json>();
      return withRecords(sound, {
        get: (_, key) => Promise.resolve(values.get(key)),
        put: (_, key, value) => Promise.resolve(void values.set(key, structuredClone(value))),
      });
    },
    noticedBy: "records come back as they were put",
  },
  "forgets all when it is closed": {
    store: (sound) => {
      let closed = false;
      return {
        ...withLog(sound, { read: async (...args) => (closed ? [] : sound.log.read(...args)) }),
        close: () => Promise.resolve(void (closed = true)),
      };
    },
    noticedBy: "close lets go of the store",
  },
};

function withRecords(sound: Store, changes: Partial<RecordStore>): Store {
  return { ...sound, records: { ...sound.records, ...changes } };
}

/** A log without fences that keeps and gives out the objects it was given. */
function liveLog(): LogStore {
  const entries: Json[] = [];
  return {
    claim: () => Promise.resolve(1),
    renew: () => Promise.resolve(),
    release: () => Promise.resolve(),
    append: (_id, _fence, added) => Promise.resolve(entries.push(...added)),
    delete: () => Promise.resolve(void entries.splice(0)),
    read: (_id, after) =>
      Promise.resolve(entries.map((entry, index) => ({ seq: index + 1, entry })).slice(after)),
  };
}

function toFileName(id: string): string {
  return id.toLowerCase().replaceAll(/\W/g, "_");
}

function latin(entries: readonly Json[]): Json[] {
  return JSON.parse(JSON.stringify(entries).replaceAll(/[\u0100-\uffff]/g, "?")) as Json[];
}

function isWritable(entry: Json): boolean {
  try {
    JSON.stringify(entry);
    return true;
  } catch {
    return false;
  }
}
