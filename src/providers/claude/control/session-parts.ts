/** What belongs to a session: its events, its threads, and what was given to it to work with. */

import type { CallOptions, Requests, ClaudeWireObject } from "../api/requests.ts";
import { pathTo } from "../api/requests.ts";
import type { ClaudeWireEvent } from "../session/wire.ts";
import { isWireEvent } from "../session/wire.ts";

/** Which events of a session to list. */
export interface EventQuery {
  /** Default "asc": the oldest first. */
  readonly order?: "asc" | "desc" | undefined;
  readonly types?: readonly string[] | undefined;
  readonly "created_at[gt]"?: string | undefined;
  readonly "created_at[gte]"?: string | undefined;
  readonly "created_at[lt]"?: string | undefined;
  readonly "created_at[lte]"?: string | undefined;
  /** How many to ask for at a time. Default 1 000. */
  readonly limit?: number | undefined;
}

/** What can be done with the events of a session. */
export interface SessionEvents {
  /** Sends events in the wire's own form, all or none, and gives them back as they were stored. */
  send(
    sessionId: string,
    events: readonly object[],
    options?: CallOptions,
  ): Promise<readonly ClaudeWireEvent[]>;
  list(sessionId: string, query?: EventQuery, options?: CallOptions): AsyncIterable<ClaudeWireObject>;
  /** The whole log at once. */
  all(sessionId: string, query?: EventQuery, options?: CallOptions): Promise<ClaudeWireObject[]>;
}

/** A thread of a session, as the wire has it. */
export interface ClaudeThread extends ClaudeWireObject {
  readonly type: "session_thread";
  readonly session_id: string;
  readonly status: string;
  readonly parent_thread_id: string | null;
  readonly created_at: string;
  readonly archived_at: string | null;
}

/** What can be done with the threads of a session. */
export interface SessionThreads {
  list(
    sessionId: string,
    query?: { readonly statuses?: readonly string[] | undefined },
    options?: CallOptions,
  ): AsyncIterable<ClaudeThread>;
  get(sessionId: string, threadId: string, options?: CallOptions): Promise<ClaudeThread>;
  /** Only a thread at rest can be archived. */
  archive(sessionId: string, threadId: string, options?: CallOptions): Promise<ClaudeThread>;
}

/** Something a session was given to work with, as the wire has it. */
export interface ClaudeSessionResource extends ClaudeWireObject {
  readonly type: string;
}

/** What can be done with the resources of a session. */
export interface SessionResources {
  /** Gives a session a file: `{ type: "file", file_id, mount_path }`. Its copy there has a file id of its own. */
  attach(
    sessionId: string,
    resource: { readonly type: string; readonly [field: string]: unknown },
    options?: CallOptions,
  ): Promise<ClaudeSessionResource>;
  list(sessionId: string, options?: CallOptions): AsyncIterable<ClaudeSessionResource>;
  delete(sessionId: string, resourceId: string, options?: CallOptions): Promise<void>;
}

/** The events of a host's sessions. */
export function createSessionEvents(requests: Requests): SessionEvents {
  const list: SessionEvents["list"] = (id, query, options) =>
    requests.list(["sessions", id, "events"], { limit: 1_000, ...query }, options);
  return {
    async send(id, events, options) {
      const body = await requests.once(
        () => requests.api.post(pathTo(["sessions", id, "events"]), { events }, options?.signal),
        { advice: "List the session's events to see." },
        options,
      );
      return Array.isArray(body["data"]) ? body["data"].filter(isWireEvent) : [];
    },
    list,
    all: (id, query, options) => Array.fromAsync(list(id, query, options)),
  };
}

/** The threads of a host's sessions. */
export function createSessionThreads(requests: Requests): SessionThreads {
  return {
    list: (id, query, options) => requests.list(["sessions", id, "threads"], query, options),
    get: (id, threadId, options) => requests.read(["sessions", id, "threads", threadId], {}, options),
    archive: (id, threadId, options) =>
      requests.change(["sessions", id, "threads", threadId, "archive"], undefined, options),
  };
}

/** The resources of a host's sessions. */
export function createSessionResources(requests: Requests): SessionResources {
  return {
    attach: (id, resource, options) =>
      requests.once(
        () => requests.post(["sessions", id, "resources"], resource, options),
        { advice: "List the session's resources to see." },
        options,
      ),
    list: (id, options) => requests.list(["sessions", id, "resources"], {}, options),
    delete: (id, resourceId, options) => requests.delete(["sessions", id, "resources", resourceId], options),
  };
}
