/** Agents as the host keeps and shows them: complete, versioned, every nullable field explicit. */

import type { Json, JsonObject } from "../../core/json.ts";
import { invalid, Refusal } from "../http/errors.ts";
import type { Metadata } from "../http/fields.ts";
import { isJsonObject, objectList, optionalString, patchMetadata, requiredString } from "../http/fields.ts";
import { newId } from "./ids.ts";
import { now } from "./time.ts";
import { readTools } from "./toolset.ts";

/** What a session takes from its agent when it is created. */
export type AgentSnapshot = {
  readonly id: string;
  readonly type: "agent";
  readonly version: number;
  readonly name: string;
  readonly description: string | null;
  readonly model: ModelConfig;
  readonly system: string | null;
  readonly tools: readonly JsonObject[];
  readonly mcp_servers: readonly JsonObject[];
  readonly skills: readonly JsonObject[];
  readonly multiagent: Json;
  readonly execution_identity: Json;
};

/** The model of an agent. */
type ModelConfig = JsonObject & { readonly id: string };

/** An agent, in one of its versions. */
export type AgentRecord = AgentSnapshot & {
  readonly metadata: Metadata;
  readonly created_at: string;
  readonly updated_at: string;
  readonly archived_at: string | null;
};

/** Makes an agent of the body of a create request. */
export function createAgent(body: JsonObject): AgentRecord {
  checkSize(body);
  const at = now();
  return {
    id: newId("agent"),
    type: "agent",
    version: 1,
    name: requiredString(body, "name", 256),
    description: optionalString(body, "description", 2_048) ?? null,
    model: readModel(body["model"]),
    system: optionalString(body, "system", 100_000) ?? null,
    tools: readTools(body),
    mcp_servers: objectList(body, "mcp_servers", 20),
    skills: objectList(body, "skills", 500),
    multiagent: body["multiagent"] ?? null,
    execution_identity: body["execution_identity"] ?? { type: "service_account" },
    metadata: patchMetadata({}, body["metadata"]),
    created_at: at,
    updated_at: at,
    archived_at: null,
  };
}

/** Makes the next version of an agent: null clears a field, lists are replaced whole, metadata is patched. */
export function updateAgent(agent: AgentRecord, body: JsonObject): AgentRecord {
  checkSize(body);
  if (agent.archived_at !== null) throw invalid(`Agent ${agent.id} is archived and cannot be changed.`);
  const expected = body["version"];
  if (expected !== undefined && expected !== agent.version) {
    throw new Refusal(
      "conflict_error",
      `Agent ${agent.id} is at version ${agent.version}, not ${JSON.stringify(expected)}. Read it again.`,
    );
  }
  return {
    ...overridden(agent, body),
    ...("name" in body && { name: requiredString(body, "name", 256) }),
    ...("description" in body && { description: optionalString(body, "description", 2_048) ?? null }),
    ...("multiagent" in body && { multiagent: body["multiagent"] ?? null }),
    ...(body["execution_identity"] && { execution_identity: body["execution_identity"] }),
    metadata: patchMetadata(agent.metadata, body["metadata"]),
    version: agent.version + 1,
    updated_at: now(),
  };
}

/** An agent with the fields a session may override replaced. */
export function overridden<T extends AgentSnapshot>(agent: T, body: JsonObject): T {
  return {
    ...agent,
    ...("model" in body && { model: readModel(body["model"]) }),
    ...("system" in body && { system: optionalString(body, "system", 100_000) ?? null }),
    ...("tools" in body && { tools: readTools(body) }),
    ...("mcp_servers" in body && { mcp_servers: objectList(body, "mcp_servers", 20) }),
    ...("skills" in body && { skills: objectList(body, "skills", 500) }),
  };
}

/** What a session keeps of an agent. */
export function snapshotOf(agent: AgentRecord): AgentSnapshot {
  const { metadata: _, created_at: __, updated_at: ___, archived_at: ____, ...snapshot } = agent;
  return snapshot;
}

function readModel(model: Json | undefined): ModelConfig {
  if (typeof model === "string" && model !== "") return { id: model, speed: "standard" };
  if (!isJsonObject(model)) throw invalid("model is required: an id, or an object with an id.");
  const { effort, inference_geo: geo } = model;
  return {
    id: requiredString(model, "id", 256, "model."),
    speed: model["speed"] ?? "standard",
    ...(effort && { effort: typeof effort === "string" ? { type: effort } : effort }),
    ...(geo && { inference_geo: geo }),
  };
}

/** Every session carries its agent along, and listings carry many sessions. */
const MAX_AGENT_CHARS = 1024 * 1024;

function checkSize(body: JsonObject): void {
  if (JSON.stringify(body).length <= MAX_AGENT_CHARS) return;
  throw new Refusal(
    "request_too_large",
    `An agent may have at most ${MAX_AGENT_CHARS} characters of JSON, schemas of tools included.`,
  );
}
