/** The cases of the store contract about inboxes. */

import type { Json } from "../../core/json.ts";
import type { Store } from "../../core/store.ts";
import type { StoreCase } from "./case.ts";
import { equal, rejects } from "./case.ts";
import {
  ANYBODY,
  LARGE,
  LONGEST,
  refuseLarge,
  TRYING_NAMES,
  TRYING_VALUES,
  UNFIT_NAMES,
  unwritable,
} from "./samples.ts";

const LIMIT = 1_000;
const RESERVE = 100;

/** What every store has to do with inboxes. */
export const inboxCases: readonly StoreCase[] = [
  {
    name: "inbox.post keeps items in the order they were posted, whoever posts and whoever owns the log",
    async check(open) {
      const [one, other] = [await open(), await open()];
      await one.log.claim("s", { owner: "a worker", ttlMs: 60_000 });
      const first = await other.inbox.post("s", { key: "b", body: { say: 1 } });
      const second = await one.inbox.post("s", { key: "a", body: { say: 2 } });
      equal([first.isNew, second.isNew, second.n > first.n], [true, true, true], "the numbers do not rise");
      const items = [
        { n: first.n, key: "b", body: { say: 1 } },
        { n: second.n, key: "a", body: { say: 2 } },
      ];
      equal(await other.inbox.read("s", 10), items, "the inbox is not what was posted");
      equal(await one.inbox.read("s", 1), items.slice(0, 1), "the limit is not kept");
      equal(await one.inbox.read("s", 10, first.n), items.slice(1), "what comes after an item is wrong");
      equal(await one.inbox.read("s", 10, second.n), [], "something comes after the last item");
      equal(await one.inbox.read("another", 10), [], "an inbox nobody posted to is not empty");
    },
  },
  {
    name: "inbox.post under a key that was posted before changes nothing, taken or not",
    async check(open) {
      const [one, other] = [await open(), await open()];
      const posts = [one, other, one].map(({ inbox }) => inbox.post("s", { key: "k", body: "first" }));
      const receipts = await Promise.all(posts);
      equal(receipts.filter(({ isNew }) => isNew).length, 1, "one key was posted several times");
      const n = receipts[0]?.n ?? 0;
      equal(
        await other.inbox.post("s", { key: "k", body: "second" }),
        { n, isNew: false },
        "a key was posted again",
      );
      equal(
        await one.inbox.read("s", 10),
        [{ n, key: "k", body: "first" }],
        "an item was replaced or repeated",
      );
      await take(one, "s", [n]);
      equal(
        await one.inbox.post("s", { key: "k", body: "third" }),
        { n, isNew: false },
        "a taken key was posted again",
      );
      equal(await one.inbox.read("s", 10), [], "an item that was taken came back");
      equal(
        (await one.inbox.post("other", { key: "k", body: 1 })).isNew,
        true,
        "keys are not of their session",
      );
    },
  },
  {
    name: "inbox items are taken along with the entries they led to",
    async check(open) {
      const [{ log, inbox }, reader] = [await open(), await open()];
      const numbers = [];
      for (const key of ["a", "b", "c"]) numbers.push((await inbox.post("s", { key, body: key })).n);
      const [a = 0, b = 0, c = 0] = numbers;
      const fence = await log.claim("s", ANYBODY);
      await log.append("s", fence, ["did b"], { takes: [b] });
      equal(left(await reader.inbox.read("s", 10)), ["a", "c"], "the wrong item was taken");
      await log.append("s", fence, ["did a and b"], { takes: [a, b, 12_345] });
      equal(left(await reader.inbox.read("s", 10)), ["c"], "taking what was taken does harm");
      await inbox.post("other", { key: "mine", body: 1 });
      await log.append("s", fence, [], { takes: [c] });
      equal(await reader.inbox.read("s", 10), [], "an item cannot be taken without an entry");
      equal(left(await reader.inbox.read("other", 10)), ["mine"], "an item of another session was taken");
    },
  },
  {
    name: "inbox items are not taken by an append that is refused or fails",
    async check(open) {
      const { log, inbox } = await open();
      const { n } = await inbox.post("s", { key: "k", body: 1 });
      const stale = await log.claim("s", ANYBODY);
      const fence = await log.claim("s", ANYBODY);
      await rejects(() => log.append("s", stale, ["late"], { takes: [n] }), "stale_owner");
      await rejects(() => log.append("s", fence, [unwritable()], { takes: [n] }), "store_failed");
      equal(left(await inbox.read("s", 10)), ["k"], "an item is gone, and what it led to is not there");
    },
  },
  {
    name: "inbox.waiting lists the sessions with items that are not taken, by id",
    async check(open) {
      const [store, other] = [await open(), await open()];
      for (const id of ["c", "B", "a", "b"]) {
        await store.inbox.post(id, { key: "1", body: 1 });
        await store.inbox.post(id, { key: "2", body: 2 });
      }
      const items = await store.inbox.read("b", 10);
      await take(
        store,
        "b",
        items.map(({ n }) => n),
      );
      equal(await other.inbox.waiting("", 10), ["B", "a", "c"], "the sessions that wait are wrong");
      equal(await other.inbox.waiting("", 2), ["B", "a"], "the first page is wrong");
      equal(await other.inbox.waiting("a", 2), ["c"], "the page after a is wrong");
    },
  },
  {
    name: "inbox.post refuses what is too much for one session, as the room of each item says, and takes more once there is room",
    async check(open) {
      const { log, inbox } = await open();
      const posts = Array.from({ length: LIMIT }, (_, index) =>
        inbox.post("s", { key: String(index), body: index }),
      );
      const first = (await Promise.all(posts)).map(({ n }) => n);
      await rejects(() => inbox.post("s", { key: "more", body: 1 }), "inbox_full");
      equal((await inbox.post("s", { key: "1", body: 1 })).isNew, false, "a known key found no room");
      for (let n = 0; n < RESERVE; n += 1)
        await inbox.post("s", { key: `r${n}`, body: n, room: LIMIT + RESERVE });
      await rejects(() => inbox.post("s", { key: "r", body: 1, room: LIMIT + RESERVE }), "inbox_full");
      equal((await inbox.post("s", { key: "r0", body: 0, room: 0 })).isNew, false, "no room hid a known key");
      await rejects(() => inbox.post("another", { key: "r0", body: 0, room: 0 }), "inbox_full");
      equal(await inbox.read("another", 1), [], "what was only looked up was posted");
      equal((await inbox.post("other", { key: "more", body: 1 })).isNew, true, "one inbox filled another");
      await log.append("s", await log.claim("s", ANYBODY), ["a"], { takes: first.slice(0, RESERVE + 1) });
      equal(
        (await inbox.post("s", { key: "more", body: 1 })).isNew,
        true,
        "there is no room after an item was taken",
      );
    },
  },
  {
    name: "inbox items come back as they were posted, whatever session, key and body are",
    async check(open) {
      const { inbox } = await open();
      for (const name of TRYING_NAMES)
        for (const [index, body] of TRYING_VALUES.entries())
          await inbox.post(name, { key: `${TRYING_NAMES[index] ?? ""} ${index}`, body });
      for (const name of TRYING_NAMES) {
        const found = await inbox.read(name, 100);
        equal(
          found.map(({ body }) => body),
          TRYING_VALUES,
          "an item came back changed",
        );
      }
      await rejects(() => inbox.post("s", { key: "k", body: unwritable() }), "store_failed");
    },
  },
  {
    name: "inbox.read ends a page of large items after some megabytes, and gives all of them page by page",
    async check(open) {
      const { inbox } = await open();
      const keys = ["a", "b", "c", "d", "e", "f"];
      for (const key of keys) await inbox.post("s", { key, body: LARGE });
      const seen: string[] = [];
      for (let page = await inbox.read("s", 100); page.length > 0;) {
        refuseLarge(page.length);
        seen.push(...left(page));
        page = await inbox.read("s", 100, page.at(-1)?.n);
      }
      equal(seen, keys, "not every item was given");
    },
  },
  {
    name: "ids and keys that some store cannot keep are refused by every store",
    async check(open) {
      const { log, inbox } = await open();
      for (const name of UNFIT_NAMES) {
        await rejects(() => log.claim(name, ANYBODY), "invalid_options");
        await rejects(() => inbox.post(name, { key: "k", body: 1 }), "invalid_options");
        await rejects(() => inbox.post("s", { key: name, body: 1 }), "invalid_options");
      }
      equal(await inbox.waiting("", 10), [], "what was refused is there");
      const longest = "x".repeat(LONGEST);
      equal(await log.append(longest, await log.claim(longest, ANYBODY), ["a"]), 1, "a long id is refused");
      equal((await inbox.post(longest, { key: longest, body: 1 })).isNew, true, "a long key is refused");
    },
  },
  {
    name: "log.delete empties the inbox, whose keys may then be posted anew",
    async check(open) {
      const [{ log, inbox }, reader] = [await open(), await open()];
      await inbox.post("s", { key: "k", body: 1 });
      await inbox.post("other", { key: "k", body: 1 });
      await log.delete("s", await log.claim("s", ANYBODY));
      equal(await reader.inbox.waiting("", 10), ["other"], "the inbox of a deleted session is not empty");
      equal((await inbox.post("s", { key: "k", body: 2 })).isNew, true, "a key outlived its session");
    },
  },
];

async function take({ log }: Store, id: string, takes: readonly number[]): Promise<void> {
  await log.append(id, await log.claim(id, ANYBODY), ["took"], { takes });
}

function left(items: readonly { readonly key: string; readonly body: Json }[]): readonly string[] {
  return items.map(({ key }) => key);
}
