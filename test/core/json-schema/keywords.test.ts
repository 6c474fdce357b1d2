// oxlint-disable unicorn/no-thenable -- `then` is a keyword here
// Every keyword the validator knows, with values it takes and values it refuses.

import { describe, expect, it } from "vitest";

import { checkJson } from "../../../src/core/json-schema/check.ts";
import type { JsonSchema } from "../../../src/core/json.ts";

/** A schema, values it takes, and values it refuses with the problem that is reported. */
type Row = readonly [
  schema: JsonSchema,
  fine: readonly unknown[],
  wrong: readonly (readonly [unknown, string])[],
];

const DRAFT_07 = "http://json-schema.org/draft-07/schema#";

const keywords: Record<string, readonly Row[]> = {
  type: [
    [{ type: "string" }, ["", "a"], [[1, "must be string, got number"]]],
    [{ type: "number" }, [0, -1.5, 1e300], [["1", "must be number, got string"]]],
    [{ type: "integer" }, [0, -7, 1.0], [[1.5, "must be integer, got number"]]],
    [{ type: "boolean" }, [true, false], [[0, "must be boolean, got number"]]],
    [{ type: "null" }, [null], [[undefined, "must be null, got undefined"]]],
    [{ type: "array" }, [[], [1]], [[{}, "must be array, got object"]]],
    [
      { type: "object" },
      [{}, { a: 1 }],
      [
        [[], "must be object, got array"],
        [null, "must be object, got null"],
      ],
    ],
    [{ type: ["string", "null"] }, ["a", null], [[1, "must be string or null, got number"]]],
  ],
  enum: [
    [{ enum: ["red", "green"] }, ["red"], [["blue", 'must be one of "red", "green"']]],
    [{ enum: [{ a: 1, b: [2] }, null] }, [{ b: [2], a: 1 }, null], [[{ a: 1 }, "must be one of"]]],
    [{ enum: [1, "1"] }, [1, "1"], [[true, 'must be one of 1, "1"']]],
  ],
  const: [
    [{ const: "a" }, ["a"], [["b", 'must be "a"']]],
    [{ const: null }, [null], [[0, "must be null"]]],
    [{ const: { x: { y: 1 } } }, [{ x: { y: 1 } }], [[{ x: { y: 2 } }, 'must be {"x":{"y":1}}']]],
  ],
  minLength: [[{ minLength: 2 }, ["ab", "😀😀", 1], [["😀", "must have at least 2 characters"]]]],
  maxLength: [[{ maxLength: 2 }, ["ab", "😀😀"], [["abc", "must have at most 2 characters"]]]],
  pattern: [
    [{ pattern: "^a+$" }, ["aa", 1], [["b", "must match ^a+$"]]],
    [{ pattern: "b" }, ["abc"], [["ac", "must match b"]]],
    [{ pattern: "^\\p{L}$" }, ["é"], [["1", "must match"]]],
    // Not valid in Unicode mode, and common nevertheless.
    [{ pattern: "^[\\w-.]+@x$" }, ["a-b.c@x"], [["a b@x", "must match"]]],
  ],
  minimum: [[{ minimum: 1 }, [1, 2, "0"], [[0, "must be at least 1"]]]],
  maximum: [[{ maximum: 1 }, [1, 0], [[1.1, "must be at most 1"]]]],
  exclusiveMinimum: [[{ exclusiveMinimum: 0 }, [0.1], [[0, "must be more than 0"]]]],
  exclusiveMaximum: [[{ exclusiveMaximum: 0 }, [-0.1], [[0, "must be less than 0"]]]],
  multipleOf: [
    [{ multipleOf: 5 }, [0, 10, -5], [[7, "must be a multiple of 5"]]],
    [{ multipleOf: 0.01 }, [0.07, 1.13, 19.99, 4.35, 0.3], [[0.075, "must be a multiple of 0.01"]]],
    [{ multipleOf: 1e-8 }, [12_391_239_123], [[1e-9, "must be a multiple of"]]],
    [{ multipleOf: 0.123456789 }, [0], [[1e308, "must be a multiple of"]]],
    [{ multipleOf: 2 }, [9_007_199_254_740_990], [[999_999_999_999_999, "must be a multiple of 2"]]],
  ],
  minItems: [[{ minItems: 1 }, [[1], "a"], [[[], "must have at least 1 items"]]]],
  maxItems: [[{ maxItems: 1 }, [[], [1]], [[[1, 2], "must have at most 1 items"]]]],
  items: [
    [{ items: { type: "string" } }, [[], ["a"]], [[["a", 1], "1: must be string, got number"]]],
    [{ items: false }, [[]], [[[1], "0: is not allowed"]]],
  ],
  prefixItems: [
    [
      { prefixItems: [{ type: "string" }], items: { type: "number" } },
      [[], ["a"], ["a", 1, 2]],
      [
        [[1], "0: must be string, got number"],
        [["a", "b"], "1: must be number, got string"],
      ],
    ],
    [{ prefixItems: [true], items: false }, [["a"]], [[["a", "b"], "1: is not allowed"]]],
  ],
  uniqueItems: [
    [
      { uniqueItems: true },
      [
        [1, "1", true, "true", null],
        [{ a: 1 }, { a: 2 }],
      ],
      [
        [[1, 2, 1], "must not have the same item twice"],
        [
          [
            { a: 1, b: 2 },
            { b: 2, a: 1 },
          ],
          "must not have the same item twice",
        ],
      ],
    ],
    [{ uniqueItems: false }, [[1, 1]], []],
  ],
  required: [[{ required: ["a"] }, [{ a: null }, []], [[{}, "a: is required"]]]],
  properties: [
    [
      { properties: { a: { type: "string" }, b: false } },
      [{}, { a: "x" }, { c: 1 }],
      [
        [{ a: 1 }, "a: must be string, got number"],
        [{ b: 1 }, "b: is not allowed"],
      ],
    ],
  ],
  additionalProperties: [
    [
      { properties: { a: true }, additionalProperties: false },
      [{}, { a: 1 }],
      [[{ a: 1, b: 2 }, "b: is not a known property; known are a"]],
    ],
    [{ additionalProperties: false }, [{}], [[{ b: 2 }, "known are none"]]],
    [{ additionalProperties: { type: "number" } }, [{ b: 2 }], [[{ b: "2" }, "b: must be number"]]],
  ],
  patternProperties: [
    [
      { patternProperties: { "^x-": { type: "string" } }, additionalProperties: false },
      [{ "x-a": "1" }],
      [
        [{ "x-a": 1 }, "x-a: must be string"],
        [{ y: 1 }, "y: is not a known property"],
      ],
    ],
  ],
  minProperties: [[{ minProperties: 1 }, [{ a: 1 }], [[{}, "must have at least 1 properties"]]]],
  maxProperties: [[{ maxProperties: 1 }, [{ a: 1 }], [[{ a: 1, b: 2 }, "must have at most 1 properties"]]]],
  allOf: [[{ allOf: [{ minimum: 1 }, { maximum: 3 }] }, [2], [[4, "must be at most 3"]]]],
  anyOf: [
    [
      { anyOf: [{ type: "string" }, { minimum: 5 }] },
      ["a", 6, null],
      [[4, "must match one of the allowed forms"]],
    ],
  ],
  oneOf: [
    [
      { oneOf: [{ multipleOf: 2 }, { multipleOf: 3 }] },
      [2, 3],
      [
        [6, "must match exactly one of the allowed forms"],
        [5, "must match exactly one of the allowed forms"],
      ],
    ],
  ],
  not: [
    [{ not: { type: "string" } }, [1], [["a", "has a form that is not allowed"]]],
    [{ not: true }, [], [[1, "has a form that is not allowed"]]],
    [{ not: false }, [1], []],
  ],
  $ref: [
    [{ $ref: "#/$defs/id", $defs: { id: { type: "string" } } }, ["a"], [[1, "must be string, got number"]]],
    [
      { properties: { a: { $ref: "#/properties/b" }, b: { const: 1 } } },
      [{ a: 1 }],
      [[{ a: 2 }, "a: must be 1"]],
    ],
    [
      { $ref: "#/$defs/a~1b~0c%20d", $defs: { "a/b~c d": { type: "null" } } },
      [null],
      [[1, "must be null, got number"]],
    ],
    [
      { properties: { a: { anyOf: [{ const: 1 }] }, b: { $ref: "#/properties/a/anyOf/0" } } },
      [{ b: 1 }],
      [[{ b: 2 }, "b: must be 1"]],
    ],
    [{ $ref: "#/$defs/id", minLength: 2, $defs: { id: { type: "string" } } }, ["ab"], [["a", "at least 2"]]],
    // Draft 07 looks at nothing beside a reference.
    [{ $schema: DRAFT_07, $ref: "#/definitions/id", minLength: 2, definitions: { id: {} } }, ["a", "ab"], []],
  ],
  $id: [
    [
      {
        $id: "https://a.example/order.json",
        $ref: "line.json#/$defs/sku",
        $defs: { line: { $id: "line.json", $defs: { sku: { type: "string" } } } },
      },
      ["a"],
      [[1, "must be string, got number"]],
    ],
    [{ $id: "urn:x:y", $ref: "#/$defs/a", $defs: { a: { const: 1 } } }, [1], [[2, "must be 1"]]],
    [
      { $schema: DRAFT_07, allOf: [{ $ref: "#sku" }], definitions: { a: { $id: "#sku", type: "string" } } },
      ["a"],
      [[1, "must be string"]],
    ],
    // Only looks like one.
    [{ $ref: "#/$defs/a", $defs: { a: { const: { $id: "x:y" } } } }, [{ $id: "x:y" }], [[1, "must be"]]],
  ],
  $anchor: [
    [{ $ref: "#sku", $defs: { a: { $anchor: "sku", type: "string" } } }, ["a"], [[1, "must be string"]]],
    [{ $ref: "#sku", $defs: { a: { $dynamicAnchor: "sku", type: "string" } } }, ["a"], [[1, "must be"]]],
  ],
  definitions: [
    [
      { allOf: [{ $ref: "#/definitions/a" }], definitions: { a: { type: "null" } } },
      [null],
      [[1, "must be null"]],
    ],
  ],
  "if, then and else": [
    [
      { if: { type: "string" }, then: { minLength: 2 }, else: { minimum: 2 } },
      ["ab", 2],
      [
        ["a", "must have at least 2 characters"],
        [1, "must be at least 2"],
      ],
    ],
    [{ then: { const: 1 }, else: { const: 1 } }, [2], []],
    [{ if: { const: 1 } }, [1, 2], []],
  ],
  "contains, minContains and maxContains": [
    [
      { contains: { type: "string" } },
      [["a", 1], {}],
      [[[1], 'must have at least 1 items of the form {"type":"string"}, got 0']],
    ],
    [
      { contains: true, minContains: 2, maxContains: 2 },
      [[1, 2]],
      [
        [[1], "at least 2"],
        [[1, 2, 3], "at most 2"],
      ],
    ],
    [{ contains: { const: 1 }, minContains: 0 }, [[]], []],
    [{ minContains: 2, maxContains: 0 }, [[1]], []],
  ],
  dependentRequired: [
    [
      { dependentRequired: { a: ["b"] } },
      [{}, { a: 1, b: 1 }, 1],
      [[{ a: 1 }, "b: is required where there is a"]],
    ],
  ],
  dependentSchemas: [
    [{ dependentSchemas: { a: { minProperties: 2 } } }, [{ b: 1 }], [[{ a: 1 }, "at least 2 properties"]]],
  ],
  dependencies: [
    [
      { dependencies: { a: ["b"], c: { maxProperties: 1 } } },
      [{ a: 1, b: 1 }, { c: 1 }],
      [
        [{ a: 1 }, "b: is required where there is a"],
        [{ c: 1, d: 1 }, "at most 1 properties"],
      ],
    ],
  ],
  propertyNames: [
    [
      { propertyNames: { maxLength: 1 } },
      [{ a: 1 }, {}],
      [[{ ab: 1 }, "ab: is not a name that is allowed here: it must have at most 1 characters"]],
    ],
  ],
  "items and additionalItems of draft 07": [
    [
      { items: [{ type: "string" }], additionalItems: { type: "number" } },
      [[], ["a"], ["a", 1]],
      [
        [[1], "0: must be string"],
        [["a", "b"], "1: must be number"],
      ],
    ],
    [{ items: {}, additionalItems: false }, [[1, 2]], []],
  ],
  unevaluatedProperties: [
    [
      {
        allOf: [{ properties: { a: true } }],
        anyOf: [{ required: ["b"], properties: { b: true } }, true],
        if: { required: ["c"] },
        then: { patternProperties: { "^c": true } },
        unevaluatedProperties: false,
      },
      [{}, { a: 1, b: 1, c: 1 }, 1],
      [[{ a: 1, d: 1 }, "d: is not allowed"]],
    ],
    [
      {
        $ref: "#/$defs/a",
        unevaluatedProperties: { type: "string" },
        $defs: { a: { properties: { a: true } } },
      },
      [{ a: 1, b: "" }],
      [[{ a: 1, b: 1 }, "b: must be string"]],
    ],
    [
      { not: { not: { properties: { a: true } } }, unevaluatedProperties: false },
      [1, {}],
      [[{ a: 1 }, "a: is not allowed"]],
    ],
  ],
  unevaluatedItems: [
    [
      { prefixItems: [true], contains: { const: 2 }, minContains: 0, unevaluatedItems: false },
      [[1], [1, 2]],
      [[[1, 3], "1: is not allowed"]],
    ],
    [{ oneOf: [{ items: { type: "number" } }, false], unevaluatedItems: false }, [[1, 2]], []],
  ],
  $schema: [
    [{ $schema: "https://json-schema.org/draft/2020-12/schema", type: "string" }, ["a"], [[1, "must be"]]],
  ],
  format: [[{ format: "email", contentEncoding: "base64", contentMediaType: "a/b" }, ["no address"], []]],
};

describe.each(Object.entries(keywords))("%s", (_, rows) => {
  it.each(rows)("%j takes what it should and refuses the rest [F4-schema]", (schema, fine, wrong) => {
    for (const value of fine) expect(problemsOf(schema, value), JSON.stringify(value)).toEqual([]);
    for (const [value, problem] of wrong)
      expect(problemsOf(schema, value), JSON.stringify(value)).toEqual([expect.stringContaining(problem)]);
  });
});

/** The problems a value has, none when it is fine. */
function problemsOf(schema: JsonSchema, value: unknown): readonly string[] {
  const checked = checkJson(schema, value);
  return checked.ok ? [] : checked.problems;
}
