/** The cases of the store contract about what is in a log. */

import type { Json } from "../../core/json.ts";
import type { StoredEntry } from "../../core/store.ts";
import type { StoreCase } from "./case.ts";
import { equal, meddle, rejects } from "./case.ts";
import { ANYBODY, LARGE, numbered, refuseLarge, TRYING_NAMES, TRYING_VALUES, unwritable } from "./samples.ts";

/** A record that is deleted along with entries. */
const forget = { records: [{ collection: "c", key: "k" }] };

const along = (value: Json) => ({ records: [{ collection: "c", key: "k", value }] });

/** What every store has to do with the entries of a log. */
export const logCases: readonly StoreCase[] = [
  {
    name: "log.append numbers entries from 1 and gives the number of the last",
    async check(open) {
      const { log } = await open();
      const fence = await log.claim("s", ANYBODY);
      equal(await log.append("s", fence, ["a"]), 1, "the first entry is not number 1");
      equal(await log.append("s", fence, ["b", "c"]), 3, "append did not give the number of the last entry");
      equal(await log.read("s", 0, 10), numbered(["a", "b", "c"]), "the log differs from what was appended");
    },
  },
  {
    name: "log.append goes on where the last owner ended",
    async check(open) {
      const [first, second] = [await open(), await open()];
      await first.log.append("s", await first.log.claim("s", ANYBODY), ["a", "b"]);
      const last = await second.log.append("s", await second.log.claim("s", ANYBODY), ["c"]);
      equal(last, 3, "the next owner's entry has the wrong number");
      equal(await first.log.read("s", 0, 10), numbered(["a", "b", "c"]), "the owners see different logs");
    },
  },
  {
    name: "log.append refuses a stale owner and writes nothing of his",
    async check(open) {
      const [old, current] = [await open(), await open()];
      const stale = await old.log.claim("s", ANYBODY);
      await old.log.append("s", stale, ["a"]);
      const fence = await current.log.claim("s", ANYBODY);
      await rejects(() => old.log.append("s", stale, ["late", "later"]), "stale_owner");
      await current.log.append("s", fence, ["b"]);
      await rejects(() => current.log.append("s", stale, ["latest"]), "stale_owner");
      equal(
        await current.log.read("s", 0, 10),
        numbered(["a", "b"]),
        "a stale owner's entries are in the log",
      );
    },
  },
  {
    name: "log.append writes all entries or none",
    async check(open) {
      const { log } = await open();
      const fence = await log.claim("s", ANYBODY);
      await rejects(() => log.append("s", fence, ["a", unwritable(), "c"]), "store_failed");
      equal(await log.read("s", 0, 10), [], "part of a failed append is in the log");
      equal(await log.append("s", fence, ["b"]), 1, "a failed append used up numbers, or the log itself");
    },
  },
  {
    name: "log.append keeps the entries of one call together when calls overlap",
    async check(open) {
      const { log } = await open();
      const fence = await log.claim("s", ANYBODY);
      const batches = Array.from({ length: 10 }, (_, batch) => [0, 1, 2].map((item) => `${batch}.${item}`));
      const lasts = await Promise.all(batches.map((entries) => log.append("s", fence, entries)));
      const all = await log.read("s", 0, 100);
      for (const [batch, last] of lasts.entries()) {
        const written = all.filter(({ seq }) => seq > last - 3 && seq <= last).map(({ entry }) => entry);
        equal(written, batches[batch], "the entries of one append are not where it said");
      }
    },
  },
  {
    name: "log.append writes records along with the entries, and neither for a stale owner",
    async check(open) {
      const [{ log }, reader] = [await open(), await open()];
      const stale = await log.claim("s", ANYBODY);
      equal(await log.append("s", stale, ["a"], along(1)), 1, "append with records numbers entries wrongly");
      equal(await reader.records.get("c", "k"), 1, "the record that went along is not there");
      await log.claim("s", ANYBODY);
      await rejects(() => log.append("s", stale, ["late"], along(2)), "stale_owner");
      equal(await reader.records.get("c", "k"), 1, "a stale owner's record was written");
      await rejects(() => log.append("s", stale, ["late"], forget), "stale_owner");
      equal(await reader.records.get("c", "k"), 1, "a stale owner deleted a record");
      await log.append("s", await log.claim("s", ANYBODY), ["b"], forget);
      equal(await reader.records.get("c", "k"), undefined, "a record without a value was not deleted");
    },
  },
  {
    name: "log.append writes nothing when a record that goes along cannot be written",
    async check(open) {
      const { log, records } = await open();
      const fence = await log.claim("s", ANYBODY);
      const both = ["k", "l"].map((key) => ({
        collection: "c",
        key,
        value: key === "k" ? 1 : unwritable(),
      }));
      await rejects(() => log.append("s", fence, ["a"], { records: both }), "store_failed");
      equal(await log.read("s", 0, 10), [], "entries were written without their record");
      equal(await records.get("c", "k"), undefined, "a record was written without its entries");
    },
  },
  {
    name: "log.append releases the log with its last entries",
    async check(open) {
      const { log } = await open();
      const fence = await log.claim("s", { owner: "the first owner", ttlMs: Infinity });
      await log.append("s", fence, ["a"]);
      await rejects(() => log.claim("s", ANYBODY), "session_owned");
      equal(await log.append("s", fence, ["b"], { release: true }), 2, "the last entry has a wrong number");
      await rejects(() => log.append("s", fence, ["late"]), "stale_owner");
      equal((await log.claim("s", ANYBODY)) > fence, true, "the next fencing number is not higher");
      equal(await log.read("s", 0, 10), numbered(["a", "b"]), "the log differs from what was appended");
    },
  },
  {
    name: "log.read ends a page of large entries after some megabytes, and gives all of them page by page",
    async check(open) {
      const { log } = await open();
      const fence = await log.claim("s", ANYBODY);
      for (let count = 0; count < 6; count += 1) await log.append("s", fence, [LARGE]);
      let last = 0;
      for (let page = await log.read("s", 0, 100); page.length > 0;) {
        refuseLarge(page.length);
        last = page.at(-1)?.seq ?? 0;
        page = await log.read("s", last, 100);
      }
      equal(last, 6, "not every entry was given");
    },
  },
  {
    name: "log.read gives what comes after a number, in order, and no more than asked for",
    async check(open) {
      const { log } = await open();
      const entries = Array.from({ length: 25 }, (_, index) => ({ index }));
      await log.append("s", await log.claim("s", ANYBODY), entries);
      const pages: (readonly StoredEntry[])[] = [];
      // Bounded pages: a broken store must not keep the kit busy for ever.
      for (const after of [0, 10, 20, 25]) pages.push(await log.read("s", after, 10));
      equal(
        pages.map((page) => page.length),
        [10, 10, 5, 0],
        "the pages have the wrong lengths",
      );
      equal(pages.flat(), numbered(entries), "the pages do not make up the log");
    },
  },
  {
    name: "log.read gives nothing of a log nobody wrote to",
    async check(open) {
      const { log } = await open();
      equal(await log.read("unknown", 0, 10), [], "an unknown log is not empty");
      await log.claim("claimed", ANYBODY);
      equal(await log.read("claimed", 0, 10), [], "a log that was only claimed is not empty");
      equal(await log.read("claimed", 7, 10), [], "a log has entries beyond its end");
    },
  },
  {
    name: "log.delete forgets a log, whose id can be used anew",
    async check(open) {
      const [{ log }, other] = [await open(), await open()];
      await other.log.append("t", await other.log.claim("t", ANYBODY), ["kept"]);
      const fence = await log.claim("s", ANYBODY);
      await log.append("s", fence, ["a", "b"]);
      await log.delete("s", fence);
      equal(await other.log.read("s", 0, 10), [], "a deleted log still has entries");
      await rejects(() => log.append("s", fence, ["late"]), "stale_owner");
      const anew = await other.log.claim("s", ANYBODY);
      equal(anew > fence, true, "the fencing numbers of a deleted log began again");
      equal(await other.log.append("s", anew, ["c"]), 1, "a log that was deleted does not begin at 1");
      equal(await log.read("t", 0, 10), numbered(["kept"]), "deleting a log took another one along");
    },
  },
  {
    name: "log.delete refuses a stale owner and deletes nothing",
    async check(open) {
      const { log } = await open();
      const stale = await log.claim("s", ANYBODY);
      await log.append("s", stale, ["a"]);
      await log.claim("s", ANYBODY);
      await rejects(() => log.delete("s", stale), "stale_owner");
      equal(await log.read("s", 0, 10), numbered(["a"]), "a stale owner deleted the log");
    },
  },
  {
    name: "logs are kept apart, whatever their ids",
    async check(open) {
      const { log } = await open();
      const fences = new Map<string, number>();
      for (const id of TRYING_NAMES) fences.set(id, await log.claim(id, ANYBODY));
      for (const [id, fence] of fences) await log.append(id, fence, [id]);
      for (const id of TRYING_NAMES)
        equal(await log.read(id, 0, 10), numbered([id]), `the log ${JSON.stringify(id)} is not its own`);
    },
  },
  {
    name: "log entries come back as they were written",
    async check(open) {
      const [{ log }, reader] = [await open(), await open()];
      await log.append("s", await log.claim("s", ANYBODY), TRYING_VALUES);
      equal(await reader.log.read("s", 0, 100), numbered(TRYING_VALUES), "entries came back changed");
    },
  },
  {
    name: "log entries do not change with the objects they were written from or read into",
    async check(open) {
      const { log } = await open();
      const entry = { list: ["a"] };
      await log.append("s", await log.claim("s", ANYBODY), [entry]);
      entry.list.push("written");
      equal(await log.read("s", 0, 1), numbered([{ list: ["a"] }]), "the log holds the writer's object");
      meddle((await log.read("s", 0, 1))[0]?.entry);
      equal(await log.read("s", 0, 1), numbered([{ list: ["a"] }]), "the log gives out its own object");
    },
  },
];
