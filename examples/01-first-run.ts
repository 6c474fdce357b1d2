// The shortest way to an answer: a tool, an agent, run(). The model is a function here, so nothing needs a key or a
// network; put anthropicMessages({ model: "…" }) in its place, and the rest stays as it is.

import assert from "node:assert/strict";

import { defineAgent, defineTool, resultText, run } from "loophost";
import { local, type ModelFunction } from "loophost/providers/local";
import { z } from "zod";

const orders = new Map([["42", { status: "shipped", arrives: "Tuesday" }]]);

const lookupOrder = defineTool({
  name: "lookup_order",
  description: "Finds an order by its number.",
  input: z.object({ id: z.string() }),
  execute: ({ id }) => orders.get(id) ?? "no such order",
});

const support = defineAgent({
  name: "support",
  instructions: "You answer questions about orders in one sentence.",
  tools: [lookupOrder],
});

const model: ModelFunction = ({ messages }) => {
  const last = messages.at(-1);
  if (last?.role !== "tool")
    return [{ type: "tool_call", id: "call_1", name: "lookup_order", input: { id: "42" } }];
  return last.results.map(({ result }) => `Order 42: ${resultText(result)}`).join("");
};

const result = await run(support, { provider: local({ model }), prompt: "Where is order 42?" });

console.log(result.text);
console.log(`${result.terminal} after ${result.turns} turns and ${result.toolCalls.length} tool call`);

assert.equal(result.terminal, "end_turn");
assert.equal(result.text, 'Order 42: {"status":"shipped","arrives":"Tuesday"}');
assert.deepEqual(result.toolCalls, [{ id: "call_1", name: "lookup_order", input: { id: "42" } }]);
