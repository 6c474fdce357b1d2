/**
 * Makes ahead what sessions are made from, or finds what was made from the same definition.
 *
 *   P1  the name at the host carries the digest of the definition: the same definition is found again from any machine
 *   P2  when one part cannot be had, what this call made of the others is released, whatever the failure: an error, an abort, a
 *       deadline, a reply that comes too late
 */

import type { Agent } from "../core/agent.ts";
import { contained } from "../core/async/contained.ts";
import { canonical, digestOf } from "../core/digest.ts";
import { LoophostError, toLoophostError } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import type { Provider } from "../core/provider.ts";
import type { ProvisionHandle, Provisioning, ResourceKind } from "../core/provisioning.ts";
import { agentDigest, resourceName } from "../core/provisioning.ts";
import { withOutputTool } from "../core/session/output.ts";
import type { Environment } from "./environment.ts";
import { checkEnvironment, environmentDigest, withRuntimes } from "./environment.ts";
import { checkAgent, provisioningOf } from "./handle.ts";
import type { Part } from "./make.ts";
import { make } from "./make.ts";
import type { ProvisionOptions } from "./options.ts";
import { checkProvisionOptions, memoryOf } from "./options.ts";
import { remember } from "./remembered.ts";
import { bootstrap } from "./runtimes.ts";

/**
 * Makes an agent, and an environment where the host has such, or finds those of the same definition. The agent is told to install the
 * runtimes of the environment. Where there is nothing to set up, as for `local()`, the handle says just that.
 *
 * @throws LoophostError `invalid_agent` or `invalid_options` before anything is sent; `provision_timeout`, `provision_failed`,
 *   `aborted`, or what the host says; the message names what was made and could not be released
 */
export async function provision(
  provider: Provider,
  agent: Agent,
  options: ProvisionOptions = {},
): Promise<ProvisionHandle> {
  const given = checked("provision()", provider, agent, options);
  const { environment } = options;
  const whole = await agentParts(given, environment);
  if (!given.part.kinds.includes("environment")) return have(given, whole);
  // Its name carries the agent's digest too: an environment that two agents shared would be torn down under one of them.
  const digest = await combined(whole.digest, environment, given.part);
  const base = environment?.name ?? given.agent.name;
  const place = {
    kind: "environment",
    name: await resourceName(base, digest, given.part.names),
    digest,
  } as const;
  return have(given, { ...whole, parts: [...whole.parts, place] });
}

/**
 * Makes the agent alone, or finds it: for hosts whose environments are set up apart.
 *
 * @throws LoophostError as `provision`
 */
export async function ensureAgent(
  provider: Provider,
  agent: Agent,
  options: ProvisionOptions = {},
): Promise<ProvisionHandle> {
  const given = checked("ensureAgent()", provider, agent, options);
  return have(given, await agentParts(given, options.environment));
}

/**
 * Makes an environment, or finds the one of the same description. A changed description is another environment beside the old one,
 * never an update of it.
 *
 * @throws LoophostError as `provision`; `invalid_options` where an environment is a part of the agent
 */
export async function ensureEnvironment(
  provider: Provider,
  environment: Environment,
  options: Omit<ProvisionOptions, "environment"> = {},
): Promise<ProvisionHandle> {
  const owner = "ensureEnvironment()";
  const part = provisioningOf(owner, provider);
  checkProvisionOptions(owner, options);
  checkEnvironment(owner, environment);
  if (part.kinds.length > 0 && !part.kinds.includes("environment"))
    throw new LoophostError(
      "invalid_options",
      `${owner}: to ${provider.name} an environment is a part of the agent: pass it to provision().`,
    );
  const base = environment.name ?? "env";
  const digest = await digestOf([
    await environmentDigest(environment),
    canonical(part.settings("environment")),
  ]);
  const name = await resourceName(base, digest, part.names);
  const parts = part.kinds.includes("environment") ? [{ kind: "environment", name, digest } as const] : [];
  const given = { owner, provider, part, agent: undefined, options: { ...options, environment } };
  return have(given, { kind: "environment", base, name, digest, parts });
}

