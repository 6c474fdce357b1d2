/** Sessions at the host: made, looked at, changed, put away. */

import type { Money } from "../../../core/results.ts";
import type { CallOptions, Requests, ClaudeWireObject } from "../api/requests.ts";
import { withWireBudget } from "./budget.ts";
import type { SessionEvents, SessionResources, SessionThreads } from "./session-parts.ts";
import { createSessionEvents, createSessionResources, createSessionThreads } from "./session-parts.ts";
import type { StopOptions } from "./session-stop.ts";
import { atRest } from "./session-stop.ts";

/** A session at the host, as the wire has it. */
export interface ClaudeSessionRecord extends ClaudeWireObject {
  readonly type: "session";
  /** `idle`, `running`, `rescheduling` or `terminated`; it lags behind the session's events by a moment. */
  readonly status: string;
  readonly agent: { readonly id: string; readonly version: number; readonly [field: string]: unknown };
  readonly environment_id: string;
  readonly title: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly budget: ClaudeWireBudget | null;
  readonly usage: Readonly<Record<string, unknown>>;
  readonly outcome_evaluations: readonly OutcomeEvaluation[];
  readonly created_at: string;
  readonly updated_at: string;
  readonly archived_at: string | null;
}

/** A budget as the wire has it: the amount is in the smallest unit of its currency, "125" of USD is 1.25 dollars. */
export interface ClaudeWireBudget {
  readonly type: string;
  readonly max_list_cost: { readonly amount: string; readonly currency: string };
}

/** Where a session stands with an outcome. */
export interface OutcomeEvaluation {
  readonly outcome_id: string;
  readonly description: string;
  /** Still open: `pending`, `running`, `evaluating`, `needs_revision`; else the last verdict. */
  readonly result: string;
  readonly iteration: number;
  readonly explanation: string | null;
  readonly completed_at: string | null;
}

/** What a session is made of: the wire's words, but for the budget, which is money of ours. */
export interface NewSession {
  /** The id of an agent, or `{ type: "agent", id, version }`, or `{ type: "agent_with_overrides", id, … }`. */
  readonly agent: string | { readonly type: string; readonly id: string; readonly [field: string]: unknown };
  readonly environment_id: string;
  readonly title?: string | null | undefined;
  /** At most 16 pairs; one is used to find the session again when the host's reply is lost. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly resources?: readonly object[] | undefined;
  readonly vault_ids?: readonly string[] | undefined;
  readonly initial_events?: readonly object[] | undefined;
  /** What the session may cost at list prices; it can only be given now. */
  readonly budget?: Money | undefined;
}

/** What to change of a session. */
export interface SessionChanges {
  readonly title?: string | null | undefined;
  /** A patch: null removes a key. */
  readonly metadata?: Readonly<Record<string, string | null>> | undefined;
  /** Replaces the session's own copy, not while it is at work. */
  readonly agent?:
    | { readonly tools?: readonly object[]; readonly mcp_servers?: readonly object[] }
    | undefined;
  /** Raises the budget, or with null removes it for good; a session that waited at it goes on by itself. */
  readonly budget?: Money | null | undefined;
}

/** Which sessions to list; the newest come first. */
export interface SessionQuery {
  readonly agent_id?: string | undefined;
  readonly agent_version?: number | undefined;
  readonly statuses?: readonly string[] | undefined;
  readonly include_archived?: boolean | undefined;
  readonly order?: "asc" | "desc" | undefined;
  readonly "created_at[gt]"?: string | undefined;
  readonly "created_at[gte]"?: string | undefined;
  readonly "created_at[lt]"?: string | undefined;
  readonly "created_at[lte]"?: string | undefined;
  /** How many to ask for at a time. */
  readonly limit?: number | undefined;
}

/** What can be done with sessions. */
export interface Sessions {
  create(session: NewSession, options?: CallOptions): Promise<ClaudeSessionRecord>;
  get(id: string, options?: CallOptions): Promise<ClaudeSessionRecord>;
  list(query?: SessionQuery, options?: CallOptions): AsyncIterable<ClaudeSessionRecord>;
  update(id: string, changes: SessionChanges, options?: CallOptions): Promise<ClaudeSessionRecord>;
  /** Ends a session and keeps its log. One that is at work is interrupted first. */
  archive(id: string, options?: StopOptions): Promise<ClaudeSessionRecord>;
  /** Removes a session with its log. One that is at work is interrupted first. */
  delete(id: string, options?: StopOptions): Promise<void>;
  readonly events: SessionEvents;
  readonly threads: SessionThreads;
  readonly resources: SessionResources;
}

/** The sessions of a host. */
export function createSessions(requests: Requests): Sessions {
  const path = ["sessions"];
  return {
    create: async (session, options) =>
      requests.create(path, withWireBudget("sessions.create()", session), options),
    get: (id, options) => requests.read(["sessions", id], {}, options),
    list: (query, options) => requests.list(path, query, options),
    update: async (id, changes, options) => {
      const body = withWireBudget("sessions.update()", changes);
      const advice = "Read the session to see.";
      return requests.once(() => requests.post(["sessions", id], body, options), { advice }, options);
    },
    archive: (id, options) =>
      atRest(requests, id, () => requests.change(["sessions", id, "archive"], undefined, options), options),
    delete: (id, options) => atRest(requests, id, () => requests.delete(["sessions", id], options), options),
    events: createSessionEvents(requests),
    threads: createSessionThreads(requests),
    resources: createSessionResources(requests),
  };
}
