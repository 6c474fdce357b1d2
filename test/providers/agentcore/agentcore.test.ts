import { expect, it } from "vitest";

import { defineAgent, defineTool, run } from "../../../src/index.ts";
import type { ModelFunction } from "../../../src/providers/local/models/function-model.ts";
import { providerFor, saidTo, standIn } from "./support.ts";

const add = defineTool({
  name: "add",
  description: "Adds two numbers.",
  input: { type: "object", properties: { a: { type: "number" }, b: { type: "number" } } },
  execute: ({ a, b }: Record<string, unknown>) => String(Number(a) + Number(b)),
});

/** Asks for two sums at once, then says what it was told. */
const twoSums: ModelFunction = ({ messages }) => {
  const last = messages.at(-1);
  if (last?.role !== "tool")
    return [
      { type: "text", text: "Adding." },
      { type: "tool_call", id: "tooluse_A", name: "add", input: { a: 1, b: 2 } },
      { type: "tool_call", id: "tooluse_B", name: "add", input: { a: 3, b: 4 } },
      { type: "usage", inputTokens: 10, outputTokens: 5 },
    ];
  const sums = last.results.map(({ result }) => result.content.map((block) => "text" in block && block.text));
  return [
    { type: "text", text: `Sums: ${sums.join(", ")}` },
    { type: "usage", inputTokens: 20, outputTokens: 7 },
  ];
};

const agent = defineAgent({ name: "Adder", instructions: "Add.", tools: [add] });

it("runs an agent whose calls are handed off one after the other", async () => {
  const host = await standIn({ model: twoSums });
  const result = await run(agent, { provider: providerFor(host), prompt: "Go" });
  expect(result).toMatchObject({
    terminal: "end_turn",
    stopReason: "end_turn",
    text: "Sums: 3, 7",
    turns: 3,
    toolCalls: [
      { id: "tooluse_A", name: "add", input: { a: 1, b: 2 } },
      { id: "tooluse_B", name: "add", input: { a: 3, b: 4 } },
    ],
    usage: { inputTokens: 30, outputTokens: 12 },
  });
  expect(saidTo(host)).toHaveLength(3);
});
