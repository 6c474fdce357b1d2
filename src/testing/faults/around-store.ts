/** A store whose every call goes through a function of the caller's: to count calls, to hold them up, or to break them. */

import type { Store } from "../../core/store.ts";

/** A call to a store, by name. */
export type StoreCall =
  | "log.claim"
  | "log.renew"
  | "log.release"
  | "log.append"
  | "log.delete"
  | "log.read"
  | "records.get"
  | "records.put"
  | "records.delete"
  | "records.list"
  | "inbox.post"
  | "inbox.read"
  | "inbox.waiting";

/**
 * Puts a function around each call of a store.
 *
 * @param around gets the name of the call, the call itself, and its first argument: the session or collection it is about
 *   (`inbox.waiting`: the id after which it looks); decides whether and when it is made
 */
export function aroundStore(
  { log, records, inbox, callTimeoutMs }: Store,
  around: <T>(call: StoreCall, work: () => Promise<T>, about: string) => Promise<T>,
): Omit<Store, "close"> {
  const through =
    <Args extends readonly [string, ...unknown[]], T>(call: StoreCall, work: (...args: Args) => Promise<T>) =>
    (...args: Args): Promise<T> =>
      around(call, () => work(...args), args[0]);
  return {
    log: {
      claim: through("log.claim", (id, lease) => log.claim(id, lease)),
      renew: through("log.renew", (id, fence, ttlMs) => log.renew(id, fence, ttlMs)),
      release: through("log.release", (id, fence) => log.release(id, fence)),
      append: through("log.append", (id, fence, entries, along) => log.append(id, fence, entries, along)),
      delete: through("log.delete", (id, fence) => log.delete(id, fence)),
      read: through("log.read", (id, after, limit) => log.read(id, after, limit)),
    },
    records: {
      get: through("records.get", (collection, key) => records.get(collection, key)),
      put: through("records.put", (collection, key, value) => records.put(collection, key, value)),
      delete: through("records.delete", (collection, key) => records.delete(collection, key)),
      list: through("records.list", (collection, after, limit) => records.list(collection, after, limit)),
    },
    inbox: {
      post: through("inbox.post", (id, item) => inbox.post(id, item)),
      read: through("inbox.read", (id, limit, after) => inbox.read(id, limit, after)),
      waiting: through("inbox.waiting", (after, limit) => inbox.waiting(after, limit)),
    },
    callTimeoutMs,
  };
}
