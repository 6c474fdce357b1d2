import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { scope, type } from "arktype";
import * as v from "valibot";
import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";

import type { JsonSchema } from "../../src/core/json.ts";
import type { Schema, StandardSchema, ValueOf } from "../../src/core/schema.ts";
import { compileSchema } from "../../src/core/schema.ts";
import type { ToolContext } from "../../src/core/tool.ts";
import { defineTool } from "../../src/core/tool.ts";

const compile = (schema: Schema, described?: JsonSchema) => compileSchema(schema, described, 'Tool "t"');

/** The same input in the words of each library. */
const libraries = {
  zod: z.object({ id: z.string(), count: z.number().min(1).optional() }),
  valibot: toStandardJsonSchema(
    v.object({ id: v.string(), count: v.optional(v.pipe(v.number(), v.minValue(1))) }),
  ),
  arktype: type({ id: "string", "count?": "number >= 1" }),
  "plain JSON Schema": {
    type: "object",
    properties: { id: { type: "string" }, count: { type: "number", minimum: 1 } },
    required: ["id"],
  },
} satisfies Record<string, Schema>;

describe.each(Object.entries<Schema>(libraries))("a schema of %s", (_, schema) => {
  it("is shown as JSON Schema of an object [A-137] [B-09]", () => {
    const { $schema, ...shown } = compile(schema).jsonSchema;
    expect($schema).toBeUndefined();
    expect(shown).toEqual({
      type: "object",
      properties: { id: { type: "string" }, count: { type: "number", minimum: 1 } },
      required: ["id"],
    });
  });

  it("passes on what fits [B-06]", async () => {
    expect(await compile(schema).validate({ id: "a", count: 2 })).toEqual({
      ok: true,
      value: { id: "a", count: 2 },
    });
  });

  it.each<[unknown, RegExp]>([
    [{ id: 5 }, /^id\b.*string/],
    [{}, /^id\b/],
    [{ id: "a", count: 0 }, /^count\b.*1/],
    ["text", /object/i],
    [null, /object/i],
    [undefined, /object/i],
  ])("says where %j is wrong [F4-schema]", async (value, problem) => {
    const checked = await compile(schema).validate(value);
    expect(checked).toMatchObject({ ok: false, problems: [expect.stringMatching(problem)] });
  });
});

it("each type is shown as JSON Schema has it, with its description [A-138]", () => {
  const schema = z.object({
    text: z.string().describe("What to say"),
    whole: z.int(),
    number: z.number(),
    flag: z.boolean(),
    map: z.record(z.string(), z.unknown()),
    list: z.array(z.string()),
  });
  expect(compile(schema).jsonSchema).toMatchObject({
    properties: {
      text: { type: "string", description: "What to say" },
      whole: { type: "integer" },
      number: { type: "number" },
      flag: { type: "boolean" },
      map: { type: "object" },
      list: { type: "array", items: { type: "string" } },
    },
    required: ["text", "whole", "number", "flag", "map", "list"],
  });
});

describe("a schema that changes its input", () => {
  const changing = {
    zod: z.object({ day: z.string().transform((text) => text.length), limit: z.number().default(10) }),
    valibot: toStandardJsonSchema(
      v.object({
        day: v.pipe(
          v.string(),
          v.transform((text) => text.length),
        ),
        limit: v.optional(v.number(), 10),
      }),
    ),
    arktype: type({ day: type("string").pipe((text) => text.length), limit: "number = 10" }),
  } satisfies Record<string, Schema>;

  it.each(Object.entries<StandardSchema>(changing))(
    "of %s is shown as what goes in, and gives what comes out",
    async (_, schema) => {
      const { jsonSchema, validate } = compile(schema);
      expect(jsonSchema).toMatchObject({ properties: { day: { type: "string" } }, required: ["day"] });
      expect(await validate({ day: "Friday" })).toEqual({ ok: true, value: { day: 6, limit: 10 } });
    },
  );
});

describe("a schema that takes its time", () => {
  const slow = z.object({
    id: z.string().refine(async (id) => (await Promise.resolve(id)) !== "taken", "is taken"),
  });

  it("is awaited", async () => {
    expect(await compile(slow).validate({ id: "free" })).toEqual({ ok: true, value: { id: "free" } });
    expect(await compile(slow).validate({ id: "taken" })).toEqual({ ok: false, problems: ["id: is taken"] });
  });

  it("may answer with anything that can be awaited", async () => {
    const result = { issues: [{ message: "no" }] };
    // oxlint-disable-next-line no-thenable -- that is what it is for
    const thenable = { then: (done: (value: unknown) => void) => done(result) };
    const schema = standard({ validate: () => thenable as Promise<typeof result> });
    expect(await compile(schema).validate({})).toEqual({ ok: false, problems: ["no"] });
  });
});

