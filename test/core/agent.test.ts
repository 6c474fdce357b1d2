import { describe, expect, it } from "vitest";

import type { AgentDefinition, Limits } from "../../src/core/agent.ts";
import { DEFAULT_LIMITS, defineAgent, resolveLimits } from "../../src/core/agent.ts";
import { defineTool } from "../../src/core/tool.ts";

const tool = defineTool({ name: "t", description: "d", input: { type: "object" }, execute: () => "done" });
const other = defineTool({ name: "u", description: "d", input: { type: "object" }, execute: () => "done" });

describe("an agent", () => {
  it("needs a name and instructions, and has the rest by default [A-020]", () => {
    expect(defineAgent({ name: "support", instructions: "" })).toEqual({
      name: "support",
      instructions: "",
      model: undefined,
      tools: [],
      limits: {
        maxTurns: 50,
        maxParallelTools: 8,
        toolTimeoutMs: 30_000,
        runTimeoutMs: 600_000,
        maxResultChars: 100_000,
      },
    });
  });

  it("keeps its tools in the order they were given, so that a prompt cache stays warm [B-07] [B-10]", () => {
    expect(defineAgent({ name: "a", instructions: "", tools: [other, tool] }).tools).toEqual([other, tool]);
  });

  it("has the tools it was defined with, whatever becomes of the list", () => {
    const tools = [other];
    const agent = defineAgent({ name: "a", instructions: "", tools });
    tools.push(other);
    expect(agent.tools).toEqual([other]);
  });

  it("has the limits it names, and the others by default", () => {
    const given: Record<string, number | undefined> = {
      maxTurns: 3,
      toolTimeoutMs: Infinity,
      runTimeoutMs: undefined,
    };
    const limits = given as Partial<Limits>;
    expect(defineAgent({ name: "a", instructions: "", limits }).limits).toEqual({
      ...DEFAULT_LIMITS,
      maxTurns: 3,
      toolTimeoutMs: Infinity,
    });
  });
});

describe("limits laid over others", () => {
  it("change what they name and leave what they were laid over", () => {
    const base = { ...DEFAULT_LIMITS, maxTurns: 3 };
    expect(resolveLimits(base, { maxParallelTools: 1 }, "It")).toEqual({ ...base, maxParallelTools: 1 });
    expect(resolveLimits(base, undefined, "It")).toBe(base);
    expect(base.maxParallelTools).toBe(8);
  });
});

describe("a definition that is wrong", () => {
  const fine = { name: "a", instructions: "Help." };
  const wrong: Record<string, readonly [definition: object, says: string]> = {
    "no name": [{ instructions: "" }, "An agent needs a name."],
    "an empty name": [{ ...fine, name: " " }, "An agent needs a name."],
    "a name that is no text": [{ ...fine, name: 7 }, "An agent needs a name."],
    "no instructions": [{ name: "a" }, 'Agent "a": instructions must be a string, the system prompt.'],
    "instructions that are no text": [
      { ...fine, instructions: ["Help."] },
      'Agent "a": instructions must be a string, the system prompt.',
    ],
    "a tool that is not made by defineTool": [
      { ...fine, tools: [{ name: "t", description: "d", input: {}, execute: () => 1 }] },
      'Agent "a": tool "t" was not made by defineTool().',
    ],
    "two tools of one name": [{ ...fine, tools: [tool, other, tool] }, 'Agent "a" has two tools named "t".'],
    "a tool of the name that outputs are handed in by": [
      { ...fine, tools: [{ ...tool, name: "submit_output" }], output: { type: "object" } },
      'Agent "a" has two tools named "submit_output".',
    ],
    "a limit of nothing": [
      { ...fine, limits: { maxTurns: 0 } },
      "limit maxTurns must be a number of at least 1; got 0.",
    ],
    "a negative limit": [{ ...fine, limits: { maxTurns: -1 } }, "must be a number of at least 1; got -1."],
    "a limit that is no number": [
      { ...fine, limits: { maxTurns: "3" } },
      "must be a number of at least 1; got 3.",
    ],
    "a limit that is not a number": [{ ...fine, limits: { toolTimeoutMs: Number.NaN } }, "above 0; got NaN."],
    "a limit that is null": [{ ...fine, limits: { toolTimeoutMs: null } }, "above 0; got null."],
  };

  it.each(Object.entries(wrong))("is refused with one clear error: %s", (_, [definition, says]) => {
    expect(() => defineAgent(definition as AgentDefinition)).toThrow(
      expect.objectContaining({
        name: "LoophostError",
        code: "invalid_agent",
        message: expect.stringContaining(says),
      }),
    );
  });

  /** What is so far from a definition that no one word in the message is owed. */
  const nonsense: Record<string, unknown> = {
    nothing: undefined,
    "tools that are no list": { ...fine, tools: { t: tool } },
    "a tool that is null": { ...fine, tools: [null] },
    "limits that are null": { ...fine, limits: null },
    "a model that is no text": { ...fine, model: 7 },
    "half a parallel tool": { ...fine, limits: { maxParallelTools: 0.5 } },
  };

  it.each(Object.entries(nonsense))("is refused with one clear error: %s", (_, definition) => {
    expect(() => defineAgent(definition as AgentDefinition)).toThrow(
      expect.objectContaining({ code: "invalid_agent" }),
    );
  });
});
