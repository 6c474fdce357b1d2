import type { SessionResult } from "loophost";
import { LoophostError } from "loophost";
import { expect, it } from "vitest";

import { inCommands, inFlags } from "../../../src/cli/agent/in-flags.ts";

const stored = { sessionId: "s_1", agentFile: "agent.ts", storeFile: "kept.db", model: undefined };
const outage = (turns: number, mayRetry?: boolean) =>
  new LoophostError("host_unreachable", "The host is gone.", {
    mayRetry,
    result: { turns } as SessionResult,
  });

it.each([
  ["had begun", outage(1), "claude", "To go on: loophost resume s_1 agent.ts --store kept.db"],
  ["never had the message", outage(0), "claude", "The host had not begun: say it again with --session s_1."],
  [
    "may have the message",
    outage(0, false),
    "claude",
    "To go on: loophost resume s_1 agent.ts --store kept.db",
  ],
  [
    "is this process, which has it",
    outage(0),
    "local",
    "To go on: loophost resume s_1 agent.ts --store kept.db",
  ],
])("says how to go on after an outage of a host that %s", (_, error, provider, wayOut) => {
  expect(inCommands(error, provider, stored).message).toBe(`The host is gone. ${wayOut}`);
});

it.each([
  ["claude", "It is a web page. Check baseUrl.", "Check the address: --base-url, or ANTHROPIC_BASE_URL."],
  ["agentcore", "A redirect. Set baseUrl to where it leads.", "Set --base-url to where it leads."],
  ["local", "It is a web page. Check baseUrl.", "Check the address: OPENAI_BASE_URL."],
  ["local", "401. Check the API key (option apiKey).", "Check the API key (OPENAI_API_KEY)."],
  ["local", "401. Check the API key (option apiKey, or ANTHROPIC_API_KEY).", "key (ANTHROPIC_API_KEY)."],
  ["local", "No key. Pass the option apiKey, or set ANTHROPIC_API_KEY.", "No key. Set ANTHROPIC_API_KEY."],
])("says in flags and variables what the library says in options: %s, %s", (provider, message, said) => {
  expect(inFlags(new LoophostError("host_protocol", message), provider).message).toContain(said);
});

it("says how long a service that is asked too much wants to be left alone", () => {
  const error = new LoophostError("host_rejected", "Too many requests.", {
    status: 429,
    retryAfterMs: 30_000,
  });
  expect(inCommands(error, "local", undefined).message).toBe("Too many requests. It asks to wait 30.0 s.");
  expect(inCommands(error, "local", stored).message).toContain("It asks to wait 30.0 s. To go on: ");
});
