/** The cases of the store contract about records. */

import type { StoreCase } from "./case.ts";
import { equal, meddle } from "./case.ts";
import { LARGE, refuseLarge, TRYING_NAMES, TRYING_VALUES } from "./samples.ts";

/** What every store has to do with records. */
export const recordCases: readonly StoreCase[] = [
  {
    name: "records.get gives what was put last, and undefined for what was not",
    async check(open) {
      const [{ records }, reader] = [await open(), await open()];
      equal(await records.get("c", "k"), undefined, "a record nobody put is there");
      await records.put("c", "k", { version: 1 });
      await records.put("c", "k", { version: 2 });
      equal(await reader.records.get("c", "k"), { version: 2 }, "the record is not what was put last");
      await records.put("c", "k", null);
      equal(await reader.records.get("c", "k"), null, "a record that is null is taken for none");
    },
  },
  {
    name: "records.delete deletes, and deletes again",
    async check(open) {
      const { records } = await open();
      await records.put("c", "k", 1);
      await records.put("c", "other", 2);
      await records.delete("c", "k");
      await records.delete("c", "k");
      await records.delete("unknown", "k");
      equal(await records.get("c", "k"), undefined, "a deleted record is still there");
      equal(await records.list("c", "", 10), [{ key: "other", value: 2 }], "the wrong record was deleted");
    },
  },
  {
    name: "records.list gives what comes after a key, in key order, and no more than asked for",
    async check(open) {
      const { records } = await open();
      // Neither by number nor by letter alone: by character code, capitals first, as strings compare.
      const keys = ["10", "9", "B", "C", "a", "a-b", "aa", "b"];
      for (const key of keys.toReversed()) await records.put("c", key, { of: key });
      const all = keys.map((key) => ({ key, value: { of: key } }));
      equal(await records.list("c", "", 100), all, "the records are not in key order");
      equal(await records.list("c", "", 3), all.slice(0, 3), "the first page is wrong");
      equal(await records.list("c", "B", 3), all.slice(3, 6), "the page after B is wrong");
      equal(await records.list("c", "B-", 100), all.slice(3), "a page cannot start between two keys");
      equal(await records.list("c", "b", 3), [], "there are records after the last");
      equal(await records.list("unknown", "", 3), [], "an unknown collection has records");
    },
  },
  {
    name: "records.list ends a page of large records after some megabytes, and gives all of them page by page",
    async check(open) {
      const { records } = await open();
      const keys = ["a", "b", "c", "d", "e", "f"];
      for (const key of keys) await records.put("c", key, LARGE);
      const seen: string[] = [];
      for (let page = await records.list("c", "", 100); page.length > 0;) {
        refuseLarge(page.length);
        seen.push(...page.map(({ key }) => key));
        page = await records.list("c", seen.at(-1) ?? "", 100);
      }
      equal(seen, keys, "not every record was given");
    },
  },
  {
    name: "records are kept apart by collection and key, whatever these are",
    async check(open) {
      const { records } = await open();
      const places = TRYING_NAMES.flatMap((collection) => TRYING_NAMES.map((key) => ({ collection, key })));
      for (const { collection, key } of places) await records.put(collection, key, [collection, key]);
      for (const { collection, key } of places)
        equal(await records.get(collection, key), [collection, key], "a record was put in another's place");
      for (const collection of TRYING_NAMES) {
        const listed = await records.list(collection, "", 100);
        equal(
          listed.map(({ key }) => key).toSorted(),
          TRYING_NAMES.toSorted(),
          "a collection's keys are wrong",
        );
      }
    },
  },
  {
    name: "records come back as they were put, and do not change with the objects around them",
    async check(open) {
      const { records } = await open();
      for (const [index, value] of TRYING_VALUES.entries()) await records.put("values", String(index), value);
      for (const [index, value] of TRYING_VALUES.entries())
        equal(await records.get("values", String(index)), value, "a record came back changed");
      const value = { list: ["a"] };
      await records.put("c", "k", value);
      value.list.push("written");
      equal(await records.get("c", "k"), { list: ["a"] }, "the store holds the writer's object");
      meddle(await records.get("c", "k"));
      meddle((await records.list("c", "", 1))[0]?.value);
      equal(await records.get("c", "k"), { list: ["a"] }, "the store gives out its own object");
    },
  },
];
