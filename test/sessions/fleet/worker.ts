// A worker as a process of its own, for the fleet campaign: `worker.ts STORE LEDGER IF_CRASHED [RESTATE]`. It drains on SIGTERM.

import { appendFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

import { defineAgent, defineTool } from "loophost";
import { restateEngine } from "loophost/engines/restate";
import type { ModelFunction } from "loophost/providers/local";
import { local } from "loophost/providers/local";
import { sessions } from "loophost/sessions";

import { openStore } from "./store.ts";

const [, , where = "", ledger = "", ifCrashed = "answer", restate] = process.argv;

/** Calls `step` so many times, one after another, and then says so. */
const model: ModelFunction = ({ messages }) => {
  const asked = messages.findLastIndex(({ role }) => role === "user");
  const steps = messages.slice(asked).filter(({ role }) => role === "tool").length;
  const text = JSON.stringify(messages[asked]);
  const wanted = Number(/go (\d+)/.exec(text)?.[1] ?? 0);
  if (steps >= wanted) return `done ${wanted}`;
  return [{ type: "tool_call", id: `call_${messages.length}`, name: "step", input: { of: steps + 1 } }];
};

const step = defineTool({
  name: "step",
  description: "One step",
  input: { type: "object" },
  ...(ifCrashed === "rerun" && { ifCrashed }),
  async execute(_, { sessionId, callId }) {
    appendFileSync(ledger, `${JSON.stringify({ sessionId, callId, pid: process.pid, at: Date.now() })}\n`);
    await setTimeout(5 + Math.random() * 20);
    return "stepped";
  },
});

const app = sessions({
  store: openStore(where),
  agents: [
    {
      agent: defineAgent({ name: "stepper", instructions: "Step.", tools: [step] }),
      provider: local({ model }),
    },
  ],
  engine: restate === undefined ? undefined : restateEngine(JSON.parse(restate)),
  pollMs: restate === undefined ? 50 : 200,
});
const worker = await app.work();
process.once("SIGTERM", () => {
  worker.drain({ graceMs: 10_000 }).then(
    () => process.exit(0),
    () => process.exit(1),
  );
});
process.send?.("ready");
