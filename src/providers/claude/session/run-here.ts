/** Which tools of the host's run here: in a self-hosted environment, those the agent has a local tool for. */

import type { Agent } from "../../../core/agent.ts";
import { canRunHere, isSelfHosted } from "../api/built-in-tools.ts";
import type { ClaudeApi } from "../api/client.ts";

/** What is needed to find out. */
export interface RunHereRequest {
  readonly api: Pick<ClaudeApi, "get">;
  readonly agent: Agent;
  readonly sessionId: string;
  readonly signal: AbortSignal;
}

/** The names of the host's tools that run here. Asks the host only for agents that have tools of such names. */
export async function findToolsRunHere({
  api,
  agent,
  sessionId,
  signal,
}: RunHereRequest): Promise<ReadonlySet<string>> {
  const names = agent.tools.map(({ name }) => name).filter(canRunHere);
  if (names.length === 0) return new Set();
  const session = await api.get(`/v1/sessions/${encodeURIComponent(sessionId)}`, {}, signal);
  const environmentId = session["environment_id"];
  if (typeof environmentId !== "string") return new Set();
  const { config } = await api.get(`/v1/environments/${encodeURIComponent(environmentId)}`, {}, signal);
  return new Set(isSelfHosted(config) ? names : []);
}
