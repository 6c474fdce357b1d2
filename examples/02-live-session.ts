// A session while it happens: text as it is written, a tool that asks before it runs, and a tool without `execute`,
// whose answer comes from somewhere else.

import assert from "node:assert/strict";

import { defineAgent, defineTool, openSession } from "loophost";
import { local, type ModelFunction } from "loophost/providers/local";
import { z } from "zod";

const refunded: number[] = [];

const refund = defineTool({
  name: "refund",
  description: "Pays an order back.",
  input: z.object({ order: z.number() }),
  needsApproval: true,
  execute: ({ order }) => `refund number ${refunded.push(order)}`,
});

const askCustomer = defineTool({
  name: "ask_customer",
  description: "Asks the customer, who may take a while.",
  input: z.object({ question: z.string() }),
});

const agent = defineAgent({ name: "support", instructions: "Be brief.", tools: [refund, askCustomer] });

const model: ModelFunction = ({ messages }) => {
  const answers = messages.filter(({ role }) => role === "tool").length;
  if (answers === 0)
    return [{ type: "tool_call", id: "ask_1", name: "ask_customer", input: { question: "Which order?" } }];
  if (answers === 1) return [{ type: "tool_call", id: "refund_1", name: "refund", input: { order: 42 } }];
  return ["Order 42 ", "is paid ", "back."].map((text) => ({ type: "text", text }));
};

await using session = await openSession(agent, { provider: local({ model }) });
const run = session.send("I want my money back.");
for await (const event of run) {
  if (event.type === "text.delta") process.stdout.write(event.text);
  if (event.type === "approval.requested") await session.approve(event.id);
  if (event.type === "run.waiting")
    for (const { id, what } of event.on) if (what === "answer") await session.answer(id, "Order 42, please.");
}
const result = await run.result();
console.log(`\n${result.toolCalls.map(({ name }) => name).join(", then ")}`);

assert.deepEqual(refunded, [42]);
assert.equal(result.text, "Order 42 is paid back.");
