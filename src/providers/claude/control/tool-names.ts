/**
 * Tools named like the host's built-in ones: the host refuses such names, so they are not sent, and work only where
 * built-in calls are executed here. Anywhere else the tool would silently be missing, so it is refused.
 */

import type { Agent } from "../../../core/agent.ts";
import { LoophostError } from "../../../core/errors.ts";
import { canRunHere, isBuiltInTool, isSelfHosted } from "../api/built-in-tools.ts";
import type { CallOptions, Requests } from "../api/requests.ts";
import type { SessionSetup } from "./session-setup.ts";

/** What decides where the host's own tools run. */
export type ToolPlace = Pick<SessionSetup, "hostTools" | "environment" | "environmentId">;

/**
 * Checks that no tool of an agent that is made here would be dropped. Asks the host only about an environment that exists.
 *
 * @throws LoophostError `invalid_agent` with the ways out
 */
export async function checkToolNames(
  requests: Requests,
  agent: Agent,
  place: ToolPlace,
  options: CallOptions,
): Promise<void> {
  const names = agent.tools.map(({ name }) => name).filter(isBuiltInTool);
  const online = names.find((name) => !canRunHere(name));
  if (online !== undefined) throw dropped(agent, online, ".");
  const [first] = names;
  if (first === undefined || (hasToolset(place) && (await isHere(requests, place, options)))) return;
  const way = 'environment: { type: "self_hosted" } and hostTools: [{ type: "agent_toolset_20260401" }]';
  throw dropped(agent, first, `; or, for it to run the host's calls of "${first}", pass ${way}.`);
}

function hasToolset({ hostTools = [] }: ToolPlace): boolean {
  return hostTools.some(({ type }) => type.startsWith("agent_toolset_"));
}

async function isHere(
  requests: Requests,
  { environment, environmentId }: ToolPlace,
  options: CallOptions,
): Promise<boolean> {
  if (environmentId === undefined) return isSelfHosted(environment);
  const { config } = await requests.read(["environments", environmentId], {}, options);
  return isSelfHosted(config);
}

function dropped(agent: Agent, name: string, otherWays: string): LoophostError {
  return new LoophostError(
    "invalid_agent",
    `Agent "${agent.name}": its tool "${name}" would never be called: the host has one of that name. Rename it${otherWays}`,
  );
}
