// What a store keeps of a value: JSON, and nothing that JSON would drop without a word.

import { expect, it } from "vitest";

import { fromText, toText } from "../../src/stores/json.ts";

it.each([undefined, () => 1, Symbol("s"), 1n])("refuses %s, which JSON cannot say", (value) => {
  expect(() => toText(value as never)).toThrow("not plain data");
});

it("gives back what was kept, and refuses what is no JSON without quoting it", () => {
  expect(fromText(toText({ a: [1, null, "x"] }))).toEqual({ a: [1, null, "x"] });
  const refuse = () => fromText('{"secret');
  expect(refuse).toThrow("not JSON any more");
  expect(refuse).not.toThrow("secret");
});
