/** Environments at the host: the places where server tools run. */

import type { CallOptions, Requests, ClaudeWireObject } from "../api/requests.ts";

/** An environment at the host, as the wire has it. */
export interface ClaudeEnvironment extends ClaudeWireObject {
  readonly type: "environment";
  readonly name: string;
  readonly description: string | null;
  readonly config: EnvironmentConfig;
  readonly metadata: Readonly<Record<string, string>>;
  readonly created_at: string;
  readonly updated_at: string;
  readonly archived_at: string | null;
}

/** The wire's description of an environment: `{ type: "cloud", … }` or `{ type: "self_hosted" }`. */
export interface EnvironmentConfig {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** What an environment is made of, in the words of the wire. */
export interface NewEnvironment {
  readonly name: string;
  readonly config?: EnvironmentConfig | undefined;
  readonly description?: string | null | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly [field: string]: unknown;
}

/** Which environments to list; the newest come first. */
export interface EnvironmentQuery {
  readonly include_archived?: boolean | undefined;
  /** How many to ask for at a time. */
  readonly limit?: number | undefined;
}

/** What can be done with environments. */
export interface Environments {
  create(environment: NewEnvironment, options?: CallOptions): Promise<ClaudeEnvironment>;
  get(id: string, options?: CallOptions): Promise<ClaudeEnvironment>;
  update(id: string, changes: Partial<NewEnvironment>, options?: CallOptions): Promise<ClaudeEnvironment>;
  list(query?: EnvironmentQuery, options?: CallOptions): AsyncIterable<ClaudeEnvironment>;
  archive(id: string, options?: CallOptions): Promise<ClaudeEnvironment>;
  delete(id: string, options?: CallOptions): Promise<void>;
}

/** The environments of a host. */
export function createEnvironments(requests: Requests): Environments {
  const path = ["environments"];
  return {
    create: (environment, options) => requests.create(path, environment, options),
    get: (id, options) => requests.read(["environments", id], {}, options),
    // An environment is replaced field by field: the same change twice is the change once.
    update: (id, changes, options) => requests.change(["environments", id], changes, options),
    list: (query, options) => requests.list(path, query, options),
    archive: (id, options) => requests.change(["environments", id, "archive"], undefined, options),
    delete: (id, options) => requests.delete(["environments", id], options),
  };
}