/** What a call was given, checked. */
interface Given {
  readonly owner: string;
  readonly provider: Provider;
  readonly part: Provisioning;
  readonly agent: Agent | undefined;
  readonly options: ProvisionOptions;
}

/** What a handle stands for. */
interface Whole {
  readonly kind: ResourceKind;
  readonly base: string;
  readonly name: string;
  readonly digest: string;
  readonly parts: readonly Part[];
}

function checked(
  owner: string,
  provider: Provider,
  agent: Agent,
  options: ProvisionOptions,
): Given & { readonly agent: Agent } {
  checkAgent(owner, agent);
  const part = provisioningOf(owner, provider);
  checkProvisionOptions(owner, options);
  const { environment = {} } = options;
  checkEnvironment(`${owner}: environment`, environment);
  // Nobody would ever install them.
  if ((environment.runtimes ?? []).length > 0 && part.kinds.length > 0 && !part.kinds.includes("agent"))
    throw new LoophostError(
      "invalid_options",
      `${owner}: runtimes are installed by the agent, and ${provider.name} was given one that is there: have its instructions say what bootstrapOf() gives.`,
    );
  return { owner, provider, part, agent: withOutputTool(withRuntimes(agent, environment)), options };
}

/** The agent with its environment, where that is a part of it. */
async function agentParts(
  { part, agent }: Given & { readonly agent: Agent },
  environment: Environment | undefined,
): Promise<Whole> {
  const own = await agentDigest(agent, part.settings("agent"));
  const isOne = part.kinds.includes("agent") && !part.kinds.includes("environment");
  const digest = isOne && environment !== undefined ? await combined(own, environment, part) : own;
  const name = await resourceName(agent.name, digest, part.names);
  const parts = part.kinds.includes("agent") ? [{ kind: "agent", name, digest } as const] : [];
  return { kind: "agent", base: agent.name, name, digest, parts };
}

async function combined(
  agent: string,
  environment: Environment | undefined,
  part: Provisioning,
): Promise<string> {
  const own = environment === undefined ? null : await environmentDigest(environment);
  return digestOf([agent, own, canonical(part.settings("environment"))]);
}

/** The handle that is remembered, or of what is made now. */
async function have(
  { owner, provider, part, agent, options }: Given,
  { kind, base, name, digest, parts }: Whole,
): Promise<ProvisionHandle> {
  const { environment, ifKnown = "use", timeoutMs = 600_000, onProgress } = options;
  const place = await placeOf(provider, part);
  const hosts = environment === undefined ? [] : bootstrap(environment.runtimes ?? []).hosts;
  const memory = memoryOf(provider, options);
  const what = {
    key: await digestOf([place, parts, kind, base, digest]),
    about: { place, kind, base } satisfies JsonObject,
    name,
    digest,
    ids: parts.flatMap((one) => part.ids[one.kind] ?? []),
  };
  const signal = options.signal ?? new AbortController().signal;
  const how = { isTrusted: ifKnown === "use", signal };
  const having = remember(memory, what, how, async (stop) => {
    const ids = await make(part, parts, {
      owner,
      agent,
      environment: environment?.config,
      hosts,
      timeoutMs,
      clock: memory.clock,
      onProgress: (progress) => contained(() => onProgress?.(progress)),
      signal: stop,
    });
    return { ...ids, provider: provider.name, name, digest };
  });
  return having.catch((thrown: unknown) => {
    // A caller that gave up is told its own reason, as an error of ours.
    throw toLoophostError(thrown, "aborted", owner);
  });
}

/** A hash of where things are made, to keep apart what is kept in one store. */
export async function placeOf(provider: Provider, part: Provisioning): Promise<string> {
  return (await digestOf([provider.name, part.scope()])).slice(0, 16);
}
