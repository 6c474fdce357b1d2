// An agent whose tool takes as long as it is told, and writes down that it began and ended.

import { appendFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

import { defineAgent, defineTool } from "loophost";
import type { Agent } from "loophost";

const ledger = process.env["LEDGER"] ?? "";

const take = defineTool({
  name: "take",
  description: "Takes so many milliseconds.",
  input: { type: "object", properties: { ms: { type: "number" } } },
  ifCrashed: "rerun",
  async execute({ ms }, { idempotencyKey }) {
    appendFileSync(ledger, `began ${idempotencyKey}\n`);
    await setTimeout(Number(ms));
    appendFileSync(ledger, `ended ${idempotencyKey}\n`);
    return "taken";
  },
});

const pace: Agent = defineAgent({ name: "pace", instructions: "Take.", model: "test-model", tools: [take] });
export default pace;
