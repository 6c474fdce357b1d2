// An agent whose tools write down each time they run, for a process that dies over one of them.

import { appendFileSync, readFileSync } from "node:fs";

import { defineAgent, defineTool } from "loophost";
import type { Agent } from "loophost";

const ledger = process.env["LEDGER"] ?? "";

const tools = [
  defineTool({
    name: "note",
    description: "Writes itself down.",
    input: { type: "object" },
    execute(_input, { idempotencyKey }) {
      appendFileSync(ledger, `note ${idempotencyKey}\n`);
      return "noted";
    },
  }),
  defineTool({
    name: "slow",
    description: "Writes itself down, and does not end the first time.",
    input: { type: "object" },
    ifCrashed: "rerun",
    execute(_input, { idempotencyKey }) {
      const isFirst = !readFileSync(ledger, "utf8").includes("slow");
      appendFileSync(ledger, `slow ${idempotencyKey}\n`);
      return isFirst ? new Promise(() => undefined) : "done at last";
    },
  }),
];

const keeper: Agent = defineAgent({ name: "keeper", instructions: "Note.", model: "test-model", tools });
export default keeper;
