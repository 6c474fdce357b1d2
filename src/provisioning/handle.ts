/** What provisioning is given: an agent, a provider, and handles, which are compared as JSON. */

import type { Agent } from "../core/agent.ts";
import { canonical } from "../core/digest.ts";
import { LoophostError } from "../core/errors.ts";
import { isObject } from "../core/json.ts";
import type { Provider } from "../core/provider.ts";
import type { Provisioning } from "../core/provisioning.ts";

/**
 * Checks that an agent is one.
 *
 * @throws LoophostError `invalid_agent`
 */
export function checkAgent(owner: string, agent: Agent): void {
  if (agent?.limits === undefined)
    throw new LoophostError("invalid_agent", `${owner} needs an agent that was made by defineAgent().`);
}

/**
 * The provisioning part of a provider.
 *
 * @throws LoophostError `invalid_options` for a provider without one
 */
export function provisioningOf(owner: string, provider: Provider): Provisioning {
  if (!isObject(provider) || typeof provider["open"] !== "function")
    throw refused(`${owner} needs a provider, such as claude() or local({ model }).`);
  if (provider.provisioning === undefined)
    throw refused(
      `${owner}: the provider "${provider.name}" has no \`provisioning\`: set up its agents in its own ways.`,
    );
  return provider.provisioning;
}

/** Whether two handles say the same, in whatever order. */
export function sameHandle(one: unknown, other: unknown): boolean {
  return JSON.stringify(canonical(one)) === JSON.stringify(canonical(other));
}

function refused(message: string): LoophostError {
  return new LoophostError("invalid_options", message);
}
