/** Handles come from files, stores and deployments: what one says is checked before a request is made of it. */

import type { Agent } from "./agent.ts";
import { isString } from "./check-options.ts";
import { LoophostError } from "./errors.ts";
import { isObject } from "./json.ts";
import type { ProvisionHandle, Provisioning } from "./provisioning.ts";
import { digestIn } from "./provisioning.ts";

/** What a provider's handles are like. */
export interface HandleRules extends Pick<Provisioning, "kinds" | "names" | "ids"> {
  /** The name of the provider. */
  readonly provider: string;
}

/**
 * Checks that a handle is whole: of this provider, with a digest its name ends in, and with all ids of a kind or more.
 *
 * @throws LoophostError `invalid_options`, which names what does not fit
 */
export function checkHandle(
  owner: string,
  { provider, kinds, ids }: Omit<HandleRules, "names">,
  handle: unknown,
): asserts handle is ProvisionHandle {
  const given = isObject(handle) ? handle : {};
  const { provider: maker, name, digest } = given;
  const unfit = (what: string) => new LoophostError("invalid_options", `${owner}: ${what}.`);
  if (!isString(maker) || !isString(name) || !isString(digest))
    throw new LoophostError(
      "invalid_options",
      `${owner} needs a handle that provision() gave: { provider, name, digest, … }.`,
    );
  if (maker !== provider) throw unfit(`the handle is of ${maker}, not of ${provider}`);
  if (!/^[0-9a-f]{64}$/.test(digest) || !name.endsWith(`_${digest.slice(0, 8)}`))
    throw unfit(
      `the handle's name ${JSON.stringify(name)} does not end in the first eight digits of its digest`,
    );
  const wanted = kinds.map((kind) => ids[kind] ?? []);
  const some = wanted.filter((all) => all.some((id) => Object.hasOwn(given, id) && given[id] !== undefined));
  const missing = (some.length > 0 ? some : wanted)
    .flat()
    .filter((id) => !Object.hasOwn(given, id) || !isString(given[id]) || given[id] === "");
  if (missing.length > 0) throw unfit(`the handle of ${name} has no ${missing.join(" and no ")}`);
}

/**
 * Checks that a session of an agent can be made from a handle: a whole one, of whichever version of this agent.
 *
 * @throws LoophostError `invalid_options`, which names what does not fit
 */
export async function checkProvisioned(
  agent: Agent,
  rules: HandleRules,
  handle: ProvisionHandle | undefined,
): Promise<void> {
  if (handle === undefined) return;
  checkHandle("provisioned", rules, handle);
  if ((await digestIn(handle.name, agent.name, rules.names)) === undefined)
    throw new LoophostError(
      "invalid_options",
      `provisioned: ${handle.name} is no version of agent "${agent.name}": provision this agent.`,
    );
}