describe("a schema that refers to itself", () => {
  const ZodNode = z.object({
    name: z.string(),
    get children() {
      return z.array(ZodNode);
    },
  });
  const ValibotNode: v.GenericSchema = v.object({
    name: v.string(),
    children: v.array(v.lazy(() => ValibotNode)),
  });
  const recursive = {
    zod: ZodNode,
    "zod, with a name": z.object({ name: z.string(), children: z.array(ZodNode) }).meta({ id: "Node" }),
    valibot: toStandardJsonSchema(ValibotNode),
    arktype: scope({ node: { name: "string", children: "node[]" } }).export().node,
  } satisfies Record<string, Schema>;

  it.each(Object.entries<Schema>(recursive))(
    "of %s is shown with an object at the top",
    async (_, schema) => {
      const { jsonSchema, validate } = compile(schema);
      expect(jsonSchema).toMatchObject({ type: "object", properties: { name: { type: "string" } } });
      expect(jsonSchema).not.toHaveProperty("$ref");
      const tree = { name: "a", children: [{ name: "b", children: [] }] };
      expect(await validate(tree)).toEqual({ ok: true, value: tree });
      // What is shown means the same: it refuses what the library refuses.
      const shown = compile(jsonSchema);
      expect(await shown.validate(tree)).toEqual({ ok: true, value: tree });
      expect(await shown.validate({ name: "a", children: [{ name: 1, children: [] }] })).toMatchObject({
        ok: false,
      });
    },
  );
});

describe("a schema that cannot be used", () => {
  const refused: Record<string, readonly [input: unknown, says: RegExp]> = {
    "valibot without its JSON Schema package": [v.object({}), /valibot.*toStandardJsonSchema\(\)/],
    "a library that cannot describe itself": [
      standard({ vendor: "homemade" }),
      /homemade.*pass `inputSchema`/,
    ],
    "a zod type that JSON lacks": [z.object({ big: z.bigint() }), /cannot be written as JSON Schema/],
    "a valibot type that JSON lacks": [
      toStandardJsonSchema(v.object({ day: v.date() })),
      /cannot be written as JSON Schema/,
    ],
    "a zod schema of no object": [z.string(), /must be an object/],
    "a union": [z.union([z.object({ a: z.string() }), z.object({ b: z.string() })]), /Wrap a union/],
    "JSON Schema of no object": [{ type: "array" }, /JSON Schema of type "object"/],
    "JSON Schema without a type": [{ properties: {} }, /JSON Schema of type "object"/],
    "a list": [[], /must be an object/],
    "a text": ["object", /must be an object/],
    "a class": [Date, /must be an object/],
    nothing: [undefined, /must be an object/],
    null: [null, /must be an object/],
  };

  it.each(Object.entries(refused))("is refused when it is written: %s", (_, [input, says]) => {
    expect(() => compile(input as Schema)).toThrow(
      expect.objectContaining({
        name: "LoophostError",
        code: "invalid_tool",
        message: expect.stringMatching(says),
      }),
    );
    expect(() => compile(input as Schema)).toThrow(/^Tool "t": /);
  });

  it("tells what the library said, and keeps it as the cause", () => {
    expect(() => compile(z.object({ big: z.bigint() }))).toThrow(
      expect.objectContaining({
        message: expect.stringContaining("BigInt"),
        cause: expect.objectContaining({ message: expect.stringContaining("BigInt") }),
      }),
    );
  });
});

describe("a JSON Schema given to be shown", () => {
  const shown = { type: "object", properties: { id: { type: "string" } } } as const;

  it("is shown as it is, and not checked with [A-139]", async () => {
    const { jsonSchema, validate } = compile(v.object({ id: v.literal("a") }), shown);
    expect(jsonSchema).toBe(shown);
    expect(await validate({ id: "a" })).toMatchObject({ ok: true });
    expect(await validate({ id: "b" })).toMatchObject({ ok: false });
  });

  it("replaces one a library or the user has", () => {
    expect(compile(libraries.zod, shown).jsonSchema).toBe(shown);
    expect(compile(libraries["plain JSON Schema"], shown).jsonSchema).toBe(shown);
  });

  it("must be of an object itself", () => {
    expect(() => compile(libraries.zod, { type: "string" })).toThrow(/must be an object/);
  });
});

