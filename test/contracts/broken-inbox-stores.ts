// Stores that get inboxes wrong in one way each.

import { LoophostError } from "../../src/core/errors.ts";
import type { InboxItem, InboxStore, Store } from "../../src/core/store.ts";
import type { BrokenStore } from "./broken-store.ts";
import { withLog } from "./broken-store.ts";

/** What is wrong with each store, and the store. */
export const brokenInboxStores: Readonly<Record<string, BrokenStore>> = {
  "reads the last item first": {
    store: (sound) =>
      withInbox(sound, { read: async (...args) => (await sound.inbox.read(...args)).toReversed() }),
    noticedBy: "inbox.post keeps items in the order",
  },
  "reads from the first item again": {
    store: (sound) => withInbox(sound, { read: (id, limit) => sound.inbox.read(id, limit) }),
    noticedBy: "inbox.post keeps items in the order",
  },
  "has the same room for all": {
    store: (sound) => withInbox(sound, { post: (id, { key, body }) => sound.inbox.post(id, { key, body }) }),
    noticedBy: "inbox.post refuses what is too much",
  },
  "posts a key again once it was taken": {
    store(sound) {
      let posts = 0;
      return withInbox(sound, {
        async post(id, item) {
          const receipt = await sound.inbox.post(id, item);
          const isWaiting = (await sound.inbox.read(id, 1_000)).some(({ n }) => n === receipt.n);
          posts += 1;
          return isWaiting ? receipt : sound.inbox.post(id, { ...item, key: `${item.key}#${posts}` });
        },
      });
    },
    noticedBy: "inbox.post under a key that was posted before",
  },
  "takes nothing": {
    store: (sound) =>
      withLog(sound, {
        append: (id, fence, entries, along) => sound.log.append(id, fence, entries, { ...along, takes: [] }),
      }),
    noticedBy: "inbox items are taken along",
  },
  "takes before it looks who asks": {
    store(sound) {
      const forced = async (id: string, takes: readonly number[]) => {
        const fence = await sound.log.claim(id, { owner: "a thief", ttlMs: 0, force: true });
        await sound.log.append(id, fence, [], { takes });
      };
      return withLog(sound, {
        append: (id, fence, entries, along) =>
          sound.log.append(id, fence, entries, along).catch(async (thrown: unknown) => {
            await forced(id, along?.takes ?? []);
            throw thrown;
          }),
      });
    },
    noticedBy: "inbox items are not taken by an append that is refused",
  },
  "lists every session that ever had an item": {
    store(sound) {
      const ids = new Set<string>();
      return withInbox(sound, {
        post(id, item) {
          ids.add(id);
          return sound.inbox.post(id, item);
        },
        waiting: (after, limit) =>
          Promise.resolve(
            [...ids]
              .filter((id) => id > after)
              .toSorted()
              .slice(0, limit),
          ),
      });
    },
    noticedBy: "inbox.waiting lists the sessions",
  },
  "counts all inboxes as one": {
    store(sound) {
      let posted = 0;
      return withInbox(sound, {
        async post(id, item) {
          if (posted >= 1_000) throw new LoophostError("inbox_full", "there is too much");
          const receipt = await sound.inbox.post(id, item);
          if (receipt.isNew) posted += 1;
          return receipt;
        },
      });
    },
    noticedBy: "inbox.post refuses what is too much",
  },
  "trims what is posted": {
    store: (sound) =>
      withInbox(sound, {
        post: (id, { key, body }) =>
          sound.inbox.post(id, { key, body: typeof body === "string" ? body.trim() : body }),
      }),
    noticedBy: "inbox items come back as they were posted",
  },
  "gives large items all at once": {
    store: (sound) =>
      withInbox(sound, {
        async read(id, limit, after) {
          const all: InboxItem[] = [];
          for (let page = await sound.inbox.read(id, limit, after); page.length > 0;) {
            all.push(...page);
            page = await sound.inbox.read(id, limit - all.length, all.at(-1)?.n);
          }
          return all;
        },
      }),
    noticedBy: "inbox.read ends a page",
  },
  "cuts names that are too long": {
    store: (sound) =>
      withInbox(sound, {
        post: (id, item) => sound.inbox.post(id, { ...item, key: item.key.slice(0, 1_200) }),
      }),
    noticedBy: "ids and keys that some store cannot keep",
  },
  "remembers the keys of the dead": {
    store(sound) {
      const seen = new Set<string>();
      return withInbox(sound, {
        async post(id, item) {
          const receipt = await sound.inbox.post(id, item);
          const isNew = receipt.isNew && !seen.has(`${id}/${item.key}`);
          seen.add(`${id}/${item.key}`);
          return { ...receipt, isNew };
        },
      });
    },
    noticedBy: "log.delete empties the inbox",
  },
};

/** A store with another inbox. */
function withInbox(sound: Store, changes: Partial<InboxStore>): Store {
  return { ...sound, inbox: { ...sound.inbox, ...changes } };
}
