import { describe, expect, it } from "vitest";

import { checkJson } from "../../../src/core/json-schema/check.ts";
import type { Json, JsonSchema } from "../../../src/core/json.ts";

/** The problems a value has, none when it is fine. */
function problemsOf(schema: JsonSchema, value: unknown): readonly string[] {
  const checked = checkJson(schema, value);
  return checked.ok ? [] : checked.problems;
}

describe("problems", () => {
  const order: JsonSchema = {
    type: "object",
    properties: {
      lines: {
        type: "array",
        items: { type: "object", required: ["sku"], properties: { count: { minimum: 1 } } },
      },
    },
    required: ["lines", "customer"],
  };

  it("are all told at once, each with its path", () => {
    expect(problemsOf(order, { lines: [{ sku: "a" }, { count: 0 }, 3] })).toEqual([
      "customer: is required",
      "lines.1.sku: is required",
      "lines.1.count: must be at least 1",
      "lines.2: must be object, got number",
    ]);
  });

  it("of one value are not told in several ways", () => {
    expect(problemsOf({ type: "string", enum: ["a"], minLength: 1 }, 5)).toEqual([
      "must be string, got number",
    ]);
  });

  it("are no more than a model can use, however many there are [I10]", () => {
    const many = Array.from({ length: 100_000 }, () => 1);
    expect(problemsOf({ items: { type: "string" } }, many)).toHaveLength(20);
  });
});

describe("what a schema does not say", () => {
  it.each<JsonSchema>([
    {},
    { title: "A title", description: "…", examples: [1], default: 2, $comment: "…", format: "email" },
    { "x-vendor": { type: "string" } },
    { properties: { a: true } },
  ])("%j constrains nothing it does not understand", (schema) => {
    for (const value of [{ a: 1 }, [1], 2, "a", null, true]) expect(problemsOf(schema, value)).toEqual([]);
  });
});

describe("what cannot be checked", () => {
  it.each<readonly [JsonSchema, string]>([
    [{ exclusiveMinimum: true, minimum: 1 }, "exclusiveMinimum must be a number"],
    [{ required: "a" }, "required must be a list of names"],
    [{ properties: { a: { required: null } } }, "required must be a list of names (in properties.a)"],
    [{ enum: "a" }, "enum must be a list"],
    [{ allOf: {} }, "allOf must be a list of schemas"],
    [{ properties: [] }, "properties must be an object of schemas"],
    [{ items: 1 }, "items must be a schema"],
    [{ type: "any" }, "type must be one of"],
    [{ minLength: -1 }, "minLength must be a whole number"],
    [{ multipleOf: 0 }, "multipleOf must be a number above 0"],
    [{ uniqueItems: "yes" }, "uniqueItems must be true or false"],
    [{ dependentRequired: { a: "b" } }, "dependentRequired must be an object of lists of names"],
    [{ dependencies: { a: "b" } }, "dependencies must be an object of schemas or lists of names"],
    [{ not: { $dynamicRef: "#a" } }, "$dynamicRef is not supported; use $ref (in not)"],
    [{ $recursiveRef: "#" }, "$recursiveRef is not supported"],
    [{ $vocabulary: {} }, "$vocabulary is not supported"],
    [{ pattern: "(" }, "is not a regular expression of JavaScript"],
    [{ pattern: "(?i)a" }, "is not a regular expression of JavaScript"],
    [{ pattern: "^(?=a)" }, "has a look-around or flags"],
    [{ pattern: "(?<!a)b" }, "has a look-around or flags"],
    [{ patternProperties: { "(a)\\1": true } }, "has a reference to a group"],
    [{ pattern: "(?<x>a)\\k<x>" }, "has a reference to a group"],
    ...[
      "#/$defs/missing",
      "#/$defs/100%",
      "#anchor",
      "#/constructor/name",
      "#/__proto__",
      "https://a.example/s",
    ].map(($ref) => [{ $ref, $defs: {} }, "leads to no part of the schema"] as const),
  ])("%j is refused, never ignored: %s", (schema, problem) => {
    expect(() => checkJson(schema, {})).toThrow(problem);
  });

  it.each<JsonSchema>([
    { const: { $dynamicRef: "#a" }, default: { required: null }, examples: [{ type: "any" }] },
    { properties: { required: true, $dynamicRef: true, pattern: { type: "string" } } },
    { pattern: "[(?=]\\(?" },
    { "x-pattern": "(", nullable: true, discriminator: { propertyName: "a" } },
  ])("%j only looks like it", (schema) => {
    expect(() => checkJson(schema, 1)).not.toThrow();
  });
});

