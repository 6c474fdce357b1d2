/**
 * What a session needs at the host: an agent with our definition, and an environment. Both are found by name before they are
 * made; the agent's name ends in a digest of its definition, so a changed definition is a new agent and an unchanged one is never made twice.
 */

import type { Agent } from "../../core/agent.ts";
import { digestOf } from "../../core/digest.ts";
import { LoophostError } from "../../core/errors.ts";
import { isObject } from "../../core/json.ts";
import type { ClaudeApi } from "./client.ts";

const ENVIRONMENT_NAME = "loophost";
const MAX_PAGES = 1_000;

/**
 * The id of the host's agent for a definition, made if it is not there.
 *
 * @throws LoophostError `invalid_agent` when the definition names no model
 */
export async function ensureAgent(api: ClaudeApi, agent: Agent, signal: AbortSignal): Promise<string> {
  if (agent.model === undefined) {
    throw new LoophostError(
      "invalid_agent",
      `Agent "${agent.name}" names no model; claude() needs one, such as "claude-sonnet-5-5".`,
    );
  }
  const definition = {
    // A "provider:" qualifier means something to us, not to the host.
    model: agent.model.replace(/^[^:]*:/, ""),
    system: agent.instructions,
    tools: agent.tools.map(({ name, description, schema }) => ({
      type: "custom",
      name,
      description,
      input_schema: schema.jsonSchema,
    })),
  };
  const name = `${agent.name}_${(await digestOf(definition)).slice(0, 8)}`;
  return (
    (await findByName(api, "/v1/agents", name, signal)) ??
    idOf(await api.post("/v1/agents", { name, ...definition }, signal))
  );
}

/** The id of an environment for sessions whose tools all run here, made if it is not there. */
export async function ensureEnvironment(api: ClaudeApi, signal: AbortSignal): Promise<string> {
  const found = await findByName(api, "/v1/environments", ENVIRONMENT_NAME, signal);
  if (found !== undefined) return found;
  const config = { type: "cloud", networking: { type: "unrestricted" } };
  return idOf(await api.post("/v1/environments", { name: ENVIRONMENT_NAME, config }, signal));
}

/** Makes a session. */
export async function createSession(
  api: ClaudeApi,
  agentId: string,
  environmentId: string,
  signal: AbortSignal,
): Promise<string> {
  return idOf(await api.post("/v1/sessions", { agent: agentId, environment_id: environmentId }, signal));
}

/** Reads all pages of a list. A server that gives the same cursor twice is not followed in circles. */
export async function* listAll(
  api: ClaudeApi,
  path: string,
  query: Record<string, unknown>,
  signal: AbortSignal,
): AsyncGenerator<readonly unknown[]> {
  const followed = new Set<string>();
  for (let page: string | undefined; followed.size < MAX_PAGES;) {
    const body = await api.get(path, page === undefined ? query : { ...query, page }, signal);
    yield Array.isArray(body["data"]) ? body["data"] : [];
    const next = body["next_page"];
    if (typeof next !== "string" || next === "" || followed.has(next)) return;
    followed.add(next);
    page = next;
  }
}

async function findByName(
  api: ClaudeApi,
  path: string,
  name: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  for await (const page of listAll(api, path, { limit: 100 }, signal)) {
    const found = page.find(
      (item) => isObject(item) && item["name"] === name && (item["archived_at"] ?? null) === null,
    );
    if (isObject(found)) return idOf(found);
  }
  return undefined;
}

function idOf(body: Record<string, unknown>): string {
  if (typeof body["id"] === "string") return body["id"];
  throw new LoophostError("host_protocol", "The host answered with an object that has no id.");
}
