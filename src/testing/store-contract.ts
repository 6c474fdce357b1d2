/**
 * The contract of the Store port, as cases any test runner can run: `src/core/store.ts` says it, this proves it.
 *
 * A case is given `open`, which opens one and the same place, empty at first, as often as the case asks: two stores
 * opened there are two owners, and what one wrote the next one finds. The cases know nothing of each other.
 */

import { LoophostError, messageOf } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import { isObject } from "../core/json.ts";
import type { Store, StoredEntry } from "../core/store.ts";

/** Opens a store at the place a case is given. Who provides it closes what is left open. */
export type OpenStore = () => Promise<Store>;

/** One thing every store has to do. */
export interface StoreCase {
  readonly name: string;
  /** Resolves when the store keeps its word; rejects with an Error that says how it did not. */
  readonly check: (open: OpenStore) => Promise<void>;
}

/** What every store has to do. */
export const storeContract: readonly StoreCase[] = [
  {
    name: "log.claim gives a higher number each time, to whoever asks",
    async check(open) {
      const [one, other] = [await open(), await open()];
      const fences = [await one.log.claim("s"), await other.log.claim("s"), await one.log.claim("s")];
      equal(
        fences,
        [...new Set(fences)].toSorted((a, b) => a - b),
        "the fencing numbers do not rise",
      );
    },
  },
  {
    name: "log.claim gives different numbers to those who ask at once",
    async check(open) {
      const stores = [await open(), await open()];
      const claims = [...stores, ...stores, ...stores].map(({ log }) => log.claim("s"));
      const fences = await Promise.all(claims);
      equal(new Set(fences).size, fences.length, "two owners have the same fencing number");
    },
  },
  {
    name: "log.append numbers entries from 1 and gives the number of the last",
    async check(open) {
      const { log } = await open();
      const fence = await log.claim("s");
      equal(await log.append("s", fence, ["a"]), 1, "the first entry is not number 1");
      equal(await log.append("s", fence, ["b", "c"]), 3, "append did not give the number of the last entry");
      equal(await log.read("s", 0, 10), numbered(["a", "b", "c"]), "the log differs from what was appended");
    },
  },
  {
    name: "log.append goes on where the last owner ended",
    async check(open) {
      const [first, second] = [await open(), await open()];
      await first.log.append("s", await first.log.claim("s"), ["a", "b"]);
      const last = await second.log.append("s", await second.log.claim("s"), ["c"]);
      equal(last, 3, "the next owner's entry has the wrong number");
      equal(await first.log.read("s", 0, 10), numbered(["a", "b", "c"]), "the owners see different logs");
    },
  },
  {
    name: "log.append refuses a stale owner and writes nothing of his",
    async check(open) {
      const [old, current] = [await open(), await open()];
      const stale = await old.log.claim("s");
      await old.log.append("s", stale, ["a"]);
      const fence = await current.log.claim("s");
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
      const fence = await log.claim("s");
      await rejects(() => log.append("s", fence, ["a", unwritable(), "c"]), "store_failed");
      equal(await log.read("s", 0, 10), [], "part of a failed append is in the log");
      equal(await log.append("s", fence, ["b"]), 1, "a failed append used up numbers, or the log itself");
    },
  },
  {
    name: "log.append keeps the entries of one call together when calls overlap",
    async check(open) {
      const { log } = await open();
      const fence = await log.claim("s");
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
    name: "log.read gives what comes after a number, in order, and no more than asked for",
    async check(open) {
      const { log } = await open();
      const entries = Array.from({ length: 25 }, (_, index) => ({ index }));
      await log.append("s", await log.claim("s"), entries);
      const pages: (readonly StoredEntry[])[] = [];
      // So many pages and no more: a store that is wrong must not keep the kit busy for ever.
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
      await log.claim("claimed");
      equal(await log.read("claimed", 0, 10), [], "a log that was only claimed is not empty");
      equal(await log.read("claimed", 7, 10), [], "a log has entries beyond its end");
    },
  },
  {
    name: "logs are kept apart, whatever their ids",
    async check(open) {
      const { log } = await open();
      const fences = new Map<string, number>();
      for (const id of TRYING_NAMES) fences.set(id, await log.claim(id));
      for (const [id, fence] of fences) await log.append(id, fence, [id]);
      for (const id of TRYING_NAMES)
        equal(await log.read(id, 0, 10), numbered([id]), `the log ${JSON.stringify(id)} is not its own`);
    },
  },
  {
    name: "log entries come back as they were written",
    async check(open) {
      const [{ log }, reader] = [await open(), await open()];
      await log.append("s", await log.claim("s"), TRYING_VALUES);
      equal(await reader.log.read("s", 0, 100), numbered(TRYING_VALUES), "entries came back changed");
    },
  },
  {
    name: "log entries do not change with the objects they were written from or read into",
    async check(open) {
      const { log } = await open();
      const entry = { list: ["a"] };
      await log.append("s", await log.claim("s"), [entry]);
      entry.list.push("written");
      equal(await log.read("s", 0, 1), numbered([{ list: ["a"] }]), "the log holds the writer's object");
      meddle((await log.read("s", 0, 1))[0]?.entry);
      equal(await log.read("s", 0, 1), numbered([{ list: ["a"] }]), "the log gives out its own object");
    },
  },
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
  {
    name: "close lets go of the store and keeps what was written",
    async check(open) {
      const before = await open();
      const fence = await before.log.claim("s");
      await before.log.append("s", fence, ["a"]);
      await before.records.put("c", "k", 1);
      await before.close();
      const after = await open();
      equal(await after.log.read("s", 0, 10), numbered(["a"]), "the log did not outlive close()");
      equal(await after.records.get("c", "k"), 1, "the record did not outlive close()");
      equal((await after.log.claim("s")) > fence, true, "the fencing number did not outlive close()");
    },
  },
];

// --- what is stored

/** Names that need quoting, escaping or care somewhere. */
const TRYING_NAMES: readonly string[] = [
  "plain",
  "Plain",
  "with space",
  "a/b",
  "a",
  "../up",
  "it's",
  '"quoted"',
  "100%_",
  "naïve ☃ 😀",
  "__proto__",
  "constructor",
  "x".repeat(200),
];

/** JSON that gets lost where it is handled as something less. */
const TRYING_VALUES: readonly Json[] = [
  null,
  false,
  0,
  "",
  0.1,
  -1.5e300,
  Number.MAX_SAFE_INTEGER,
  [],
  {},
  [[null, [{}]]],
  { null: null, "": "empty key", "a.b": { c: [1, "1", true] } },
  "line\nend\r\n\ttab \u0000 nul \u2028 ☃ 😀 'quotes' \"quotes\" \\ %s $1",
  JSON.parse('{"__proto__": {"a": 1}, "constructor": 1}'),
  "long ".repeat(200_000),
];

/** A value that breaks whoever copies or writes it. */
function unwritable(): Json {
  return {
    get broken(): Json {
      throw new Error("this value cannot be written");
    },
  };
}

function numbered(entries: readonly Json[]): StoredEntry[] {
  return entries.map((entry, index) => ({ seq: index + 1, entry }));
}

// --- a tiny assert, so that the kit needs no test runner

function equal(actual: unknown, expected: unknown, otherwise: string): void {
  const [found, wanted] = [canonical(actual), canonical(expected)];
  if (found !== wanted) throw new Error(`${otherwise}: expected ${shorten(wanted)}, got ${shorten(found)}`);
}

async function rejects(work: () => Promise<unknown>, code: LoophostError["code"]): Promise<void> {
  let thrown: unknown;
  try {
    await work();
  } catch (error) {
    thrown = error;
  }
  if (thrown instanceof LoophostError && thrown.code === code) return;
  const what = thrown === undefined ? "it succeeded" : `it was rejected: ${messageOf(thrown)}`;
  throw new Error(`expected a LoophostError with the code "${code}", but ${what}`, { cause: thrown });
}

/** Changes what a store gave out: the store must not notice. */
function meddle(value: unknown): void {
  if (isObject(value) && Array.isArray(value["list"])) value["list"].push("read");
}

/** The same text for the same JSON, whatever the order of its keys: a store may keep another. */
function canonical(value: unknown): string {
  const text: string | undefined = JSON.stringify(value, (_, part: unknown) =>
    isObject(part) ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1))) : part,
  );
  return text ?? "undefined";
}

function shorten(text: string): string {
  return text.length <= 300 ? text : `${text.slice(0, 300)}… (${text.length} characters)`;
}