it("a plain JSON Schema is shown as it is [A-139]", () => {
  const schema = libraries["plain JSON Schema"];
  expect(compile(schema).jsonSchema).toEqual(schema);
});

it("a plain JSON Schema stays as it was given, whatever becomes of the object", async () => {
  const schema = {
    type: "object",
    properties: { id: { type: "string" } },
    required: ["id"],
  };
  const { jsonSchema, validate } = compile(schema);
  // Another tool of the same object, with one input more.
  schema.required.push("more");
  expect(jsonSchema["required"]).toEqual(["id"]);
  expect(await validate({ id: "a" })).toMatchObject({ ok: true });
});

it("refuses a plain JSON Schema that is around itself", () => {
  const schema: Record<string, unknown> = { type: "object" };
  schema["properties"] = { me: schema };
  expect(() => compile(schema as JsonSchema)).toThrow(
    /Tool "t": the schema cannot be checked: it is no JSON/,
  );
});

it("names the path of a problem whatever the parts of it are", async () => {
  const at = Symbol("at");
  const issues = [
    { message: "one", path: ["lines", 0, { key: "sku" }, at] },
    { message: "two", path: [] },
    { message: "three" },
  ];
  const checked = await compile(standard({ validate: () => ({ issues }) })).validate({});
  expect(checked).toEqual({ ok: false, problems: ["lines.0.sku.Symbol(at): one", "two", "three"] });
});

describe("the type of the input", () => {
  const options = { name: "t", description: "d" };

  it("is what comes out of the schema, in execute and in needsApproval [B-06]", () => {
    expectTypeOf<ValueOf<typeof libraries.zod>>().toEqualTypeOf<{ id: string; count?: number | undefined }>();
    expectTypeOf<ValueOf<typeof libraries.arktype>>().toEqualTypeOf<{ id: string; count?: number }>();
    expectTypeOf<ValueOf<{ type: "object" }>>().toEqualTypeOf<Record<string, unknown>>();

    defineTool({
      ...options,
      input: z.object({ day: z.string().transform((text) => text.length) }),
      execute: (input) => expectTypeOf(input).toEqualTypeOf<{ day: number }>(),
      needsApproval: (input) => input.day > 3,
    });
    defineTool({
      ...options,
      input: libraries.valibot,
      execute: (input) => expectTypeOf(input).toEqualTypeOf<{ id: string; count?: number | undefined }>(),
    });
    defineTool({
      ...options,
      input: { type: "object", properties: { id: { type: "string" } } },
      execute: (input) => expectTypeOf(input).toEqualTypeOf<Record<string, unknown>>(),
    });
  });

  it("does not let a tool read what its input lacks, or take it for another type", () => {
    const input = z.object({ id: z.string() });
    // @ts-expect-error -- the input has no such property
    const missing = defineTool({ ...options, input, execute: ({ nope }) => nope });
    const mistaken = defineTool({
      ...options,
      input,
      // @ts-expect-error -- id is a string
      execute: ({ id }: { id: number }) => id,
    });
    // @ts-expect-error -- the values of plain JSON Schema are unknown until looked at
    const unlooked = defineTool({ ...options, input: { type: "object" }, execute: ({ id }) => id.length });
    // @ts-expect-error -- an approval check answers with yes or no
    const vague = defineTool({ ...options, input, needsApproval: async () => "yes" });
    expect([missing, mistaken, unlooked, vague]).toHaveLength(4);
  });

  it("types the context where it is named", () => {
    const input = z.object({ id: z.string() });
    const tool = defineTool({
      ...options,
      input,
      needsApproval: async (_, { context }: ToolContext<{ tenant: string }>) => context.tenant === "a",
      execute: ({ id }, { context }) => {
        expectTypeOf(context).toEqualTypeOf<{ tenant: string }>();
        return id;
      },
    });
    expect(tool.name).toBe(options.name);
  });
});

/** A Standard Schema of no library. */
function standard(changes: Partial<StandardSchema["~standard"]>): StandardSchema {
  const jsonSchema = "vendor" in changes ? undefined : { input: () => ({ type: "object" }) };
  return {
    "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }), jsonSchema, ...changes },
  };
}
