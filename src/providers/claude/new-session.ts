/** A new session at the host, with an agent and an environment that are made when they are not there. */

import type { Agent } from "../../core/agent.ts";
import { ensureAgent, ensureEnvironment } from "./ensure.ts";
import type { CallOptions, Requests } from "./requests.ts";
import type { SessionSetup } from "./session-setup.ts";
import type { ClaudeSession } from "./sessions.ts";
import { createSessions } from "./sessions.ts";

/** Makes a session. */
export async function makeSession(
  requests: Requests,
  agent: Agent,
  setup: SessionSetup,
  options: CallOptions,
): Promise<ClaudeSession> {
  const { title, metadata, resources, vaultIds, budget } = setup;
  const agentId = setup.agentId ?? (await ensureAgent(requests, agent, setup, options)).id;
  const environmentId =
    setup.environmentId ?? (await ensureEnvironment(requests, setup.environment, options)).id;
  return createSessions(requests).create(
    {
      agent: agentId,
      environment_id: environmentId,
      title,
      metadata,
      resources,
      vault_ids: vaultIds,
      budget,
    },
    options,
  );
}
