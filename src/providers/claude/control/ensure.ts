/**
 * Get-or-create for agents and environments: found by name before they are made.
 *
 * A name ends with a digest of the definition, so a changed definition is another agent, and an unchanged one is never
 * made twice. Race: the host accepts several of one name, so whoever makes one lists again, and all agree on the
 * oldest.
 */

import type { Agent } from "../../../core/agent.ts";
import { canonical, digestOf } from "../../../core/digest.ts";
import { LoophostError, toLoophostError } from "../../../core/errors.ts";
import type { NameRules } from "../../../core/provisioning.ts";
import { resourceName } from "../../../core/provisioning.ts";
import { isBuiltInTool } from "../api/built-in-tools.ts";
import type { CallOptions, ClaudeWireObject, Requests } from "../api/requests.ts";
import type { EnvironmentConfig } from "./environments.ts";
import type { AgentExtras } from "./session-setup.ts";
import type { ToolPlace } from "./tool-names.ts";
import { checkToolNames } from "./tool-names.ts";

/** Something that is there now. */
export interface EnsuredObject {
  readonly id: string;
  /** Whether it was made just now. */
  readonly isNew: boolean;
}

/** Where agents and environments are on the wire. */
export type NamedPath = "agents" | "environments";

/** What the host takes for the names of both. */
export const NAMES: NameRules = { maxBytes: 256, isPlain: false };

const DEFAULT_NAME = "loophost";
const DEFAULT_CONFIG: EnvironmentConfig = { type: "cloud", networking: { type: "unrestricted" } };

/**
 * The host's agent of a name, which stands for the definition.
 *
 * @throws LoophostError `invalid_agent` when the definition names no model, or has a tool the host could never call
 */
export async function ensureAgent(
  requests: Requests,
  name: string,
  agent: Agent,
  extras: AgentExtras & ToolPlace,
  options: CallOptions,
): Promise<EnsuredObject> {
  const definition = toWireAgent(agent, extras);
  await checkToolNames(requests, agent, extras, options);
  return ensure(requests, "agents", name, definition, options);
}

/** The host's environment of a name, which stands for the description; without one it is for sessions whose tools all run here. */
export function ensureEnvironment(
  requests: Requests,
  name: string,
  config: object | undefined,
  options: CallOptions,
): Promise<EnsuredObject> {
  return ensure(requests, "environments", name, { config: config ?? DEFAULT_CONFIG }, options);
}

/** The name of the environment that all sessions of a description share where none was provisioned. */
export async function sharedEnvironmentName(config: EnvironmentConfig | undefined): Promise<string> {
  return config === undefined
    ? DEFAULT_NAME
    : resourceName(DEFAULT_NAME, await digestOf(canonical(config, "claude(): environment")), NAMES);
}

/** The live objects of a list, over all pages. */
export async function* listLive(
  requests: Requests,
  path: NamedPath,
  options: CallOptions,
): AsyncGenerator<ClaudeWireObject, void, undefined> {
  for await (const item of requests.list([path], { limit: 100 }, options))
    if ((item["archived_at"] ?? null) === null) yield item;
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
  path: NamedPath,
  name: string,
  definition: object,
  options: CallOptions,
): Promise<EnsuredObject> {
  const find = () => findOldest(requests, path, name, options);
  const found = await find();
  if (found !== undefined) return { id: found.id, isNew: false };
  try {
    // Two of a name do no harm, since all agree on one; so a post whose reply was lost may be repeated.
    const make = async (attempt: number) =>
      (attempt > 1 ? await find() : undefined) ??
      (await requests.post([path], { name, ...definition }, options));
    const made = await requests.repeat(make, options);
    return await agreed(requests, path, made.id, find, options);
  } catch (thrown) {
    // Created, but the reply has no id; or this host allows a name once, and another process was faster.
    const error = toLoophostError(thrown, "host_failed", name);
    if (error.status !== 409 && error.code !== "host_protocol") throw thrown;
    const other = await find();
    if (other !== undefined) return { id: other.id, isNew: error.code === "host_protocol" };
    throw error.status === 409 ? taken(path, name, error) : thrown;
  }
}

/** Race: when several are made at once, the oldest counts for everybody, and each maker deletes its own other one. */
async function agreed(
  requests: Requests,
  path: NamedPath,
  id: string,
  find: () => Promise<ClaudeWireObject | undefined>,
  options: CallOptions,
): Promise<EnsuredObject> {
  const oldest = await find().catch(() => undefined);
  if (oldest === undefined || oldest.id === id) return { id, isNew: true };
  await requests.change([path, id, "archive"], undefined, options).catch(() => undefined);
  return { id: oldest.id, isNew: false };
}

async function findOldest(
  requests: Requests,
  path: NamedPath,
  name: string,
  options: CallOptions,
): Promise<ClaudeWireObject | undefined> {
  let oldest: ClaudeWireObject | undefined;
  for await (const item of listLive(requests, path, options))
    if (item["name"] === name && (oldest === undefined || isOlder(item, oldest))) oldest = item;
  return oldest;
}

function isOlder(one: ClaudeWireObject, other: ClaudeWireObject): boolean {
  const [a, b] = [madeAt(one), madeAt(other)];
  return a === b ? one.id < other.id : a < b;
}

/** When something was made, in milliseconds since 1970; 0 where the host does not say. */
export function madeAt({ created_at: at }: ClaudeWireObject): number {
  return (typeof at === "string" && Date.parse(at)) || 0;
}

function taken(path: NamedPath, name: string, error: LoophostError): LoophostError {
  return new LoophostError(
    "provision_failed",
    `The host says that the name ${name} is taken, and lists no live one among its ${path}: it may be archived. Give another name.`,
    { cause: error, status: 409, hostCode: error.hostCode, requestId: error.requestId, mayRetry: false },
  );
}
