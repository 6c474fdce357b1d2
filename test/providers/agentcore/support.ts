// A stand-in that is closed with the test, and a provider for it.

import { onTestFinished } from "vitest";

import type { AgentCoreOptions } from "../../../src/providers/agentcore/agentcore.ts";
import { agentcore } from "../../../src/providers/agentcore/agentcore.ts";
import type { AgentCoreStandIn, StandInOptions } from "../../../src/stand-ins/agentcore/stand-in.ts";
import { agentCoreStandIn } from "../../../src/stand-ins/agentcore/stand-in.ts";

export async function standIn(options: StandInOptions): Promise<AgentCoreStandIn> {
  const made = await agentCoreStandIn(options);
  onTestFinished(() => made.close());
  return made;
}

export function providerFor(
  { url, harnessArn }: AgentCoreStandIn,
  options: Partial<AgentCoreOptions> = {},
): ReturnType<typeof agentcore> {
  return agentcore({ harnessArn, baseUrl: url, controlBaseUrl: url, tools: "replace", ...options });
}

/** The invocations a stand-in saw, as the messages they carried. */
export function saidTo({ requests }: AgentCoreStandIn): unknown[] {
  return requests
    .filter(({ path }) => path === "/harnesses/invoke")
    .map(({ body }) => (body as { readonly messages: unknown }).messages);
}
