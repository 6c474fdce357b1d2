// The session that is crashed: ten turns of two notes each, over SQLite. A module for crashTest, never imported.

import { defineAgent, defineTool, type Provider } from "loophost";
import { claude } from "loophost/providers/claude";
import { local, openAICompatible } from "loophost/providers/local";
import { sqliteStore } from "loophost/stores/sqlite";
import { crashSession, type Ledger } from "loophost/testing/node";

import type { CrashArgs } from "./campaign.ts";

await crashSession(({ folder, ledger, args }) => {
  const { host, url, ifCrashed } = args as unknown as CrashArgs;
  return {
    agent: defineAgent({
      name: "noter",
      instructions: "Note.",
      model: "noting-model",
      tools: [noteTool(ledger, ifCrashed)],
    }),
    provider: providerFor(host, url),
    store: sqliteStore(`${folder}/sessions.db`),
    prompt: "go",
  };
});

function noteTool(ledger: Ledger, ifCrashed: CrashArgs["ifCrashed"]) {
  return defineTool({
    name: "note",
    description: "Notes a number",
    input: { type: "object", properties: { n: { type: "number" } }, required: ["n"] },
    execute: ({ n }, call) => {
      ledger.record(call, String(n));
      return String(n);
    },
    ifCrashed: ifCrashed === "probe" ? { probe: async (key) => ledger.find(key) } : ifCrashed,
  });
}

function providerFor(host: CrashArgs["host"], url: string): Provider {
  if (host === "claude") return claude({ baseUrl: url, apiKey: "none" });
  // More tries than by default: four faults in a row do come up in thousands of requests.
  return local({ model: openAICompatible({ baseUrl: url, retry: { firstDelayMs: 5, attempts: 10 } }) });
}
