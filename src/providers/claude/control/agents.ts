/** Agents at the host: definitions in numbered versions, made from and changed to what the wire takes. */

import type { CallOptions, Requests, ClaudeWireObject } from "../api/requests.ts";

/** An agent at the host, as the wire has it. */
export interface ClaudeAgentRecord extends ClaudeWireObject {
  readonly type: "agent";
  readonly version: number;
  readonly name: string;
  readonly description: string | null;
  readonly model: { readonly id: string; readonly [field: string]: unknown };
  readonly system: string | null;
  readonly tools: readonly object[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly created_at: string;
  readonly updated_at: string;
  readonly archived_at: string | null;
}

/** What an agent is made of, in the words of the wire. */
export interface NewAgent {
  readonly name: string;
  readonly model: string | { readonly id: string; readonly [field: string]: unknown };
  readonly description?: string | null | undefined;
  readonly system?: string | null | undefined;
  readonly tools?: readonly object[] | undefined;
  readonly mcp_servers?: readonly object[] | undefined;
  readonly skills?: readonly object[] | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly [field: string]: unknown;
}

/** What to change: lists are replaced whole, metadata is a patch in which null removes a key. */
export interface AgentChanges {
  /** Optimistic lock: the version you read. The host answers 409 if there is a newer one. */
  readonly version?: number | undefined;
  readonly [field: string]: unknown;
}

/** Which agents to list; the newest come first. */
export interface AgentQuery {
  readonly include_archived?: boolean | undefined;
  readonly "created_at[gte]"?: string | undefined;
  readonly "created_at[lte]"?: string | undefined;
  /** How many to ask for at a time. */
  readonly limit?: number | undefined;
}

/** What can be done with agents. */
export interface Agents {
  create(agent: NewAgent, options?: CallOptions): Promise<ClaudeAgentRecord>;
  /** The newest version, or the one asked for. */
  get(
    id: string,
    options?: CallOptions & { readonly version?: number | undefined },
  ): Promise<ClaudeAgentRecord>;
  update(id: string, changes: AgentChanges, options?: CallOptions): Promise<ClaudeAgentRecord>;
  list(query?: AgentQuery, options?: CallOptions): AsyncIterable<ClaudeAgentRecord>;
  versions(id: string, options?: CallOptions): AsyncIterable<ClaudeAgentRecord>;
  archive(id: string, options?: CallOptions): Promise<ClaudeAgentRecord>;
}

/** The agents of a host. */
export function createAgents(requests: Requests): Agents {
  const path = ["agents"];
  return {
    create: (agent, options) => requests.create(path, agent, options),
    get: (id, { version, ...options } = {}) =>
      requests.read(["agents", id], version === undefined ? {} : { version }, options),
    update: (id, changes, options) =>
      requests.once(
        () => requests.post(["agents", id], changes, options),
        { advice: "Read the agent to see: its version grows with every change." },
        options,
      ),
    list: (query, options) => requests.list(path, query, options),
    versions: (id, options) => requests.list(["agents", id, "versions"], {}, options),
    archive: (id, options) => requests.change(["agents", id, "archive"], undefined, options),
  };
}
