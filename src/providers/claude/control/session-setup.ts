/** What a session is made with, beside the agent. */

import type { Check, Checks } from "../../../core/check-options.ts";
import { isString, listOf, must, NAME, STRING, STRINGS_BY_NAME } from "../../../core/check-options.ts";
import { LoophostError } from "../../../core/errors.ts";
import { isObject } from "../../../core/json.ts";
import type { Money } from "../../../core/results.ts";
import { MONEY } from "./budget.ts";
import type { EnvironmentConfig } from "./environments.ts";

/** What an agent at the host has beside instructions and tools of ours, in the words of the wire. */
export interface AgentExtras {
  /**
   * Tools the host runs, such as `{ type: "agent_toolset_20260401" }` or `{ type: "mcp_toolset", mcp_server_name }`.
   * Default: none.
   */
  readonly hostTools?: readonly { readonly type: string; readonly [field: string]: unknown }[] | undefined;
  /** MCP servers the host talks to, as `{ type: "url", name, url }`. Default: none. */
  readonly mcpServers?: readonly object[] | undefined;
  /** Skills of the agent, in the wire's own form. Default: none. */
  readonly skills?: readonly object[] | undefined;
}

/** What the provider makes a session with. */
export interface SessionSetup extends AgentExtras {
  /** An agent that exists at the host. Default: one made from the agent's definition, and found again by it. */
  readonly agentId?: string | undefined;
  /** An environment that exists at the host. Default: one made from `environment`, and found again by it. */
  readonly environmentId?: string | undefined;
  /** The wire's description of an environment, passed on untouched. Default: in the cloud, with networking. */
  readonly environment?: EnvironmentConfig | undefined;
  /** What sessions are listed with. Default: none. */
  readonly title?: string | undefined;
  /** Names and values that sessions bear at the host; it takes at most 15. Default: none. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** What the session is given to work with, such as `{ type: "file", file_id, mount_path }`. Default: none. */
  readonly resources?: readonly object[] | undefined;
  /** The vaults whose credentials a session may use. Default: none. */
  readonly vaultIds?: readonly string[] | undefined;
  /** What a session may cost at list prices; its runs then end with the stop reason `budget_reached`. Default: no bound. */
  readonly budget?: Money | undefined;
}

/** What an environment has to be, as far as it is ours to check. */
const ENVIRONMENT: Check = must('the wire\'s description of one, such as { type: "self_hosted" }', isTyped);

/** What each of the extras has to be. */
const EXTRAS: Checks<AgentExtras> = {
  hostTools: listOf('objects, such as { type: "agent_toolset_20260401" }', isTyped),
  mcpServers: listOf('objects, such as { type: "url", name, url }', isObject),
  skills: listOf("objects", isObject),
};

/** What each part of a setup has to be. */
export const SETUP: Checks<SessionSetup> = {
  ...EXTRAS,
  agentId: NAME,
  environmentId: NAME,
  environment: ENVIRONMENT,
  title: STRING,
  metadata: STRINGS_BY_NAME,
  resources: listOf('objects, such as { type: "file", file_id, mount_path }', isObject),
  vaultIds: listOf("strings", isString),
  budget: MONEY,
};

/**
 * Checks that nothing contradicts.
 *
 * @throws LoophostError `invalid_options`
 */
export function checkSetup(setup: SessionSetup): void {
  const { agentId, environmentId, environment } = setup;
  const unused = (["hostTools", "mcpServers", "skills"] as const).find((name) => setup[name] !== undefined);
  if (agentId !== undefined && unused !== undefined)
    throw refused(`${unused} goes into an agent that is made here; leave it out, or agentId.`);
  if (environmentId !== undefined && environment !== undefined)
    throw refused("environment describes one that is made here; leave it out, or environmentId.");
}

function isTyped(value: unknown): boolean {
  return isObject(value) && isString(value["type"]);
}

function refused(message: string): LoophostError {
  return new LoophostError("invalid_options", `claude(): ${message}`);
}
