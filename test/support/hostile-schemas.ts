/** Schemas and values made to keep a checker busy, each a few kilobytes when written. */

import type { Json, JsonSchema } from "../../src/core/json.ts";

const many = <T>(count: number, one: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => one(index));
const named = <T>(count: number, one: (index: number) => T): Record<string, T> =>
  Object.fromEntries(many(count, (index) => [`name${index}`, one(index)]));
/** Each definition refers twice to the next. */
const doubling = (keyword: string): JsonSchema => ({
  $ref: "#/$defs/name0",
  $defs: {
    ...named(40, (index) => ({ [keyword]: many(2, () => ({ $ref: `#/$defs/name${index + 1}` })) })),
    name40: { pattern: "^b" },
  },
});

/** By what they try. */
export const HOSTILE: Record<string, readonly [schema: JsonSchema, value: Json]> = {
  "references doubled under anyOf": [doubling("anyOf"), "a".repeat(100)],
  "references doubled under allOf": [doubling("allOf"), "a".repeat(100)],
  "references doubled under oneOf": [doubling("oneOf"), "a".repeat(100)],
  "references doubled under not": [{ not: doubling("anyOf"), $defs: doubling("anyOf")["$defs"] ?? {} }, "a"],
  "a thousand unknown properties": [
    { properties: named(1_000, () => true), additionalProperties: false },
    Object.fromEntries(many(10_000, (index) => [`other${index}`, 1])),
  ],
  "a thousand names for every key": [{ patternProperties: named(1_000, () => true) }, named(1_000, () => 1)],
  "unique items": [{ uniqueItems: true }, many(10_000, (index) => ({ a: [index, { b: index }] }))],
  "unique items at every level": [
    { $defs: { a: { uniqueItems: true, items: { $ref: "#/$defs/a" } } }, $ref: "#/$defs/a" },
    many(100, () => []).reduce<Json>(
      (inner) => [inner, 1],
      many(1_000, (index) => index),
    ),
  ],
  "a large enum": [
    { items: { enum: many(2_000, (index) => `value${index}`) } },
    many(5_000, (index) => index),
  ],
  "contains a thousand times": [
    { allOf: many(1_000, (index) => ({ contains: { const: index }, minContains: 0 })) },
    many(2_000, (index) => index),
  ],
  "what is left, a thousand times": [
    {
      allOf: many(1_000, (index) => ({ properties: { [`name${index}`]: true } })),
      unevaluatedProperties: false,
    },
    named(1_000, () => 1),
  ],
  "forms for every item": [
    { items: { anyOf: many(1_000, (index) => ({ const: index })) } },
    many(1_000, () => -1),
  ],
  "a schema nested deep": [
    many(150, () => 0).reduce<JsonSchema>((inner) => ({ allOf: [inner, inner], items: inner }), {
      type: "null",
    }),
    many(150, () => 0).reduce<Json>((inner) => [inner], null),
  ],
  "a chain of references": [
    {
      $ref: "#/$defs/name0",
      $defs: {
        ...named(5_000, (index) => ({ $ref: `#/$defs/name${index + 1}` })),
        name5000: { type: "null" },
      },
    },
    1,
  ],
  "a value nested deep": [
    { items: { $ref: "#" } },
    JSON.parse("[".repeat(50_000) + "]".repeat(50_000)) as Json,
  ],
  "a value nested deep under not": [
    { not: { enum: [[]] } },
    JSON.parse("[".repeat(50_000) + "]".repeat(50_000)) as Json,
  ],
  ...Object.fromEntries(
    [
      "^(a+)+$",
      "^(\\w|\\d)+$",
      "(a|aa)*b",
      "^(.*)*x$",
      "(.*)(.*)(.*)(.*)x$",
      "^([a-z]+)*[0-9]$",
      "(a{0,100}){0,90}b",
    ].map((pattern) => [`the pattern ${pattern}`, [{ pattern }, `${"a".repeat(50_000)}!`]] as const),
  ),
};
