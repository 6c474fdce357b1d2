// Patterns are matched as RegExp matches them, and in one pass.

import { expect, it } from "vitest";

import { compilePattern } from "../../../src/core/json-schema/pattern.ts";

const PATTERNS = [
  "",
  "a",
  "^a$",
  "^$",
  "a|b|",
  "^(?:a|bc)+$",
  "^(a|b)*c?$",
  "(?<year>\\d{4})-\\d{2}",
  "^a{0}b{2,}$",
  "^[a-c]{1,3}$",

  "^.$",
  ".",
  "\\bfoo\\b",
  "o\\Bo",
  "^\\w+@[\\w.-]+$",
  "^[^\\s/]+$",
  "^\\p{Lu}\\p{L}*$",
  "\\u00e9",
  "\\x41",
  "^\\/a\\.b$",

  "^(a*)*$",
  "^(a+)+$",
  "^(\\w|\\d)+$",
  "(a|a)*b",
  "^(?:(?:))*$",
  "(^a|b$)",
  "^a??b+?c*?$",
  "[^]",
  "[]",
  "^\\u{1F600}$",

  // Valid without the flag for Unicode alone.
  "^[\\w-.]+$",
  "\\_",
  "a{",
  "{a}",
  "]",
  "^\\-$",
  "x{,2}",
];
const TEXTS = [
  "",
  "a",
  "b",
  "ab",
  "abc",
  "abbc",
  "bb",
  "aaa!",
  "foo",
  "a foo b",
  "food",
  "2024-05",
  "x@y-z.w",
  "a/b",
  "/a.b",

  "É",
  "Éa",
  "é",
  "A",
  "\n",
  "a\nb",
  "😀",
  "😀😀",
  "1111",
  "_",
  "a{",
  "{a}",
  "]",
  "-",
  "x{,2}",
  "\ud800",
];

it.each(PATTERNS)("%j matches what RegExp matches", (source) => {
  const theirs = (text: string) => {
    try {
      return new RegExp(source, "u").test(text);
    } catch {
      return new RegExp(source).test(text);
    }
  };
  const pattern = compilePattern(source);
  const matched = TEXTS.filter((text) => pattern.matches(text, () => undefined));
  expect(matched).toEqual(TEXTS.filter(theirs));
});

it.each([
  "^(a+)+$",
  "^(\\w|\\d)+$",
  "(a*)*b",
  "(a|aa)+$",
  "^(([a-z])+.)+[A-Z]([a-z])+$",
  "(.*)*(.*)*x",
  "a{0,50}a{50}$",
])("%j takes steps in proportion to the text", (source) => {
  const pattern = compilePattern(source);
  const stepsFor = (length: number) => {
    let steps = 0;
    pattern.matches(`${"a".repeat(length)}!`, (count) => (steps += count));
    return steps;
  };
  expect(stepsFor(10_000)).toBeLessThan(12 * stepsFor(1_000));
});

it.each([
  "(a{1000}){1000}",
  "((((a{9}){9}){9}){9}){9}",
  "((){9999}){9999}",
  `${"(".repeat(500)}a${")".repeat(500)}`,
])("%j is refused: it would need too many states", (source) => {
  expect(() => compilePattern(source)).toThrow("has too many alternatives or repetitions");
});
