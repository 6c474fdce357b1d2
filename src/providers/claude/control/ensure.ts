/**
 * Agents and environments that are there when they are needed: found by name before they are made.
 *
 * A name ends in a digest of the definition, so a changed definition is another agent, and an unchanged one is never made twice.
 */

import type { Agent } from "../../../core/agent.ts";
import { digestOf } from "../../../core/digest.ts";
import { LoophostError, toLoophostError } from "../../../core/errors.ts";
import { isBuiltInTool } from "../api/built-in-tools.ts";
import type { CallOptions, Path, Requests, ClaudeWireObject } from "../api/requests.ts";
import type { EnvironmentConfig } from "./environments.ts";
import type { AgentExtras } from "./session-setup.ts";
import type { ToolPlace } from "./tool-names.ts";
import { checkToolNames } from "./tool-names.ts";

/** Something that is there now. */
export interface Ensured {
  readonly id: string;
  /** Whether it was made just now. */
  readonly isNew: boolean;
}

const DEFAULT_NAME = "loophost";
const DEFAULT_CONFIG: EnvironmentConfig = { type: "cloud", networking: { type: "unrestricted" } };

/**
 * The host's agent for a definition.
 *
 * @throws LoophostError `invalid_agent` when the definition names no model, or has a tool the host could never call
 */
export async function ensureAgent(
  requests: Requests,
  agent: Agent,
  extras: AgentExtras & ToolPlace,
  options: CallOptions,
): Promise<Ensured> {
  const definition = toWireAgent(agent, extras);
  await checkToolNames(requests, agent, extras, options);
  return ensure(requests, ["agents"], `${agent.name}_${await shortDigest(definition)}`, definition, options);
}

/** An environment as described; without a description one for sessions whose tools all run here. */
export async function ensureEnvironment(
  requests: Requests,
  config: EnvironmentConfig | undefined,
  options: CallOptions,
): Promise<Ensured> {
  const name = config === undefined ? DEFAULT_NAME : `${DEFAULT_NAME}_${await shortDigest(config)}`;
  return ensure(requests, ["environments"], name, { config: config ?? DEFAULT_CONFIG }, options);
}

function toWireAgent(agent: Agent, { hostTools = [], mcpServers, skills }: AgentExtras): object {
  if (agent.model === undefined) {
    throw new LoophostError(
      "invalid_agent",
      `Agent "${agent.name}" names no model; claude() needs one, such as "claude-sonnet-5-5".`,
    );
  }
  const custom = agent.tools
    // Tools named like the host's own answer the calls of its toolset.
    .filter(({ name }) => !isBuiltInTool(name))
    .map(({ name, description, schema }) => ({
      type: "custom",
      name,
      description,
      input_schema: schema.jsonSchema,
    }));
  return {
    // A "provider:" qualifier means something to us, not to the host.
    model: agent.model.replace(/^[^:]*:/, ""),
    system: agent.instructions,
    tools: [...hostTools, ...custom],
    ...(mcpServers !== undefined && { mcp_servers: mcpServers }),
    ...(skills !== undefined && { skills }),
  };
}

async function ensure(
  requests: Requests,
  path: Path,
  name: string,
  definition: object,
  options: CallOptions,
): Promise<Ensured> {
  const find = () => findByName(requests, path, name, options);
  const found = await find();
  if (found !== undefined) return { id: found.id, isNew: false };
  try {
    // Two of a name would do no harm, since either is found by it; so a post whose reply was lost may be repeated.
    const make = async (attempt: number) =>
      (attempt > 1 ? await find() : undefined) ??
      (await requests.post(path, { name, ...definition }, options));
    const made = await requests.repeat(make, options);
    return { id: made.id, isNew: true };
  } catch (thrown) {
    // Somebody else was faster; or it was made, and the reply does not say under which id.
    const { status, code } = toLoophostError(thrown, "host_failed", name);
    const other = status === 409 || code === "host_protocol" ? await find() : undefined;
    if (other === undefined) throw thrown;
    return { id: other.id, isNew: false };
  }
}

async function findByName(
  requests: Requests,
  path: Path,
  name: string,
  options: CallOptions,
): Promise<ClaudeWireObject | undefined> {
  for await (const item of requests.list(path, { limit: 100 }, options))
    if (item["name"] === name && (item["archived_at"] ?? null) === null) return item;
  return undefined;
}

async function shortDigest(definition: object): Promise<string> {
  return (await digestOf(definition)).slice(0, 8);
}