describe("names every object has", () => {
  it("are properties like any other in a value", () => {
    const closed: JsonSchema = { type: "object", properties: { id: true }, additionalProperties: false };
    for (const key of ["__proto__", "constructor", "toString", "hasOwnProperty"])
      expect(problemsOf(closed, parse(`{"id": 1, "${key}": {}}`))).toEqual([
        `${key}: is not a known property; known are id`,
      ]);
    expect(problemsOf({ required: ["toString", "__proto__"] }, {})).toEqual([
      "toString: is required",
      "__proto__: is required",
    ]);
  });

  it("are properties like any other in a schema", () => {
    const schema = parse(
      '{"properties": {"__proto__": {"type": "string"}, "constructor": {"type": "string"}}}',
    );
    expect(problemsOf(schema, parse('{"__proto__": 1, "constructor": 2}'))).toEqual([
      "__proto__: must be string, got number",
      "constructor: must be string, got number",
    ]);
    expect(problemsOf(schema, {})).toEqual([]);
  });
});

describe("recursive schemas", () => {
  const tree: JsonSchema = {
    type: "object",
    required: ["name"],
    properties: { name: { type: "string" }, children: { type: "array", items: { $ref: "#" } } },
    additionalProperties: false,
  };

  it("are checked as deep as the value goes", () => {
    expect(
      problemsOf(tree, { name: "a", children: [leaf("b"), { name: "c", children: [leaf("d")] }] }),
    ).toEqual([]);
    expect(problemsOf(tree, { name: "a", children: [{ name: "c", children: [leaf(1)] }] })).toEqual([
      "children.0.children.0.name: must be string, got number",
    ]);
  });

  const circles: Record<string, JsonSchema> = {
    "a reference to itself": { $ref: "#" },
    "definitions that refer to each other": {
      $ref: "#/$defs/a",
      $defs: { a: { $ref: "#/$defs/b" }, b: { allOf: [{ $ref: "#/$defs/a" }] } },
    },
    "alternatives that lead back": { anyOf: [{ $ref: "#" }, { $ref: "#" }, { $ref: "#" }] },
    "one of itself": { oneOf: [{ $ref: "#" }, { oneOf: [{ $ref: "#" }] }] },
    "the opposite of itself": { not: { $ref: "#" } },
    "all of itself, many times over": { allOf: Array.from({ length: 20 }, () => ({ $ref: "#" })) },
  };

  it.each(Object.entries(circles))(
    "that go round without moving on in the value end: %s [I10]",
    (_, schema) => {
      for (const value of [1, "a", null, {}, [[]]]) expect(problemsOf(schema, value).length).toBeLessThan(2);
      expect(problemsOf({ ...schema, type: "object" }, 1)).toEqual(["must be object, got number"]);
    },
  );

  it("say so when a value is nested too deeply, before the stack overflows [I10]", () => {
    const list: JsonSchema = {
      $defs: { list: { anyOf: [{ type: "array", items: { $ref: "#/$defs/list" } }] } },
      $ref: "#/$defs/list",
    };
    expect(problemsOf(list, nested(150))).toEqual([]);
    expect(problemsOf(list, nested(5_000))).toEqual([
      expect.stringMatching(/is nested more than 200 levels deep$/),
    ]);
    expect(problemsOf({ not: { uniqueItems: true } }, nested(5_000))).toHaveLength(1);
    const plain: JsonSchema = { items: { $ref: "#" } };
    expect(problemsOf(plain, nested(150))).toEqual([]);
    expect(problemsOf(plain, nested(5_000))).toEqual([
      expect.stringMatching(/^0(\.0)+: is nested more than 200 levels deep$/),
    ]);
  });

  it("do not take twice as long with each level of the value [I10]", () => {
    // Each level has three ways to match, each of which looks at the level below; tried at each level anew that is 3^150.
    const expression: JsonSchema = { anyOf: [branch("and"), branch("or"), branch("not"), { type: "null" }] };
    const both: JsonSchema = {
      allOf: [{ properties: { of: { $ref: "#" } } }, { properties: { of: { $ref: "#" } } }],
    };
    expect(problemsOf(expression, chain("not"))).toEqual([]);
    expect(problemsOf(expression, chain("nor"))).toEqual(["must match one of the allowed forms"]);
    expect(problemsOf(both, chain("not"))).toEqual([]);
  });
});

describe("large values", () => {
  it("are looked at once, however many items there are [I10]", () => {
    const item: JsonSchema = { type: "object", required: ["id"], properties: { id: { type: "integer" } } };
    const schema: JsonSchema = { items: { anyOf: [{ type: "null" }, item] }, uniqueItems: true };
    const readsPerItem = (count: number) => {
      let reads = 0;
      const items = Array.from({ length: count }, (_, id) => ({
        get id() {
          reads += 1;
          return id;
        },
      }));
      expect(problemsOf(schema, items)).toEqual([]);
      return reads / count;
    };
    expect(readsPerItem(50_000)).toBe(readsPerItem(10));
  });
});

function parse(text: string): JsonSchema {
  return JSON.parse(text) as JsonSchema;
}

function leaf(name: unknown): unknown {
  return { name, children: [] };
}

function nested(depth: number): unknown {
  return JSON.parse("[".repeat(depth) + "]".repeat(depth));
}

function branch(op: string): JsonSchema {
  return { type: "object", required: ["op"], properties: { of: { $ref: "#" }, op: { const: op } } };
}

function chain(op: string): Json {
  return Array.from({ length: 150 }).reduce<Json>((of) => ({ of, op }), null);
}
