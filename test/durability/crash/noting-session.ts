// The session that is crashed: ten turns of two notes each, over SQLite. A module for crashTest, never imported.

import { defineAgent, defineTool, type LoophostError, type Provider } from "loophost";
import { agentcore } from "loophost/providers/agentcore";
import { claude } from "loophost/providers/claude";
import { local, openAICompatible } from "loophost/providers/local";
import { sqliteStore } from "loophost/stores/sqlite";
import { crashSession, type Ledger } from "loophost/testing/node";

import { BEARER, type CrashArgs, GO_ON } from "./campaign.ts";

await crashSession(({ folder, ledger, args }) => {
  const { host, ifCrashed } = args as unknown as CrashArgs;
  return {
    agent: defineAgent({
      name: "noter",
      instructions: "Note.",
      model: "noting-model",
      tools: [noteTool(ledger, ifCrashed)],
    }),
    provider: providerFor(args as unknown as CrashArgs),
    store: sqliteStore(`${folder}/sessions.db`),
    prompt: "go",
    // A turn that nobody can know is lost; the session goes on.
    ...(host === "agentcore" && { afterFailure: (error) => (isLoss(error) ? GO_ON : undefined) }),
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

function isLoss({ code, mayRetry }: LoophostError): boolean {
  return ["host_failed", "host_protocol"].includes(code) && mayRetry === false;
}

function providerFor({ host, url, harnessArn = "" }: CrashArgs): Provider {
  if (host === "agentcore")
    return agentcore({
      harnessArn,
      baseUrl: url,
      tools: "replace",
      bearerToken: BEARER,
      retry: { firstDelayMs: 5, attempts: 10 },
    });
  if (host === "claude") return claude({ baseUrl: url, apiKey: "none" });
  // More tries than by default: four faults in a row do come up in thousands of requests.
  return local({ model: openAICompatible({ baseUrl: url, retry: { firstDelayMs: 5, attempts: 10 } }) });
}
