/** Handles: checked as they come in, compared as JSON. */

import { LoophostError } from "../core/errors.ts";
import { isObject } from "../core/json.ts";
import type { Provider } from "../core/provider.ts";
import type { ProvisionHandle, Provisioning } from "../core/provisioning.ts";
import { canonical } from "../core/provisioning.ts";

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

/**
 * Checks that a handle is one of this provider's.
 *
 * @throws LoophostError `invalid_options`
 */
export function checkHandle(
  owner: string,
  provider: Provider,
  handle: unknown,
): asserts handle is ProvisionHandle {
  const { provider: maker, name, digest } = isObject(handle) ? handle : {};
  if (typeof maker !== "string" || typeof name !== "string" || typeof digest !== "string")
    throw refused(`${owner} needs a handle that provision() gave: { provider, name, digest, … }.`);
  if (maker !== provider.name) throw refused(`${owner}: the handle is of ${maker}, not of ${provider.name}.`);
}

/** Whether two handles say the same, in whatever order. */
export function sameHandle(one: unknown, other: unknown): boolean {
  return JSON.stringify(canonical(one)) === JSON.stringify(canonical(other));
}

function refused(message: string): LoophostError {
  return new LoophostError("invalid_options", message);
}
