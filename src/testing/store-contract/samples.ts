/** What the cases of the store contract store: names, values and claims that are hard on a store. */

import type { Json } from "../../core/json.ts";
import type { Lease, StoredEntry } from "../../core/store.ts";

/** A claim that stands in nobody's way: the next one may follow at once. */
export const ANYBODY: Lease = { owner: "anybody", ttlMs: 0 };

/** Names that need quoting, escaping or care somewhere. */
export const TRYING_NAMES: readonly string[] = [
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

/** Bytes of an id or key, at most. */
export const LONGEST: number = 1_200;

/** Names that some store cannot keep, or would keep as another one. */
export const UNFIT_NAMES: readonly string[] = ["a\0b", "half \ud83d", "x".repeat(LONGEST + 1)];

/** JSON that gets lost where it is handled as something less. */
export const TRYING_VALUES: readonly Json[] = [
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
export function unwritable(): Json {
  return {
    get broken(): Json {
      throw new Error("this value cannot be written");
    },
  };
}

/** Entries as `read` gives them, from the first on. */
export function numbered(entries: readonly Json[]): StoredEntry[] {
  return entries.map((entry, index) => ({ seq: index + 1, entry }));
}

/** So large that a few of them are a page. */
export const LARGE: Json = { text: "x".repeat(1_000_000) };

/** Rejects a page of more than 4 MB: read at once, large things would fill the memory and block the event loop. */
export function refuseLarge(count: number): void {
  if (count > 4) throw new Error(`a page has ${count} MB: it must end after some, and go on with the next`);
}
