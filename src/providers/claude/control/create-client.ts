/** The control plane: what a host has of agents, environments, sessions and files, beside running them. */

import { checkOptions } from "../../../core/check-options.ts";
import { connectRequests } from "../api/requests.ts";
import type { ClaudeConnectionOptions } from "../api/settings.ts";
import { CONNECTION } from "../api/settings.ts";
import type { Agents } from "./agents.ts";
import { createAgents } from "./agents.ts";
import type { Environments } from "./environments.ts";
import { createEnvironments } from "./environments.ts";
import type { Files } from "./files.ts";
import { createFiles } from "./files.ts";
import type { Sessions } from "./sessions.ts";
import { createSessions } from "./sessions.ts";

/** A client of the control plane. Printing it shows no key. */
export interface ClaudeClient {
  readonly agents: Agents;
  readonly environments: Environments;
  readonly sessions: Sessions;
  readonly files: Files;
}

/**
 * Makes a client of the control plane. What goes in and comes out are the wire's own objects, in snake_case.
 *
 * Every method rejects with a LoophostError that carries the host's status, code and request id.
 *
 * @throws LoophostError `missing_credentials` without a key, `invalid_options` for an option that cannot be used
 */
export function createClient(options: ClaudeConnectionOptions = {}): ClaudeClient {
  checkOptions("createClient()", options, CONNECTION);
  const requests = connectRequests(options);
  return {
    agents: createAgents(requests),
    environments: createEnvironments(requests),
    sessions: createSessions(requests),
    files: createFiles(requests),
  };
}
