// The agent of the command line's tests: a tool of every temper.

import { writeSync } from "node:fs";

import { defineAgent, defineTool } from "loophost";
import type { Agent } from "loophost";

const orders = new Map([["42", "shipped"]]);

const tools = [
  defineTool({
    name: "lookup_order",
    description: "Finds an order.",
    input: { type: "object", properties: { id: { type: "string" } }, required: ["id"] },
    execute({ id }) {
      console.log("a tool may print");
      const order = orders.get(String(id));
      if (order === undefined) throw new Error(`no order ${String(id)}`);
      return order;
    },
  }),
  defineTool({
    name: "refund",
    description: "Pays back.",
    input: { type: "object" },
    needsApproval: true,
    execute: () => "paid back",
  }),
  defineTool({ name: "ask_customer", description: "Asks.", input: { type: "object" } }),
  defineTool({
    name: "spin",
    description: "Never lets go of the event loop.",
    input: { type: "object" },
    execute() {
      writeSync(2, "spinning\n");
      for (;;);
    },
  }),
  defineTool({
    name: "wait",
    description: "Never ends by itself.",
    input: { type: "object" },
    execute: () => new Promise(() => undefined),
  }),
];

const support: Agent = defineAgent({
  name: "support",
  instructions: "Help.",
  model: "test-model",
  tools,
  limits: { maxTurns: 3 },
});
export default support;
