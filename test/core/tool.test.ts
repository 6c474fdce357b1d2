import { describe, expect, it } from "vitest";
import { z } from "zod";

import type { Tool, ToolDefinition } from "../../src/core/tool.ts";
import { defineTool, isToolContent, toolContent } from "../../src/core/tool.ts";

const input = { type: "object" } as const;
const execute = () => "done";
const fine = { name: "lookup_order", description: "Find an order", input };

describe("a tool", () => {
  it("carries its name, description, schema and function, and the rest by default [B-06] [A-137]", () => {
    const tool = defineTool({ ...fine, execute });
    expect(tool).toEqual({
      name: "lookup_order",
      description: "Find an order",
      schema: { jsonSchema: input, validate: expect.any(Function) },
      execute,
      timeoutMs: undefined,
      ifCrashed: "fail",
    });
  });

  it("has the schema it is checked with and the schema it shows from one value [B-06]", async () => {
    const tool = defineTool({ ...fine, input: z.object({ id: z.string() }) });
    expect(tool.schema.jsonSchema).toMatchObject({
      properties: { id: { type: "string" } },
      required: ["id"],
    });
    expect(await tool.schema.validate({ id: 1 })).toMatchObject({ ok: false });
  });

  it("is external when it has no function", () => {
    expect(defineTool(fine)).not.toHaveProperty("execute");
  });

  it("may need approval always, never, or as a function says", () => {
    expect(asks(true)).toBe(true);
    expect(asks(false)).toBeUndefined();
    expect(asks(undefined)).toBeUndefined();
    expect(asks(({ amount }) => amount === 7, { amount: 7 })).toBe(true);
    expect(asks(({ amount }) => amount === 7)).toBe(false);
  });

  it("is a Tool whatever its input is", () => {
    const tools: Tool[] = [
      defineTool({ ...fine, input: z.object({ id: z.string() }), execute: ({ id }) => id }),
    ];
    expect(tools).toHaveLength(1);
  });
});

const context = {
  signal: new AbortController().signal,
  callId: "c",
  sessionId: "s",
  idempotencyKey: "k",
  context: undefined,
  metadata: {},
  traceContext: {},
  progress: () => undefined,
};

/** Whether a tool written so asks about this input. */
function asks(
  needsApproval: ToolDefinition<typeof input>["needsApproval"],
  given: Record<string, unknown> = {},
): boolean | Promise<boolean> | undefined {
  return defineTool({ ...fine, needsApproval }).needsApproval?.(given, context);
}

describe("a definition that is wrong", () => {
  const wrong: Record<string, readonly [definition: object, says: string]> = {
    "no name": [{ description: "d", input }, 'letters, digits, "_" and "-"; got undefined.'],
    "an empty name": [{ ...fine, name: "" }, 'got "".'],
    "a name with a space": [{ ...fine, name: "lookup order" }, 'got "lookup order".'],
    "a name with a line end": [{ ...fine, name: "lookup\n" }, String.raw`got "lookup\n".`],
    "a name that is too long": [{ ...fine, name: "x".repeat(129) }, "must be 1 to 128"],
    "no description": [
      { name: "t", input },
      'Tool "t" needs a description: it is all a model knows about the tool.',
    ],
    "an empty description": [{ ...fine, description: " " }, "needs a description"],
    "no schema": [{ name: "t", description: "d" }, 'Tool "t": the input must be an object'],
    "a schema of no object": [{ ...fine, input: z.string() }, "the input must be an object"],
    "no calls at a time": [
      { ...fine, maxParallel: 0 },
      "maxParallel must be a whole number, 1 or more; got 0.",
    ],
    "no time": [{ ...fine, timeoutMs: 0 }, "timeoutMs must be more than 0 milliseconds; got 0."],
    "time that is not a number": [{ ...fine, timeoutMs: Number.NaN }, "got NaN."],
  };

  it.each(Object.entries(wrong))("is refused with one clear error: %s", (_, [definition, says]) => {
    expect(() => defineTool(definition as ToolDefinition<typeof input>)).toThrow(
      expect.objectContaining({
        name: "LoophostError",
        code: "invalid_tool",
        message: expect.stringContaining(says),
      }),
    );
  });

  /** What is so far from a definition that no one word in the message is owed. */
  const nonsense: Record<string, unknown> = {
    nothing: undefined,
    "a function that is none": { ...fine, execute: "run" },
    "an approval that is neither yes, no nor a function": { ...fine, needsApproval: "yes" },
    "a policy nobody knows": { ...fine, ifCrashed: "retry" },
    "a probe that is no function": { ...fine, ifCrashed: { probe: true } },
    "time in words": { ...fine, timeoutMs: "5" },
  };

  it.each(Object.entries(nonsense))("is refused with one clear error: %s", (_, definition) => {
    expect(() => defineTool(definition as ToolDefinition<typeof input>)).toThrow(
      expect.objectContaining({ code: "invalid_tool" }),
    );
  });
});

describe("content a tool returns", () => {
  it("is told from other values", () => {
    const content = toolContent([{ type: "text", text: "a" }]);
    expect(content).toMatchObject({ content: [{ type: "text", text: "a" }], isError: false });
    expect(isToolContent(content)).toBe(true);
    for (const value of [
      { content: [], isError: false },
      null,
      undefined,
      "text",
      JSON.parse(JSON.stringify(content)),
    ])
      expect(isToolContent(value)).toBe(false);
  });

  it("may be an error", () => {
    expect(toolContent([], { isError: true }).isError).toBe(true);
  });
});
