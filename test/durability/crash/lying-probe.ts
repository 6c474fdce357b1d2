// A tool whose probe forgets: crashTest must find the second payment. A module for crashTest, never imported.

import { defineAgent, defineTool } from "loophost";
import { local } from "loophost/providers/local";
import { sqliteStore } from "loophost/stores/sqlite";
import { crashSession } from "loophost/testing/node";

await crashSession(({ folder, ledger }) => {
  const pay = defineTool({
    name: "pay",
    description: "Pays",
    input: { type: "object" },
    execute: (_, call) => ledger.record(call),
    ifCrashed: { probe: async () => undefined },
  });
  return {
    agent: defineAgent({ name: "payer", instructions: "Pay.", tools: [pay] }),
    provider: local({
      model: ({ messages }) =>
        messages.at(-1)?.role === "tool"
          ? "Paid."
          : [{ type: "tool_call", id: "c1", name: "pay", input: {} }],
    }),
    store: sqliteStore(`${folder}/sessions.db`),
    prompt: "Pay the bill.",
  };
});
