/** Sessions as the host keeps and shows them, and the one thread each has. */

import type { JsonObject } from "../../core/json.ts";
import type { Usage } from "../../core/results.ts";
import type { Metadata } from "../http/fields.ts";
import { optionalString, patchMetadata } from "../http/fields.ts";
import type { AgentSnapshot } from "./agent-record.ts";
import type { EnvironmentRecord } from "./environment-record.ts";
import { newId } from "./ids.ts";
import type { SessionResource } from "./session-resource.ts";
import { now } from "./time.ts";

/** What a session is doing. */
type SessionStatus = "idle" | "running" | "rescheduling" | "terminated";

/** A session, as it is kept. */
export type SessionRecord = {
  readonly id: string;
  readonly type: "session";
  readonly status: SessionStatus;
  readonly agent: AgentSnapshot;
  readonly environment_id: string;
  readonly title: string | null;
  readonly metadata: Metadata;
  readonly resources: readonly SessionResource[];
  readonly budget: Budget | null;
  readonly outcome_evaluations: readonly JsonObject[];
  readonly usage: SessionUsage;
  readonly stats: { readonly active_seconds: number; readonly duration_seconds: number };
  readonly created_at: string;
  readonly updated_at: string;
  readonly archived_at: string | null;
  /** Kept, not shown: whether workers of the user's run the agent's built-in tools. An environment never changes its type. */
  readonly is_self_hosted: boolean;
  /** Kept, not shown: what the session has cost, in minor units; finer than it is shown. */
  readonly cost: number;
  /** Kept, not shown: whether a model did not tell what it used, so that the cost is more than is known. */
  readonly is_uncounted?: boolean;
  /** Kept, not shown: the session's one thread. */
  readonly thread_id: string;
};

/** An amount of money on the wire: minor units, as a string. */
type Amount = { readonly amount: string; readonly currency: "USD" };

/** What a session may cost at most. */
export type Budget = { readonly type: "limit"; readonly max_list_cost: Amount };

/** Tokens spent so far, in the words of the wire. */
export type SessionUsage = {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cache_read_input_tokens: number;
  readonly cache_creation: {
    readonly ephemeral_5m_input_tokens: number;
    readonly ephemeral_1h_input_tokens: number;
  };
  /** Only where the model has a price. */
  readonly list_cost?: Amount;
};

/** Makes a session of the body of a create request. */
export function createSession(
  body: JsonObject,
  agent: AgentSnapshot,
  environment: EnvironmentRecord,
): SessionRecord {
  const at = now();
  return {
    id: newId("sesn"),
    type: "session",
    status: "idle",
    agent,
    environment_id: environment.id,
    title: optionalString(body, "title", 1_024) ?? null,
    metadata: patchMetadata({}, body["metadata"]),
    resources: [],
    budget: null,
    outcome_evaluations: [],
    usage: {
      input_tokens: 0,
      output_tokens: 0,
      cache_read_input_tokens: 0,
      cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
    },
    stats: { active_seconds: 0, duration_seconds: 0 },
    created_at: at,
    updated_at: at,
    archived_at: null,
    is_self_hosted: environment.config["type"] === "self_hosted",
    cost: 0,
    thread_id: newId("sthr"),
  };
}

/** A usage with what a model call spent added to it. */
export function addSpent(total: SessionUsage, spent: Usage): SessionUsage {
  return {
    input_tokens: total.input_tokens + spent.inputTokens,
    output_tokens: total.output_tokens + spent.outputTokens,
    cache_read_input_tokens: total.cache_read_input_tokens + spent.cacheReadTokens,
    cache_creation: {
      ...total.cache_creation,
      ephemeral_5m_input_tokens: total.cache_creation.ephemeral_5m_input_tokens + spent.cacheWriteTokens,
    },
  };
}

/** What listings of sessions filter by. */
export type SessionGlance = Pick<
  SessionRecord,
  "status" | "archived_at" | "created_at" | "environment_id"
> & {
  readonly agent: Pick<AgentSnapshot, "id" | "version">;
};

/** A session's glance, kept beside it. */
export function glanceOf(record: SessionRecord): SessionGlance {
  const { status, archived_at, created_at, environment_id, agent } = record;
  return { status, archived_at, created_at, environment_id, agent: { id: agent.id, version: agent.version } };
}

/** A session as clients see it. */
export function sessionOf(record: SessionRecord): JsonObject {
  const { thread_id: _, is_self_hosted: __, cost: ___, is_uncounted: ____, ...session } = record;
  return { ...session, vault_ids: [] };
}

/** The one thread of a session, as clients see it. */
export function threadOf(record: SessionRecord): JsonObject & { readonly id: string } {
  const { multiagent: _, ...agent } = record.agent;
  return {
    id: record.thread_id,
    type: "session_thread",
    session_id: record.id,
    agent,
    status: record.status,
    parent_thread_id: null,
    workflow_run_id: null,
    stats: record.stats,
    usage: record.usage,
    created_at: record.created_at,
    updated_at: record.updated_at,
    archived_at: record.archived_at,
  };
}
