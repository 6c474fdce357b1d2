/** What sessions are made from, made ahead of them and put away after them: an agent and an environment at the host. */

import type { Agent } from "../../../core/agent.ts";
import type { Checks } from "../../../core/check-options.ts";
import { checkOptions, checkSome, NAME, SIGNAL } from "../../../core/check-options.ts";
import { LoophostError, messageOf, toLoophostError } from "../../../core/errors.ts";
import { reworded } from "../api/host-error.ts";
import type { CallOptions } from "../api/requests.ts";
import { connectRequests } from "../api/requests.ts";
import type { ClaudeConnectionOptions } from "../api/settings.ts";
import { CONNECTION } from "../api/settings.ts";
import { ensureAgent, ensureEnvironment } from "./ensure.ts";
import type { EnvironmentConfig } from "./environments.ts";
import type { AgentExtras } from "./session-setup.ts";
import { ENVIRONMENT, EXTRAS } from "./session-setup.ts";

/** How an agent is provisioned. */
export interface ProvisionOptions extends ClaudeConnectionOptions, AgentExtras, CallOptions {
  /** The wire's description of the environment, passed on untouched. Default: in the cloud, with networking. */
  readonly environment?: EnvironmentConfig | undefined;
}

/** What was provisioned; `claude({ ...handles })` opens sessions with it. */
export interface ProvisionHandles {
  readonly agentId: string;
  readonly environmentId: string;
}

/**
 * Makes agent and environment at the host, or finds those made from the same definitions.
 *
 * When the environment cannot be had, an agent that was made for it is archived again.
 *
 * @throws LoophostError `invalid_agent` or `invalid_options` before anything is sent
 */
export async function provision(agent: Agent, options: ProvisionOptions = {}): Promise<ProvisionHandles> {
  if (agent?.limits === undefined)
    throw new LoophostError("invalid_agent", "provision() needs an agent that was made by defineAgent().");
  checkOptions("provision()", options, OPTIONS);
  const requests = connectRequests(options);
  const made = await ensureAgent(requests, agent, options, options);
  try {
    const environment = await ensureEnvironment(requests, options.environment, options);
    return { agentId: made.id, environmentId: environment.id };
  } catch (thrown) {
    if (made.isNew) await requests.change(["agents", made.id, "archive"]).catch(() => undefined);
    throw thrown;
  }
}

/**
 * Archives agent and environment, each whatever becomes of the other. What is gone already is fine.
 *
 * @throws LoophostError of the first failure, naming all that is left
 */
export async function teardown(
  handles: ProvisionHandles,
  options: ClaudeConnectionOptions & CallOptions = {},
): Promise<void> {
  checkSome("teardown()", handles, HANDLES, ["agentId", "environmentId"]);
  checkOptions("teardown()", options, WAY);
  const { agentId, environmentId } = handles;
  const requests = connectRequests(options);
  const archive = (kind: string, id: string) =>
    requests.change([kind, id, "archive"], undefined, options).then(
      () => undefined,
      (thrown: unknown) => {
        const error = toLoophostError(thrown, "host_failed", `Archiving ${id}`);
        return error.status === 404 ? undefined : error;
      },
    );
  const archived = await Promise.all([archive("agents", agentId), archive("environments", environmentId)]);
  const failures = archived.filter((error) => error !== undefined);
  const [first] = failures;
  if (first !== undefined)
    throw reworded(first, `Not everything was archived: ${failures.map(messageOf).join("; ")}`);
}

const WAY: Checks<ClaudeConnectionOptions & CallOptions> = { ...CONNECTION, signal: SIGNAL };
const OPTIONS: Checks<ProvisionOptions> = { ...WAY, ...EXTRAS, environment: ENVIRONMENT };
const HANDLES: Checks<ProvisionHandles> = { agentId: NAME, environmentId: NAME };
